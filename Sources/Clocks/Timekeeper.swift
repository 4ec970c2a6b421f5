/// A time or a length of time in nanoseconds. Times are of the host's monotonic clock, or of a
/// virtual one.
public typealias Nanoseconds = Int64

/// Just before and just after a call, on the host's clock: what the call did happened between.
public struct Bracket: Sendable, Equatable {
  public var before: Nanoseconds
  public var after: Nanoseconds

  public init(before: Nanoseconds, after: Nanoseconds) {
    self.before = before
    self.after = after
  }

  /// The middle, rounded towards `before`.
  public var middle: Nanoseconds { before + (after - before) / 2 }
}

/// Time for the owners of a session: real, scaled or virtual.
///
/// An *owner* is a named thread running a synchronous loop. The thread that makes the timekeeper is
/// an owner too. In virtual time exactly one owner runs at any moment (it holds the baton); every
/// sleep, wait and join hands the baton to the owner with the earliest deadline, so that a run is
/// the same every time. Other threads may only call ``now()`` and ``Gate/signal()``.
public protocol Timekeeper: AnyObject, Sendable {
  /// Nanoseconds of CLOCK_MONOTONIC, times the speed; in virtual time the baton's time.
  var now: Nanoseconds { get }

  /// Whether time only advances when every owner waits.
  var isVirtual: Bool { get }

  /// Blocks the calling owner until `deadline`; returns at once when that has passed.
  func sleep(until deadline: Nanoseconds)

  /// A new gate for this timekeeper's owners.
  func makeGate() -> any Gate

  /// Runs `body` on a new named thread as an owner. In virtual time it is runnable at `now` and
  /// runs when the caller next waits. The name reaches the kernel (15 bytes).
  func startOwner(_ name: String, _ body: @escaping @Sendable () -> Void) -> any OwnerThread
}

/// A thread started by a timekeeper.
public protocol OwnerThread: Sendable {
  /// Blocks the calling owner until the thread's body has returned.
  func join()

  /// Processor seconds the thread has used so far, or in all when it has ended.
  var processorSeconds: Double { get }
}

/// An event count: a place to wait for something another thread changes, with no lock held.
///
/// Take ``ticket`` first, look at the condition, then wait with the ticket: a signal between the
/// two is not lost.
public protocol Gate: Sendable {
  /// Signals so far.
  var ticket: UInt64 { get }

  /// Wakes every waiter. Any thread may call it; it never blocks on I/O or on an owner.
  func signal()

  /// Blocks the calling owner until a signal later than `ticket`, or until `deadline` (nil: none).
  ///
  /// - Returns: whether there was a signal.
  @discardableResult
  func wait(since ticket: UInt64, until deadline: Nanoseconds?) -> Bool
}
