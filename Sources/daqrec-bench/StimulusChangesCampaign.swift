import Foundation
import NWB
import Recording
import Samples
import Synchronization

/// Seeded signal changes on 8 channels while streaming: what left is what the ledger says left.
struct StimulusChangesCampaign {
  struct Result {
    var changes = 0
    var requests = 0
    var superseded = 0
    var samples: Int64 = 0
    var late = 0
    var underruns = 0
    var problems: [String] = []
  }

  /// One session with about so many changes that reach the output.
  static func round(seed: UInt64, changes wanted: Int) throws -> Result {
    var random = SplitMix64(seed: seed)
    // Channel 7 has planned changes too.
    let planned = (0..<min(200, wanted / 20)).map { index in
      let at = 0.5 + Double(index) * 0.09 + random.nextUnit() * 0.02
      return "{ at_s: \(at), channel: 7, amplitudes_in_mA: [0.5, -0.5, 0], "
        + "durations_in_ms: [0.2, 0.2, 3.6], repeat: \(1 + random.next(below: 3)) }"
    }
    let rig = try StimulusRig(
      """
      {
        session: { id: "changes", description: "campaign" },
        stimulator: { simulate: { speed: "max", ppm: \(random.nextUnit() * 200 - 100),
          seed: \(random.next(below: 1_000_000)) },
          buffer_in_s: \(0.04 + random.nextUnit() * 0.09),
          capacity_in_s: \(0.04 + random.nextUnit() * 0.08) },
        stimulus: { changes: [\(planned.joined(separator: ","))] },
      }
      """)
    struct Asked: Sendable {
      var queued = 0
      var superseded = 0
      var refused = 0
      var requests = 0
      var immediate: [Int: Bool] = [:]
    }
    let asked = Mutex(Asked())
    let driverSeed = random.next()
    let outcome = try rig.run { rig in
      var random = SplitMix64(seed: driverSeed)
      rig.waitForStream()
      let control = rig.recorder.stimulus
      while asked.withLock({ $0.queued }) < wanted, !rig.recorder.stop.isRequested {
        rig.wait(0.0002 + random.nextUnit() * 0.004)
        let channel = random.next(below: 8)
        for _ in 0...(random.next(below: 10) == 0 ? 2 : 0) {
          let signal = random.signal()
          do {
            try control?.setSignal(signal, on: channel, immediate: random.next(below: 3) == 0) {
              outcome in
              asked.withLock { asked in
                switch outcome {
                case .queued: asked.queued += 1
                case .superseded: asked.superseded += 1
                case .refused: asked.refused += 1
                }
              }
            }
            asked.withLock { $0.requests += 1 }
          } catch { asked.withLock { $0.refused += 1 } }
        }
      }
      rig.wait(0.3)
      rig.recorder.stop.request(.control)
    }
    var result = Result()
    let counts = asked.withLock { $0 }
    result.changes = outcome.changes.count
    result.requests = counts.requests
    result.superseded = counts.superseded
    result.samples = rig.notes.feeds.last.map { $0.to.reduce(0, +) } ?? 0
    result.underruns = outcome.report.final.stimulator?.underruns ?? 0
    if counts.queued + counts.superseded + counts.refused != counts.requests || counts.refused > 0 {
      result.problems.append("answers: \(counts)")
    }
    for channel in 0..<8 {
      if let problem = rig.difference(on: channel, outcome.changes) {
        result.problems.append(problem)
      }
    }
    for entry in outcome.log where entry.kind == .underrun { result.problems.append("\(entry)") }
    let shifts = rig.shifts()
    if shifts.count > 1 { result.problems.append("phase moved: \(shifts)") }
    return result
  }

  /// Every live change at the first boundary after its request: no channel is planned here, and none
  /// immediate.
  static func boundaries(seed: UInt64, changes wanted: Int) throws -> Result {
    let rig = try StimulusRig(
      """
      { session: { id: "live", description: "campaign" },
        stimulator: { simulate: { speed: "max", ppm: 37 } } }
      """)
    let queued = Mutex(0)
    let outcome = try rig.run { rig in
      var random = SplitMix64(seed: seed)
      rig.waitForStream()
      while queued.withLock({ $0 }) < wanted, !rig.recorder.stop.isRequested {
        rig.wait(0.0005 + random.nextUnit() * 0.01)
        var signal = random.signal()
        if random.next(below: 2) == 0 { signal.repeats = max(1, signal.repeats) }
        try? rig.recorder.stimulus?.setSignal(signal, on: random.next(below: 8)) { outcome in
          if case .queued = outcome { queued.withLock { $0 += 1 } }
        }
      }
      rig.wait(0.2)
      rig.recorder.stop.request(.control)
    }
    var result = Result()
    result.changes = outcome.changes.count
    let feeds = rig.notes.feeds
    let stopping = outcome.log.last { $0.kind == .state && $0.text.hasSuffix("stopping") }?.time
    for channel in 0..<8 {
      var before: SignalChange?
      for change in outcome.changes where Int(change.channel) == channel {
        defer { before = change }
        // What the stop itself sets is at the next rest, not at a boundary.
        if let stopping, change.requested >= stopping - 1e-9 { continue }
        let requested = rig.origin + Int64((change.requested * 1e9).rounded())
        // The first feed after the request; one at the same nanosecond may have been before it.
        let boundaries = feeds.filter { $0.time >= requested - 1 }.prefix(2).map { feed in
          Self.boundary(after: before, from: feed.from[channel])
        }
        let first = feeds.first { $0.time >= requested - 1 }
        let isAmbiguous = first.map { abs($0.time - requested) <= 1 } ?? false
        guard
          boundaries.first == change.streamSample
            || isAmbiguous && boundaries.last == change.streamSample
        else {
          result.late += 1
          result.problems.append(
            "channel \(channel): sample \(change.streamSample), boundaries \(boundaries)")
          continue
        }
      }
    }
    return result
  }

  /// The first sample from `position` on at which the signal before may be replaced.
  private static func boundary(after before: SignalChange?, from position: Int64) -> Int64 {
    guard let before else { return position }
    let period = StimulusRebuild.period(of: before)
    let isSilent = before.amplitudes.allSatisfy { $0 == 0 }
    let end = before.repeats > 0 ? before.streamSample + period * Int64(before.repeats) : .max
    guard !isSilent, position < end else { return max(position, before.streamSample) }
    let periods = (position - before.streamSample + period - 1) / period
    return before.streamSample + max(0, periods) * period
  }
}
