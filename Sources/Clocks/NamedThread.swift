import CLinux
import Glibc
import Synchronization

/// A detached POSIX thread with a name in the kernel, 1 ns of timer slack, and processor time that
/// is still known after it ended.
final class NamedThread: Sendable {
  private enum State {
    case starting
    case running(pthread_t)
    case ended(processorSeconds: Double)
  }

  private let state = Mutex(State.starting)

  /// Runs `body`, then releases it, then runs `end`.
  init(
    _ name: String, body: @escaping @Sendable () -> Void, end: @escaping @Sendable () -> Void
  ) {
    let start = Start(thread: self, name: name, body: body, end: end)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var handle = pthread_t()
    let error = pthread_create(
      &handle, &attributes,
      { context in
        if let context { Unmanaged<Start>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, Unmanaged.passRetained(start).toOpaque())
    // Starting an owner does not throw: a process that cannot have ten threads cannot record.
    precondition(error == 0, "pthread_create for \(name): error \(error)")
  }

  /// User and system seconds so far, or in all when the thread has ended.
  var processorSeconds: Double {
    state.withLock { state in
      switch state {
      case .starting: return 0
      case .ended(let seconds): return seconds
      case .running(let handle):
        // The thread cannot vanish meanwhile: it takes the lock before it ends.
        var clock = clockid_t()
        return pthread_getcpuclockid(handle, &clock) == 0 ? seconds(of: clock) : 0
      }
    }
  }

  private func began() { state.withLock { $0 = .running(pthread_self()) } }

  private func ended() {
    state.withLock { $0 = .ended(processorSeconds: seconds(of: CLOCK_THREAD_CPUTIME_ID)) }
  }

  /// What travels to the new thread. Only that thread uses it.
  private final class Start {
    let thread: NamedThread
    let name: String
    var body: (@Sendable () -> Void)?
    let end: @Sendable () -> Void

    init(
      thread: NamedThread, name: String, body: @escaping @Sendable () -> Void,
      end: @escaping @Sendable () -> Void
    ) {
      self.thread = thread
      self.name = name
      self.body = body
      self.end = end
    }

    func run() {
      thread.began()
      NamedThread.nameCaller(name)
      NamedThread.sharpenCaller()
      body?()
      body = nil
      thread.ended()
      end()
    }
  }

  /// Gives the calling thread the first 15 bytes of `name` in the kernel (`top -H`, `ps -L`).
  private static func nameCaller(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array(name.utf8.prefix(15))
    _ = write(file, bytes, bytes.count)
  }

  /// Timers of the calling thread fire at their time, not up to 50 µs later (the kernel's default).
  static func sharpenCaller() { _ = clinux_set_timer_slack_ns(1) }
}

private func seconds(of clock: clockid_t) -> Double {
  var time = timespec()
  guard clock_gettime(clock, &time) == 0 else { return 0 }
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
