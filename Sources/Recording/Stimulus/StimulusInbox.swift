import Clocks
import Samples
import Synchronization

/// What others ask of a running stimulator. Any thread may; nothing here waits for a device.
final class StimulusInbox: Sendable {
  enum Request: Sendable {
    /// Replace a channel's signal: at its next period boundary, or at its next rest.
    case set(id: Int, channel: Int, CompiledSignal, immediate: Bool, time: Double)
    /// End the signals of these channels after the present period.
    case silence([Int])
  }

  private struct State {
    var requests: [Request] = []
    var isStopped = false
  }

  private let state = Mutex(State())
  private let work: any Gate

  init(_ timekeeper: any Timekeeper) { work = timekeeper.makeGate() }

  func post(_ request: Request) {
    state.withLock { $0.requests.append(request) }
    work.signal()
  }

  /// Silence at once, past every queue; it stays.
  func emergencyStop() {
    state.withLock { $0.isStopped = true }
    work.signal()
  }

  var isEmergency: Bool { state.withLock { $0.isStopped } }

  func take() -> [Request] {
    state.withLock { state in
      defer { state.requests.removeAll(keepingCapacity: true) }
      return state.requests
    }
  }

  var ticket: UInt64 { work.ticket }

  func wait(since ticket: UInt64, until deadline: Nanoseconds) {
    work.wait(since: ticket, until: deadline)
  }

  /// Wakes the feeder, so that it sees a stop.
  func wake() { work.signal() }
}
