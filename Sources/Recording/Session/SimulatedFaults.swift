import Devices

private enum CircuitFaultName: String, CaseIterable {
  case latency, error, disconnect, torn, stall, reset, halt, lap
  case setTag = "set_tag"
}

private enum StimulatorFaultName: String, CaseIterable {
  case latency, error, disconnect, underrun
  case overCurrent = "over_current"
}

extension ValueReader {
  /// `{ kind: "stall", at_s: 3, for_s: 2 }`; `probability` (at each poll) instead of `at_s`;
  /// `times` of a lap, `tag` and `value` of a set_tag.
  func circuitFault() -> CircuitFault? {
    object { reader -> CircuitFault? in
      guard let kind = reader.required("kind", "a text")?.choice(of: CircuitFaultName.self) else {
        reader.skipFaultKeys(["for_s", "times", "tag", "value"])
        return nil
      }
      let fault: CircuitFault.Kind =
        switch kind {
        case .latency: .latency(seconds: reader.faultSeconds(else: 0.03))
        case .error: .error
        case .disconnect: .disconnect(seconds: reader.faultSeconds(else: .infinity))
        case .torn: .torn
        case .stall: .stall(seconds: reader.faultSeconds(else: 1))
        case .reset: .reset
        case .halt: .halt
        case .lap: .lap(times: reader.number("times", in: .above(0), default: 1))
        case .setTag:
          .setTag(
            name: reader.requiredText("tag"),
            value: reader.required("value", "a number")?.number() ?? 0)
        }
      let (time, probability) = reader.faultTime()
      return CircuitFault(kind: fault, at: time, probability: probability)
    } ?? nil
  }

  /// `{ kind: "underrun", at_s: 3 }`; `probability` (at each feed) instead of `at_s`.
  func stimulatorFault() -> StimulatorFault? {
    object { reader -> StimulatorFault? in
      guard let kind = reader.required("kind", "a text")?.choice(of: StimulatorFaultName.self)
      else {
        reader.skipFaultKeys(["for_s"])
        return nil
      }
      let fault: StimulatorFault.Kind =
        switch kind {
        case .latency: .latency(seconds: reader.faultSeconds(else: 0.03))
        case .error: .error
        case .disconnect: .disconnect(seconds: reader.faultSeconds(else: .infinity))
        case .underrun: .underrun
        case .overCurrent: .overCurrent
        }
      let (time, probability) = reader.faultTime()
      return StimulatorFault(kind: fault, at: time, probability: probability)
    } ?? nil
  }
}

extension ObjectReader {
  fileprivate func faultSeconds(else value: Double) -> Double {
    number("for_s", in: .above(0), default: value)
  }

  /// A time or a probability; one of them must be there.
  fileprivate func faultTime() -> (Double?, Double) {
    let time = number("at_s", in: .atLeast(0))
    let probability = number("probability", in: .within(0...1))
    if has("at_s") == has("probability") {
      report(
        has("at_s")
          ? "goes without probability; one of them is allowed"
          : "is missing; a time, or a probability instead, is required",
        at: "at_s")
    }
    return (time, probability ?? 0)
  }

  /// Without a kind it is not known which keys are right.
  fileprivate func skipFaultKeys(_ keys: [String]) {
    for key in keys + ["at_s", "probability"] { _ = self[key] }
  }
}

extension StimulatorSimulation {
  init(reading reader: ObjectReader) {
    self.init()
    let part = Bounds.within(-10_000...10_000)
    partsPerMillion = reader.number("ppm", in: part, default: partsPerMillion)
    driftPerHour = reader.number("drift_ppm_per_h", in: part, default: driftPerHour)
    wander = reader.number("wander_ppm", in: .within(0...1000), default: wander)
    seed = UInt64(reader.integer("seed", in: 0...(1 << 53), default: 1))
    latency = reader.choice("latency", default: latency)
    faults = reader.list("faults") { $0.stimulatorFault() }
    channels = reader.integer("channels", in: 1...8, default: channels)
    dacBits = reader.integer("dac_bits", in: 1...16, default: dacBits)
    let positive = Bounds.above(0)
    rangeNanoamperes = reader.number("range_nA", in: positive, default: rangeNanoamperes)
    resolutionNanoamperes = reader.number(
      "resolution_nA", in: positive, default: resolutionNanoamperes)
    rangeMicrovolts = reader.number("range_uV", in: positive, default: rangeMicrovolts)
    resolutionMicrovolts = reader.number(
      "resolution_uV", in: positive, default: resolutionMicrovolts)
    memoryBytes = reader.integer("memory_bytes", in: 1...(1 << 40), default: memoryBytes)
  }
}
