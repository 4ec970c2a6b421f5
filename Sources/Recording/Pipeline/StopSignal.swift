public import Clocks
import Synchronization

/// A request to stop that any thread may make and every owner sees at once. The first reason stays.
public final class StopSignal: Sendable {
  /// Why a session ends.
  public enum Reason: Sendable, Equatable, CustomStringConvertible {
    case duration
    /// So many trials were asked for and are acquired.
    case trials(Int)
    /// A signal's number.
    case signal(Int32)
    /// A `stop` on the control channel.
    case control
    /// The reserve of disk space was reached, or writing failed.
    case disk(String)
    /// A device is gone or has failed for good.
    case device(String)
    /// A trial gave no new sample for too long.
    case timeout(String)
    /// An overrun in a buffer with `on_overrun: "stop"`.
    case overrun(String)
    /// Something that should not be.
    case fault(String)

    public var description: String {
      switch self {
      case .duration: "the planned duration is over"
      case .trials(let count): "\(count) \(count == 1 ? "trial is" : "trials are") acquired"
      case .signal(let number): "signal \(number)"
      case .control: "asked to stop"
      case .disk(let why), .device(let why), .timeout(let why), .overrun(let why), .fault(let why):
        why
      }
    }
  }

  private let state = Mutex<Reason?>(nil)
  private let gate: any Gate

  public init(_ timekeeper: any Timekeeper) { gate = timekeeper.makeGate() }

  public var reason: Reason? { state.withLock { $0 } }

  public var isRequested: Bool { reason != nil }

  /// Asks for the end; later requests change nothing.
  public func request(_ reason: Reason) {
    state.withLock { if $0 == nil { $0 = reason } }
    gate.signal()
  }

  /// Blocks the calling owner until a stop is requested or `deadline` has come.
  ///
  /// - Returns: whether a stop was requested.
  @discardableResult
  public func wait(until deadline: Nanoseconds?) -> Bool {
    let ticket = gate.ticket
    if isRequested { return true }
    gate.wait(since: ticket, until: deadline)
    return isRequested
  }
}
