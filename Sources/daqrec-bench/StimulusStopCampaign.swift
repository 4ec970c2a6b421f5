import Clocks
import Foundation
import Recording
import Samples
import Simulator
import Synchronization

/// From a stop to silence: within what is queued ahead plus 50 ms, no pulse cut.
struct StimulusStopCampaign {
  struct Result {
    /// Seconds from the stop to the last sample that is not zero, and the queue ahead at the stop.
    var toSilence = 0.0
    var ahead = 0.0
    var problems: [String] = []
  }

  static func round(seed: UInt64) throws -> Result {
    var random = SplitMix64(seed: seed)
    let buffer = 0.01 + random.nextUnit() * 0.14
    let rig = try StimulusRig(
      """
      { session: { id: "stop", description: "campaign" },
        stimulator: { simulate: { speed: "max", ppm: 50, seed: \(random.next(below: 1000)) },
          buffer_in_s: \(buffer), capacity_in_s: \(0.01 + random.nextUnit() * (0.23 - buffer)) } }
      """)
    let moment = 0.4 + random.nextUnit() * 0.2
    let signals = (0..<8).map { _ in
      var signal = random.signal()
      signal.repeats = signal.amplitudes.contains(0) ? 0 : signal.repeats
      return signal
    }
    let asked = AtomicTime()
    let outcome = try rig.run { rig in
      rig.waitForStream()
      for (channel, signal) in signals.enumerated() {
        try? rig.recorder.stimulus?.setSignal(signal, on: channel)
      }
      rig.wait(moment)
      asked.set(rig.timekeeper.now)
      rig.recorder.stop.request(.control)
    }
    var result = Result()
    let stop = asked.value
    var last = stop
    for channel in 0..<8 {
      if let run = rig.world.runs(of: .channel(channel)).last {
        last = max(last, run.time)
        if run.code != 0 { result.problems.append("channel \(channel) ends at \(run.code)") }
      }
      if let problem = rig.difference(on: channel, outcome.changes) {
        result.problems.append(problem)
      }
    }
    let feed = rig.notes.feeds.last { $0.time <= stop }
    let ahead = feed.map { Double(($0.to.max() ?? 0) - $0.framesDone) / 50_000 } ?? 0
    result.ahead = ahead
    result.toSilence = Double(last - stop) * 1e-9
    if result.toSilence > ahead + 0.05 {
      result.problems.append("\(result.toSilence) s to silence with \(ahead) s ahead")
    }
    return result
  }
}

/// A time that one thread writes and another reads later.
final class AtomicTime: Sendable {
  private let time = Atomic<Nanoseconds>(0)
  var value: Nanoseconds { time.load(ordering: .acquiring) }
  func set(_ value: Nanoseconds) { time.store(value, ordering: .releasing) }
}
