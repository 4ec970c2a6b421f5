import Devices
import NWB
import Samples

/// What a stimulator is to do, as compiled from the session.
struct StimulatorPlan: Sendable {
  var name: String
  /// Opens the device, on the thread that will own it.
  var open: @Sendable (LinkReports) throws -> any Stimulator
  var mode: StimulusMode
  /// Output samples a second and channel.
  var rate: Double
  /// Seconds of the host's and of the device's ring.
  var buffer: Double
  var capacity: Double
  var callbackPercent: Int
  var continuous: Bool
  /// By channel; nil where the session gives none.
  var limits: [Int: SignalLimits]
  /// The sync output that is streamed; every change and the second pulses stand on it.
  var syncOutput: Int

  /// The most that may be queued ahead (devices.md, section 4).
  static let mostAheadMilliseconds = 250
  /// A device that hears nothing for so long falls silent by itself.
  static let timeToLiveMilliseconds = 500
  /// A stream that stands still for so long, in nanoseconds, is a fault.
  static let longestStandstill: Int64 = 500_000_000

  /// Samples per channel of the host's ring.
  var ringSamples: Int { Int((buffer * rate).rounded()) }
}

/// The changes of a session, in order of time, for one stimulator.
struct StimulusPlan: Sendable {
  struct Change: Sendable {
    /// Seconds after sample 0, on the recording clock.
    var at: Double
    var channel: Int
    var signal: CompiledSignal
    /// The trial that this change begins.
    var trial: Trial?
  }

  struct Trial: Sendable {
    var values: [String: TrialValue]
  }

  var changes: [Change] = []
  /// Signals that are not on the device's grid: as asked for and as realised, for the log.
  var roundings: [String] = []
}

extension CompiledSignal {
  /// Samples of the longest stretch that a feed must not end in.
  var longestPulse: Int {
    var longest = 0
    var stretch = 0
    // Twice around: a stretch may go on into the next period.
    for (run, isRest) in zip(runs + runs, rests + rests) {
      stretch = isRest ? 0 : stretch + run.count
      longest = max(longest, stretch)
    }
    return min(longest, period)
  }
}
