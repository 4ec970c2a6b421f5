import Clocks

/// How long a bridge may take to answer, by operation. Nanoseconds.
enum TimeLimit {
  private static let second: Nanoseconds = 1_000_000_000

  /// A remote shell has to be reached, and Python to be started.
  static let hello = 20 * second
  /// Drivers are loaded, and a circuit is.
  static let open = 30 * second
  static let configure = 10 * second
  /// A stimulator's loop needs 1 s, a circuit 0.25 s.
  static let start = 5 * second
  static let download = 5 * second
  /// 16 MiB at 10 MB/s, and a driver's slow moments.
  static let poll = 3 * second
  static let feed = 1 * second
  /// What is queued runs out first: at most 0.3 s.
  static let stop = 2 * second
  static let emergencyStop = 1 * second
  /// Scalars, triggers, clock.
  static let short = 2 * second
  static let bye = 2 * second

  /// A request that does not go out at all.
  static let write = 1 * second
  /// A process that has been told to end, before it is made to.
  static let leave = 2 * second
  /// Between two attempts to make a lost link anew.
  static let betweenAttempts = second / 4

  /// Between bursts of `clock`; how many exchanges are the first, and each later one, which a feed
  /// waits for.
  static let betweenBursts = 5 * second
  static let firstBurst = 8
  static let burst = 4
}
