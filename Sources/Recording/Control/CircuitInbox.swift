import Clocks
import Devices
import NWB
import Synchronization

/// What others ask of a running circuit; its owner serves it once per poll. Any thread may post, and
/// nothing here waits.
final class CircuitInbox: Sendable {
  enum Action: Sendable {
    case set(tag: String, value: Double)
    case fire(Trigger)
  }

  struct Request: Sendable {
    var action: Action
    /// Called on the circuit's thread; must not block.
    var outcome: @Sendable (Result<Void, DeviceError>) -> Void
  }

  private struct State {
    var tags: [TagInfo]?
    var requests: [Request] = []
    var isClosed = false
  }

  let name: String
  private let state = Mutex(State())

  init(name: String) { self.name = name }

  /// The circuit's tags; nil until it is open.
  var tags: [TagInfo]? { state.withLock { $0.tags } }

  func opened(_ tags: [TagInfo]) { state.withLock { $0.tags = tags } }

  /// Hands a request to the next poll.
  ///
  /// - Returns: false when the circuit takes none any more.
  func post(_ request: Request) -> Bool {
    state.withLock { state in
      if !state.isClosed { state.requests.append(request) }
      return !state.isClosed
    }
  }

  /// Does what was asked for since the last poll; the recorder's log gets a row for each.
  func serve(_ circuit: some Circuit, _ context: AcquirerContext) {
    let requests = state.withLock { state in
      defer { state.requests.removeAll(keepingCapacity: true) }
      return state.requests
    }
    for request in requests {
      let began = context.now
      do throws(DeviceError) {
        let text: String
        var time = began
        switch request.action {
        case .set(let tag, let value):
          try circuit.setScalar(tag, to: value)
          text = "\(name).\(tag) set to \(Float(value))"
        case .fire(let trigger):
          time = try circuit.fire(trigger, mode: .pulse).middle
          text = "\(name): trigger \(trigger.label) fired"
        }
        context.inlet.log(.note, text, at: context.clock.seconds(atHost: time))
        request.outcome(.success(()))
      } catch {
        context.inlet.log(.error, "\(error)", at: context.clock.seconds(atHost: began))
        request.outcome(.failure(error))
      }
    }
  }

  /// The circuit's thread has ended: what is left is answered, and nothing more is taken.
  func close() {
    let rest = state.withLock { state in
      state.isClosed = true
      defer { state.requests.removeAll() }
      return state.requests
    }
    for request in rest {
      request.outcome(
        .failure(
          DeviceError(
            device: name, call: "control", code: .notRunning, message: "the circuit has ended")))
    }
  }
}

extension Trigger {
  /// As the control channel writes it.
  var label: String {
    switch self {
    case .software(let number): "\(number)"
    case .zBusA: "A"
    case .zBusB: "B"
    }
  }
}
