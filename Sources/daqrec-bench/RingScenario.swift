import Devices
import Foundation
import Samples

/// One recording of the loss campaign, drawn from a seed: circuits, their rings, and what goes wrong.
struct RingScenario: Sendable {
  struct Buffer: Sendable {
    var name: String
    var format: SlotFormat
    var blockSize: Int
    /// Frames of the ring.
    var size: Int
    var decimation: Int
    var scalingFactor: Double
    var hasCycle: Bool
    var signal: SignalModel
    /// A counter shows each frame's number; noise does not repeat itself.
    var isCounter: Bool
    var gate: SimulatedGate?
    /// Frames a second, nominal.
    var rate: Double
    var ringSeconds: Double { Double(size) / rate }
  }

  /// A store that runs from triggers on.
  struct SimulatedGate: Sendable {
    static let trigger = 5
    /// nil: unlimited.
    var ticks: Int?
    var resets: Bool
  }

  struct Circuit: Sendable {
    var name: String
    var simulation: CircuitSimulation
    var latch: Int?
    var pollMilliseconds: Double?
    var buffers: [Buffer]
    /// Seconds after the circuit began to run at which the gates' trigger is fired.
    var gateTriggers: [Double] = []
  }

  let seed: UInt64
  /// Seconds of recording.
  var duration: Double
  var flushSeconds: Double
  var circuits: [Circuit] = []

  init(seed: UInt64) {
    self.seed = seed
    var random = SplitMix64(seed: SplitMix64.mix(seed &+ 0x51_AB))
    let isLong = random.nextUnit() < 0.08
    duration = isLong ? 2.2 + 2 * random.nextUnit() : 0.25 + 0.7 * random.nextUnit()
    flushSeconds = random.pick([0.25, 1, 4])
    for number in 0..<random.pick([1, 1, 1, 1, 2, 2, 3]) {
      circuits.append(Self.circuit(number, duration: duration, &random))
    }
  }

  // MARK: - Drawing

  private static func circuit(
    _ number: Int, duration: Double, _ random: inout SplitMix64
  ) -> Circuit {
    var simulation = CircuitSimulation()
    simulation.rate = random.pick([6103.515625, 12207.03125, 24414.0625, 48828.125, 10000])
    simulation.partsPerMillion = random.pick([0, 100, -100, 200 * random.nextUnit() - 100])
    simulation.driftPerHour = random.pick([0, 0, 40 * random.nextUnit() - 20])
    simulation.wander = random.pick([0, 0, 0.5])
    simulation.seed = random.next() >> 12
    simulation.latency = random.pick([.optical, .optical, .optical, .usb, .none])
    var circuit = Circuit(
      name: "c\(number)", simulation: simulation, latch: random.pick([1, 3, 10, nil]),
      pollMilliseconds: nil, buffers: [])
    let isGated = random.nextUnit() < 0.1
    for place in 0..<random.pick([1, 1, 1, 2, 2, 3]) {
      circuit.buffers.append(
        buffer(
          "b\(number)\(place)", circuitRate: simulation.rate, duration: duration,
          isGated: isGated, &random))
    }
    for buffer in circuit.buffers {
      circuit.simulation.signals[buffer.name] = buffer.signal
    }
    let shortest = circuit.buffers.map(\.ringSeconds).min() ?? 1
    if random.nextUnit() < 0.35 {
      // From well within the ring to beyond a lap.
      circuit.pollMilliseconds = max(1, shortest * 1000 * random.pick([0.05, 0.25, 0.6, 1, 1.7]))
    }
    if isGated {
      for _ in 0..<random.pick([1, 2, 3]) {
        circuit.gateTriggers.append(0.2 + (duration + 0.05) * random.nextUnit())
      }
      circuit.gateTriggers.sort()
    }
    circuit.simulation.faults = faults(
      of: circuit, duration: duration, shortest: shortest, &random)
    return circuit
  }

