import Clocks
import NWB

/// What the feeder shares with the rest of the session.
struct FeederContext: Sendable {
  let stop: StopSignal
  let inbox: StimulusInbox
  let inlet: Inlet
  let board: StatusBoard
  let clock: SessionClock
  /// Recording time of sample 0, once every circuit runs.
  let sampleZero: Exchange<Double>
  /// The plan, compiled for the device that was found.
  let changes: Exchange<StimulusPlan>
  /// Frames of the reference series within a time.
  let frames: @Sendable (ClosedRange<Double>) -> Range<Int64>
  /// The outcome of a request that came with a number.
  let answer: @Sendable (Int, ChangeOutcome) -> Void
  let warn: @Sendable (String) -> Void
  let faulted: @Sendable (String) -> Void
}
