import Clocks
import Devices
import Synchronization

/// What an acquirer shares with the rest of the session.
struct AcquirerContext: Sendable {
  /// The end of acquisition: it comes after the stimulator is silent.
  let stop: StopSignal
  /// Asks for the end of the whole session.
  let stopAll: @Sendable (StopSignal.Reason) -> Void
  let inlet: Inlet
  let board: StatusBoard
  let clock: SessionClock
  /// Given once, after the first latch or when it failed.
  let latched: Exchange<Result<Bracket, DeviceError>>
  /// A line for the person at the rig.
  let warn: @Sendable (String) -> Void
  /// A line for the end report.
  let remark: @Sendable (String) -> Void
  /// A trial that has been acquired.
  let acquired: @Sendable (Epoch) -> Void
  /// Set when the file writer takes nothing more.
  let writerEnded: WriterState
  /// Nanoseconds between polls at most, so that the flush promise holds.
  let longestPoll: Nanoseconds
  /// Seconds for which a failing device is asked again.
  let patience: Double
  let timekeeper: any Timekeeper
  /// What is asked of the circuit while it runs.
  let requests: CircuitInbox

  var hasWriterEnded: Bool { writerEnded.hasEnded }

  var now: Nanoseconds { timekeeper.now }
}

/// Whether the file writer has ended, for those who would wait for it.
final class WriterState: Sendable {
  private let ended = Atomic(false)

  var hasEnded: Bool { ended.load(ordering: .acquiring) }

  func end() { ended.store(true, ordering: .releasing) }
}