  private static func buffer(
    _ name: String, circuitRate: Double, duration: Double, isGated: Bool,
    _ random: inout SplitMix64
  ) -> Buffer {
    let source = random.pick(SourceType.allCases)
    let destination = random.pick(
      DestinationType.allCases.filter { type in
        !type.isInteger || !source.isInteger || type.byteCount >= 4 / source.samplesPerSlot
      })
    var channels = random.pick([1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 1 + random.next(below: 256)])
    let step = source.samplesPerSlot
    if channels > 1 { channels = (channels + step - 1) / step * step }
    let format = SlotFormat(
      source: source, destination: destination, channels: channels,
      packOrder: random.pick(PackOrder.allCases),
      layout: channels == 1 ? random.pick(SlotLayout.allCases) : .channels)
    // Some 30 000 samples in all, so that a scenario costs milliseconds.
    let wanted = min(circuitRate, 30_000 / Double(channels) / duration) * random.pick([1, 1, 0.3])
    let decimation = max(1, Int((circuitRate / max(wanted, 60)).rounded(.up)))
    let rate = circuitRate / Double(decimation)
    let unit = format.framesPerUnit
    let seconds = 0.004 * random.power(150)
    let size = max(8, Int(seconds * rate) / unit) * unit
    let most = random.pick([1, 1, size / unit / 8, size / unit / 4, size / unit])
    let block = (1 + random.next(below: max(1, most))) * unit
    // A byte counts to 256 only.
    let isCounter = source != .int8 && random.nextUnit() < 0.6
    var sf: Double =
      switch source {
      case .float32: random.pick([1, 1, 0.5, 1e6])
      case .int32: random.pick([1, 1000, 1e6])
      case .int16: random.pick([1, 3276.7, 1e6, 127])
      case .int8: random.pick([1, 127, 12.7])
      }
    if source == .float32, destination.isInteger { sf = 1 }
    let code: Double =
      switch (source, destination) {
      case (.int8, _), (.float32, .int8): 30
      default: random.nextUnit() < 0.03 ? 9700 : 3000
      }
    return Buffer(
      name: name, format: format, blockSize: block, size: size, decimation: decimation,
      scalingFactor: sf, hasCycle: random.nextUnit() < 0.75,
      signal: isCounter
        ? .counter : .noise(deviation: code / sf, correlation: random.pick([0, 0, 0.5])),
      isCounter: isCounter,
      gate: isGated
        ? SimulatedGate(
          ticks: random.pick([
            nil, Int(circuitRate * 0.2 * random.nextUnit()) + 1, size * decimation,
          ]), resets: random.nextUnit() < 0.7) : nil,
      rate: rate)
  }

  private static func faults(
    of circuit: Circuit, duration: Double, shortest: Double, _ random: inout SplitMix64
  ) -> [CircuitFault] {
    var faults: [CircuitFault] = []
    for _ in 0..<random.pick([0, 1, 1, 2, 2, 3, 5]) {
      // The first poll comes after 0.25 s.
      let at = 0.25 + (duration + 0.05) * random.nextUnit()
      let stall = max(0.03, min(1.5, shortest * random.pick([0.3, 1, 3])))
      let kind: CircuitFault.Kind
      switch random.next(below: 100) {
      case 0..<15: kind = .latency(seconds: min(1, shortest * 3 * random.nextUnit()))
      case 15..<35: kind = .lap(times: random.pick([0.3, 0.95, 1, 1.05, 2, 3.3]))
      case 35..<50:
        // A closed gate has no wraps to tear; where a ring fills within a slow call, a tear and a
        // lap look the same.
        guard circuit.gateTriggers.isEmpty, shortest > 0.03 else { continue }
        kind = .torn
      case 50..<62: kind = .stall(seconds: stall * (0.7 + random.nextUnit()))
      case 62..<78: kind = .reset
      case 78..<88: kind = .disconnect(seconds: 0.02 + 0.4 * random.nextUnit())
      case 88..<93: kind = .error
      case 93..<95: kind = .halt
      default:
        guard let buffer = circuit.buffers.randomElement(using: &random) else { continue }
        if buffer.isCounter, random.nextUnit() < 0.6 {
          kind = .setTag(name: "\(buffer.name)_sf", value: buffer.scalingFactor * 2)
        } else {
          let slots = buffer.format.slots(ofFrames: Int64(buffer.size / 2))
          kind = .setTag(
            name: "\(buffer.name)_n", value: Double(max(Int64(buffer.format.slotsPerUnit), slots)))
        }
      }
      faults.append(CircuitFault(kind: kind, at: at))
    }
    return separated(faults)
  }

