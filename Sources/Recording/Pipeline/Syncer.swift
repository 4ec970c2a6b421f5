import Clocks
import Glibc
import Synchronization

/// Syncs the file on a thread of its own, so that neither samples nor rows wait for the disk.
final class Syncer: Sendable {
  struct Request: Sendable {
    /// Frames of each series that the sync covers.
    var rows: [Int64]
    /// Recording time at which it was asked for.
    var time: Double
    /// Whether the row that says so is covered as well.
    var isNoted: Bool
  }

  enum State: Sendable {
    case idle
    case busy(Request)
    case done(Request)
    case failed(CInt)
  }

  private let current = Mutex(State.idle)
  private let isOver = Atomic(false)
  private let gate: any Gate
  private let work: any Gate
  private let descriptor: CInt

  /// `descriptor`: of the file, open as long as the syncer runs.
  /// `work`: signalled when a sync is done.
  init(descriptor: CInt, timekeeper: any Timekeeper, work: any Gate) {
    self.descriptor = descriptor
    self.work = work
    gate = timekeeper.makeGate()
  }

  var state: State { current.withLock { $0 } }

  func sync(_ request: Request) {
    current.withLock { $0 = .busy(request) }
    gate.signal()
  }

  func rest() { current.withLock { $0 = .idle } }

  func end() {
    isOver.store(true, ordering: .releasing)
    gate.signal()
  }

  /// The thread's body.
  func run() {
    while true {
      let ticket = gate.ticket
      if isOver.load(ordering: .acquiring) { return }
      guard case .busy(let request) = state else {
        gate.wait(since: ticket, until: nil)
        continue
      }
      let result = fdatasync(descriptor)
      let code = errno
      current.withLock { $0 = result == 0 ? .done(request) : .failed(code) }
      work.signal()
    }
  }
}
