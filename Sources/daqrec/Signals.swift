import Glibc

/// Ends a session by signal: INT, TERM and HUP are blocked before any thread exists, and one thread
/// waits for them.
enum Signals {
  private static var handled: sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, number) }
    return set
  }

  /// To be called by a command that records, before any thread exists.
  static func block() {
    var set = handled
    pthread_sigmask(SIG_BLOCK, &set, nil)
    signal(SIGPIPE, SIG_IGN)
  }

  /// Calls `body` with the number of every signal, on a thread of its own, as long as the process
  /// runs.
  static func wait(_ body: @escaping @Sendable (Int32) -> Void) {
    let box = Unmanaged.passRetained(Box(body))
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { pointer in
        guard let pointer else { return nil }
        let body = Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().body
        var set = Signals.handled
        while true {
          var number: Int32 = 0
          if sigwait(&set, &number) == 0 { body(number) }
        }
      }, box.toOpaque())
    pthread_detach(thread)
  }

  private final class Box: Sendable {
    let body: @Sendable (Int32) -> Void
    init(_ body: @escaping @Sendable (Int32) -> Void) { self.body = body }
  }
}