  /// In order of time, without stalls within stalls: they would end together.
  private static func separated(_ faults: [CircuitFault]) -> [CircuitFault] {
    var stalledUntil = 0.0
    return faults.sorted { ($0.at ?? 0) < ($1.at ?? 0) }.filter { fault in
      // What begins anew just before the first poll is no break of the recording.
      if fault.kind == .reset { return fault.at ?? 0 > 0.32 }
      guard case .stall(let seconds) = fault.kind, let at = fault.at else { return true }
      guard at > stalledUntil else { return false }
      stalledUntil = at + seconds + 0.01
      return true
    }
  }

  // MARK: - As a session

  /// The session file of the scenario; the devices are made in code.
  var sessionText: String {
    let circuits = circuits.map { circuit in
      "{ name: \"\(circuit.name)\", latch_trigger: \(circuit.latch.map(String.init) ?? "null"), "
        + "poll_ms: \(circuit.pollMilliseconds.map { "\($0)" } ?? "null"), "
        + "simulate: { speed: \"max\" } }"
    }
    let buffers = self.circuits.flatMap { circuit in
      circuit.buffers.map { buffer in
        let format = buffer.format
        return "{ name: \"\(buffer.name)\", circuit: \"\(circuit.name)\", "
          + "channels: \(format.channels), src_type: \"\(format.source.rawValue)\", "
          + "dest_type: \"\(format.destination.rawValue)\", block_size: \(buffer.blockSize), "
          + "pack_order: \"\(format.packOrder.rawValue)\", layout: \"\(format.layout.rawValue)\", "
          + "gated: \(buffer.gate != nil) }"
      }
    }
    return """
      { session: { id: "ring", description: "loss campaign, seed \(seed)" },
        file: { flush_s: \(flushSeconds), sync_s: 3600, reserve_MB: 0 },
        circuits: [\(circuits.joined(separator: ",\n    "))],
        buffers: [\(buffers.joined(separator: ",\n    "))],
        run: { duration_s: \(duration) } }
      """
  }

  /// A few lines for a person who looks for what went wrong.
  var summary: String {
    var lines = ["seed \(seed): \(duration) s"]
    for circuit in circuits {
      let simulation = circuit.simulation
      lines.append(
        "  \(circuit.name): \(simulation.rate) Hz \(simulation.partsPerMillion) ppm "
          + "\(simulation.latency) latch \(circuit.latch.map(String.init) ?? "none") poll "
          + "\(circuit.pollMilliseconds.map { "\($0) ms" } ?? "auto")"
          + (circuit.gateTriggers.isEmpty ? "" : " gates at \(circuit.gateTriggers)"))
      for fault in simulation.faults {
        lines.append("    fault at \(fault.at ?? -1): \(fault.kind)")
      }
      for buffer in circuit.buffers {
        let format = buffer.format
        lines.append(
          "    \(buffer.name): \(format.channels) x \(format.source)>\(format.destination) "
            + "\(format.packOrder) \(format.layout) size \(buffer.size) block \(buffer.blockSize) "
            + "dec \(buffer.decimation) fs \(buffer.rate) sf \(buffer.scalingFactor) "
            + "ring \((buffer.ringSeconds * 1000).rounded()) ms"
            + (buffer.hasCycle ? "" : " index-only") + (buffer.isCounter ? " counter" : " noise")
            + (buffer.gate.map { " gate \($0)" } ?? ""))
      }
    }
    return lines.joined(separator: "\n")
  }
}

extension SplitMix64 {
  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[next(below: elements.count)]
  }

  /// From 1 to `most`, each power of it as likely.
  mutating func power(_ most: Double) -> Double { exp(log(most) * nextUnit()) }
}
