import Clocks
import Foundation
import NWB
import Recording
import Samples
import Simulator

/// Planned changes with both clocks off and rings of any size: each on the stream sample nearest its
/// time.
struct StimulusPlansCampaign {
  struct Result {
    var changes = 0
    /// Onsets that are at no stream sample nearest the planned time under the recorder's own maps: by
    /// those of the feed that queued them, as the ledger's prediction says, or (settled earlier) by
    /// those of the feed before, in which a pulse was left out because of them.
    var notNearest = 0
    var settledEarlier = 0
    /// The largest distance between prediction and plan, seconds.
    var worstPlacement = 0.0
    /// True onset minus plan, seconds on the recording clock, and those beyond their uncertainty.
    var worstError = 0.0
    var sumOfSquares = 0.0
    var beyondUncertainty = 0
    var worstExcess = -1.0
    var underruns = 0
    /// The longest time between two feeds, seconds: each is a heart-beat.
    var longestSilence = 0.0
    var problems: [String] = []
  }

  /// One session of so many planned changes, a third of them of signals that run on.
  static func round(
    seed: UInt64, changes wanted: Int,
    beforeFlush: ((any Timekeeper) -> @Sendable () -> Void)? = nil
  ) throws -> Result {
    var random = SplitMix64(seed: seed)
    let rate = 6103.515625
    let (buffer, capacity, latency) = rings(&random)
    var last = [Double](repeating: 0, count: 8)
    var at = 3.0
    let changes = (0..<wanted).map { _ -> String in
      at += 0.002 + random.nextUnit() * 0.03
      let channel = random.next(below: 8)
      // No two at one time on a channel.
      at = max(at, last[channel] + 0.0001)
      last[channel] = at
      var signal = random.signal()
      if random.next(below: 3) > 0 { signal.repeats = 1 + random.next(below: 5) }
      let ending = signal.repeats > 0 ? ", repeat: \(signal.repeats)" : ""
      return "{ at_s: \(at), channel: \(channel), amplitudes_in_mA: \(signal.amplitudes), "
        + "durations_in_ms: \(signal.durations)\(ending) }"
    }
    func ppm() -> Double { random.nextUnit() * 200 - 100 }
    let text = """
      {
        session: { id: "plans", description: "campaign" },
        circuits: [{ name: "rz", latch_trigger: 1, simulate: {
          rate: \(rate), ppm: \(ppm()), seed: \(random.next(below: 1_000_000)), speed: "max",
          latency: "\(random.next(below: 2) == 0 ? "optical" : "usb")",
          signals: { x: { counter: true } } } }],
        buffers: [{ name: "x", circuit: "rz", channels: 1, src_type: "int32", dest_type: "int32" }],
        stimulator: { simulate: { speed: "max", ppm: \(ppm()), seed: \(random.next(below: 1_000_000)),
          latency: "\(latency)" },
          buffer_in_s: \(buffer), capacity_in_s: \(capacity) },
        stimulus: { start_after_s: 3, changes: [\(changes.joined(separator: ","))] },
        run: { duration_s: \(at + 0.5) },
      }
      """
    let timekeeper = VirtualTimekeeper()
    let rig = try StimulusRig(
      text, timekeeper: timekeeper, beforeFlush: beforeFlush?(timekeeper))
    let outcome = try rig.run()
    var result = Result()
    let zero = outcome.log.first { $0.kind == .start }?.time ?? .nan
    let planned = outcome.changes.filter {
      $0.requested > zero + 2 && $0.requested < zero + at + 0.1
    }
    result.changes = planned.count
    result.underruns = outcome.report.final.stimulator?.underruns ?? 0
    if planned.count != wanted || outcome.report.exitCode != 0 || outcome.report.lost > 0 {
      result.problems.append(
        "\(planned.count) of \(wanted) changes, exit \(outcome.report.exitCode), lost "
          + "\(outcome.report.lost): \(outcome.log.filter { $0.kind != .levels }.map(\.text).suffix(5))"
      )
    }
    // The first two are a second apart: the loop starts between them.
    let feeds = rig.notes.feeds.dropFirst(1)
    for (earlier, later) in zip(feeds, feeds.dropFirst()) {
      result.longestSilence = max(result.longestSilence, Double(later.time - earlier.time) * 1e-9)
    }
    // Half a stream sample, and a nanosecond of rounding on either map. Maps that slew by 50 ppm move
    // by 2.5 µs within the longest time between two feeds.
    let half = 0.5 / 50_000 + 2e-9
    for change in planned {
      let placement = abs(change.onset - change.requested)
      result.worstPlacement = max(result.worstPlacement, placement)
      if placement > half + 2.5e-6 {
        result.notNearest += 1
      } else if placement > half {
        result.settledEarlier += 1
      }
    }
    measure(planned, rig, outcome, rate, &result)
    for channel in 0..<8 {
      if let problem = rig.difference(on: channel, outcome.changes) {
        result.problems.append(problem)
      }
    }
    return result
  }

  /// Rings of 5 ms and more, together at most 250 ms; with calls that take no time where the rings
  /// could not outlast slow ones (outliers of 30 ms).
  private static func rings(
    _ random: inout SplitMix64
  ) -> (buffer: Double, capacity: Double, latency: String) {
    let buffer = 0.005 + random.nextUnit() * 0.145
    let capacity = 0.01 + random.nextUnit() * (0.235 - buffer)
    return (buffer, capacity, buffer < 0.06 ? "none" : "usb")
  }

  /// Compares with the true times of both devices.
  private static func measure(
    _ planned: [SignalChange], _ rig: StimulusRig, _ outcome: StimulusRig.Outcome, _ rate: Double,
    _ result: inout Result
  ) {
    guard let circuit = rig.circuit, let start = outcome.start, let first = outcome.firstSample
    else {
      result.problems.append("no truth of the circuit")
      return
    }
    for change in planned {
      guard
        let left = rig.world.hostTime(
          ofStreamFrame: change.streamSample, channel: Int(change.channel)),
        let tick = circuit.tick(at: left), let began = circuit.hostTime(ofTick: tick)
      else {
        result.problems.append("sample \(change.streamSample) never left")
        continue
      }
      let time = start + Double(tick - Int64(first)) / rate + Double(left - began) * 1e-9
      let error = time - change.requested
      result.worstError = max(result.worstError, abs(error))
      result.sumOfSquares += error * error
      let excess = abs(time - change.onset) - change.uncertainty
      result.worstExcess = max(result.worstExcess, excess)
      if excess > 1e-9 { result.beyondUncertainty += 1 }
    }
  }
}
