import Clocks
import Synchronization

/// One value handed from one owner to another, once.
final class Exchange<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let gate: any Gate

  init(_ timekeeper: any Timekeeper) { gate = timekeeper.makeGate() }

  /// Gives the value; a second one is ignored.
  func give(_ new: Value) {
    value.withLock { if $0 == nil { $0 = new } }
    gate.signal()
  }

  /// The value, if it is there.
  var present: Value? { value.withLock { $0 } }

  /// Blocks the calling owner until the value is there.
  func take() -> Value {
    while true {
      let ticket = gate.ticket
      if let value = present { return value }
      gate.wait(since: ticket, until: nil)
    }
  }
}
