public import NWB
import Synchronization

/// What became of a signal change that somebody asked for.
public enum ChangeOutcome: Sendable {
  /// Its first sample is in the device's hands: the row of the ledger.
  case queued(SignalChange)
  /// A later change of the same channel came before it was queued.
  case superseded
  /// It will never leave, for this reason.
  case refused(String)
}

/// Who waits for the outcome of which request.
final class AnswerDesk: Sendable {
  private struct State {
    var last = 0
    var waiting: [Int: @Sendable (ChangeOutcome) -> Void] = [:]
  }

  private let state = Mutex(State())

  /// A number under which the outcome will be asked for.
  func register(_ body: @escaping @Sendable (ChangeOutcome) -> Void) -> Int {
    state.withLock { state in
      state.last += 1
      state.waiting[state.last] = body
      return state.last
    }
  }

  func answer(_ request: Int, _ outcome: ChangeOutcome) {
    state.withLock { $0.waiting.removeValue(forKey: request) }?(outcome)
  }
}
