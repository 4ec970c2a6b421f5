import Clocks
import NWB

/// What the feeder shares with the rest of the session.
struct FeederContext: Sendable {
  let stop: StopSignal
  let control: StimulusControl
  /// Where rows of the file go; never blocks.
  let post: @Sendable (Record) -> Void
  let board: StatusBoard
  let clock: SessionClock
  /// Recording time of sample 0, once every circuit runs.
  let sampleZero: Exchange<Double>
  /// The plan, compiled for the device that was found.
  let changes: Exchange<StimulusPlan>
  /// Frames of the reference series within a time.
  let frames: @Sendable (ClosedRange<Double>) -> Range<Int64>
  let warn: @Sendable (String) -> Void
  let faulted: @Sendable (String) -> Void

  var inbox: StimulusInbox { control.inbox }

  func log(_ kind: LogKind, _ text: String, at time: Double) {
    post(.log(kind, text, time: time))
  }
}
