import CLinux
import Glibc

/// Real time: CLOCK_MONOTONIC, or the same running `speed` times as fast from the moment the
/// timekeeper is made.
///
/// The thread that makes it becomes an owner and gets the timer slack of one.
public final class RealTimekeeper: Timekeeper {
  private let clock: ScaledClock

  public init(speed: Double = 1) {
    clock = ScaledClock(speed: speed)
    NamedThread.sharpenCaller()
  }

  public var now: Nanoseconds { clock.now }

  public var isVirtual: Bool { false }

  public func sleep(until deadline: Nanoseconds) {
    // The loop is for signals (EINTR), and for the rounding of a scaled time.
    while clock.now < deadline {
      var time = clock.hostTime(of: deadline)
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil)
    }
  }

  public func makeGate() -> any Gate { RealGate(clock: clock) }

  public func startOwner(
    _ name: String, _ body: @escaping @Sendable () -> Void
  ) -> any OwnerThread {
    let done = RealGate(clock: clock)
    return RealOwner(thread: NamedThread(name, body: body, end: { done.signal() }), done: done)
  }
}

private struct RealOwner: OwnerThread {
  let thread: NamedThread
  /// Signalled once: when the body has returned.
  let done: RealGate

  func join() { done.wait(since: 0, until: nil) }

  var processorSeconds: Double { thread.processorSeconds }
}

/// The host's monotonic clock, running `speed` times as fast from `start` on.
struct ScaledClock: Sendable {
  let start: Nanoseconds
  let speed: Double

  init(speed: Double) {
    precondition(speed > 0 && speed.isFinite, "the speed of time is a positive number")
    self.speed = speed
    start = Self.monotonic
  }

  private static var monotonic: Nanoseconds {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  var now: Nanoseconds {
    guard speed != 1 else { return Self.monotonic }
    return start + Int64((Double(Self.monotonic - start) * speed).rounded(.down))
  }

  /// When `time` is reached, on CLOCK_MONOTONIC itself.
  func hostTime(of time: Nanoseconds) -> timespec {
    var host = max(time, 0)
    if speed != 1 {
      // Saturates, so that "never" (`Nanoseconds.max`) stays far away at any speed.
      let ahead = (Double(max(time, start) - start) / speed).rounded(.up)
      host = ahead < 0x1p62 - Double(start) ? start + Int64(ahead) : 1 << 62
    }
    return timespec(tv_sec: Int(host / 1_000_000_000), tv_nsec: Int(host % 1_000_000_000))
  }
}
