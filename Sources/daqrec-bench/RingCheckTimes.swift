import Clocks
import Devices
import NWB
import Samples
import Simulator

/// Times: where series start on the recording clock, and what the circuits' clocks read.
extension RingCheck {
  mutating func checkTimes(
    _ series: [String: RecordingReader.Series], _ reader: borrowing RecordingReader
  ) throws {
    guard let reference = run.scenario.circuits.first, let first = reference.buffers.first,
      let zero = firstOffsets[first.name], let observed = run.circuits.first,
      let start = series[first.name]?.startingTime
    else { return }
    let zeroTick = (zero + 1) * Int64(first.decimation)
    let rate = reference.simulation.rate
    for (circuit, device) in zip(run.scenario.circuits, run.circuits) {
      for (ring, buffer) in circuit.buffers.enumerated() {
        guard let offset = firstOffsets[buffer.name], let found = series[buffer.name] else {
          continue
        }
        let truth = try RingTruth(ring, circuit, device)
        // On the recording clock: ticks of the reference circuit since its frame 0.
        let host = truth.time(of: offset)
        let ticks = (observed.circuit.tick(at: host) ?? 0) - zeroTick
        let due = start + Double(ticks) / rate
        // A store that is enabled drops the frame under way.
        let gate =
          (buffer.gate == nil ? 0 : 1 / buffer.rate) + (first.gate == nil ? 0 : 1 / first.rate)
        let span =
          gate
          + Double(buffer.decimation * buffer.format.framesPerUnit + 2) / circuit.simulation.rate
        let allowed =
          halfWidth(observed) + halfWidth(device) + span
          + Double(first.decimation * first.format.framesPerUnit + 2) / rate
        if abs(found.startingTime - due) > allowed {
          fail(
            buffer.name,
            "starts at \(found.startingTime), due \(due) ± \(allowed) on the recording clock")
        }
        if buffer.name == first.name {
          let absolute = Double(host - run.origin) * 1e-9
          if abs(found.startingTime - absolute) > halfWidth(device) + span {
            fail(
              buffer.name,
              "starts at \(found.startingTime), due \(absolute) ± \(halfWidth(device) + span)")
          }
        }
      }
    }
    for (circuit, device) in zip(run.scenario.circuits, run.circuits) {
      try checkReadings(circuit, device, reader)
    }
  }

  /// Half of the widest first latch of the polls in which a series can have begun, seconds.
  func halfWidth(_ observed: ObservedCircuit) -> Double {
    observed.polls.prefix(2).map { Double($0.first.after - $0.first.before) * 0.5e-9 }.max() ?? 0
  }

  /// Each reading of the circuit's clock must be true, as long as no break has moved its frames.
  mutating func checkReadings(
    _ circuit: RingScenario.Circuit, _ observed: ObservedCircuit,
    _ reader: borrowing RecordingReader
  ) throws {
    guard let buffer = circuit.buffers.first, let offset = firstOffsets[buffer.name] else { return }
    let truth = try RingTruth(0, circuit, observed)
    let readings = try reader.readings(ofCircuit: circuit.name)
    let firstBreak =
      invalid.filter { $0.series == buffer.name && $0.reason != "overrun" }
      .map(\.frames.lowerBound).min() ?? .max
    let unit = Int64(buffer.format.framesPerUnit)
    // Without a cycle tag a reset near the wrap is not seen.
    let hidden = buffer.hasCycle ? Int64.max : truth.breaks.first?.start ?? .max
    for (place, sample) in readings.samples.enumerated() where sample >= 0 {
      guard sample < firstBreak else { break }
      let (before, after) = (readings.before[place], readings.after[place])
      guard after < hidden else { break }
      if truth.breaks.contains(where: { $0.start <= after && $0.end >= before }) { continue }
      figures.readings += 1
      let frame = sample + offset
      if frame + unit - 1 < truth.frames(by: before)
        || frame > truth.frames(by: after)
      {
        fail(
          buffer.name,
          "clock reading \(place) says \(sample) frames, truth "
            + "\(truth.frames(by: before) - offset)…\(truth.frames(by: after) - offset)")
        return
      }
    }
  }
}
