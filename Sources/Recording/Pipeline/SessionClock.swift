import Clocks
import Synchronization

/// The session's one time base, for every thread: the host's clock until the reference circuit's
/// sample clock is seen, then that (``RecordingClock``).
final class SessionClock: Sendable {
  /// The host's monotonic clock at the start of the session.
  let origin: Nanoseconds
  private let reference = Mutex<RecordingClock?>(nil)

  init(origin: Nanoseconds) { self.origin = origin }

  /// Begins to follow the reference circuit, whose frame 0 was stored at `start` seconds.
  func follow(start: Double, map: ClockMap) {
    reference.withLock {
      $0 = RecordingClock(map: map, reference: .init(sample: 0, seconds: start))
    }
  }

  /// A better map of the reference circuit.
  func update(_ map: ClockMap) { reference.withLock { $0?.map = map } }

  /// The reference circuit's clock, once it is seen.
  var present: RecordingClock? { reference.withLock { $0 } }

  /// The clock as it is known at this moment: what one decision rests on.
  var view: SessionTime { SessionTime(origin: origin, reference: present) }

  /// The time of frame 0 of the reference series, once it is known.
  var start: Double? { present?.reference.seconds }

  func seconds(atHost time: Nanoseconds) -> Double { view.seconds(atHost: time) }

  /// The middle of a call, and its half width with the clock's own and `slack`, seconds.
  func bracketed(_ bracket: Bracket, slack: Double) -> (seconds: Double, uncertainty: Double) {
    let known = present?.time(at: bracket.middle).uncertainty ?? 0
    let half = Double(bracket.after - bracket.before) * 0.5e-9
    return (seconds(atHost: bracket.middle), known + half + slack)
  }

  /// The host time at a recording time.
  func host(atSeconds seconds: Double) -> Nanoseconds { view.host(atSeconds: seconds) }
}

/// The session's time base as it was known at one moment.
struct SessionTime: Sendable {
  let origin: Nanoseconds
  let reference: RecordingClock?

  func seconds(atHost time: Nanoseconds) -> Double {
    reference?.time(at: time).seconds ?? Double(time - origin) * 1e-9
  }

  /// The host time at a recording time.
  func host(atSeconds seconds: Double) -> Nanoseconds {
    guard let clock = reference else { return origin + Nanoseconds((seconds * 1e9).rounded()) }
    let sample = (seconds - clock.reference.seconds) * clock.map.rate
    let whole = sample.rounded(.down)
    let rest = Nanoseconds(((sample - whole) / clock.map.rate * 1e9).rounded())
    return clock.map.time(of: Int64(whole)).time + rest
  }

  /// When a sample of another device's stream happens, with both half widths.
  func onset(of sample: Int64, in stream: ClockMap) -> Onset {
    if let clock = reference { return clock.onset(of: sample, in: stream) }
    let host = stream.time(of: sample)
    return Onset(
      seconds: seconds(atHost: host.time), uncertainty: Double(host.uncertainty) * 1e-9,
      basis: stream.basis)
  }

  /// Frames of the reference series within a time; none before it is seen.
  func frames(during times: ClosedRange<Double>) -> Range<Int64> {
    guard let reference else { return 0..<0 }
    let (start, rate) = (reference.reference.seconds, reference.map.rate)
    let first = Int64(((times.lowerBound - start) * rate).rounded(.up))
    let last = Int64(((times.upperBound - start) * rate).rounded(.up))
    return first..<max(first, last)
  }
}
