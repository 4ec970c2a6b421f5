import Clocks
import Samples
import Synchronization

/// What others ask of a running stimulator. Any thread may; nothing here waits for a device.
final class StimulusInbox: Sendable {
  enum Request: Sendable {
    /// Replace a channel's signal: at its next period boundary, or at its next rest. `id` is the
    /// number under which the caller waits for the outcome.
    case set(id: Int, channel: Int, CompiledSignal, immediate: Bool, time: Double)
    /// End the live signals of these channels after the present period.
    case silence([Int], time: Double)
  }

  private struct State {
    var requests: [Request] = []
    var isStopped = false
    /// Why nothing is taken any more.
    var closed: String?
  }

  private let state = Mutex(State())
  private let work: any Gate

  init(_ timekeeper: any Timekeeper) { work = timekeeper.makeGate() }

  /// Hands a request to the feeder's next feed, which comes when it is due: whoever asks often makes
  /// no feed more.
  ///
  /// - Returns: why it is not taken, or nil.
  func post(_ request: Request) -> String? {
    state.withLock { state in
      if state.closed == nil { state.requests.append(request) }
      return state.closed
    }
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

  /// Takes no more; what was not taken yet is given back.
  func close(_ reason: String) -> [Request] {
    state.withLock { state in
      state.closed = reason
      defer { state.requests.removeAll() }
      return state.requests
    }
  }

  /// Begins anew, with no emergency: for another run of the same stimulator.
  func open() {
    state.withLock { state in
      state.closed = nil
      state.isStopped = false
    }
  }

  var ticket: UInt64 { work.ticket }

  func wait(since ticket: UInt64, until deadline: Nanoseconds) {
    work.wait(since: ticket, until: deadline)
  }

  /// Wakes the feeder, so that it sees a stop.
  func wake() { work.signal() }
}
