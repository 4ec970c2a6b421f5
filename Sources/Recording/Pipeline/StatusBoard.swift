import Samples
import Synchronization

/// What is known of a session at this moment, from facts: written by the owners, read by anybody.
public final class StatusBoard: Sendable {
  public struct Buffer: Sendable {
    public var name: String
    public var circuit: String
    /// Frames delivered to the file, per channel.
    public var samples: Int64 = 0
    /// Frames a second, nominal.
    public var rate = 0.0
    /// Share of the device's ring that waited at the last poll, and at most so far.
    public var fill = 0.0
    public var worstFill = 0.0
    public var lost: Int64 = 0
    public var gaps = 0
    /// Codes at the limits of the type so far, of each channel.
    public var clippedCodes: [Int] = []
    /// Seconds so far in which each channel had a single value: a dead electrode, or a quiet line.
    public var constantSeconds: [Double] = []
    /// Per channel over the last second, in the unit of the series before the gain.
    public var levels: [Level] = []
    /// At the last poll.
    public var standsStill = false
    /// For so long that it was reported, and still.
    public var isStalled = false
    public var racesRepaired = 0

    /// Codes at the limits of the type, of all channels.
    public var clipped: Int { clippedCodes.reduce(0, +) }
  }

  public struct Level: Sendable {
    public var rms: Float
    public var minimum: Float
    public var maximum: Float
    public var clipped: Int
    /// It had a single value for the whole second.
    public var isConstant: Bool
  }

  public struct Stimulator: Sendable {
    public var name: String
    public var state = "idle"
    /// Seconds queued ahead of the output.
    public var ahead = 0.0
    public var changes = 0
    public var underruns = 0
    /// Half width of the uncertainty of an onset now, seconds.
    public var uncertainty = 0.0
  }

  /// A waveform that a circuit plays.
  public struct Output: Sendable {
    public var name: String
    /// How often its store ran dry, and for how many frames.
    public var underruns = 0
    public var staleFrames: Int64 = 0
    /// Samples of its source that do not fit the type of the store.
    public var saturated = 0
    /// Why it ended before the session did.
    public var failure: String?
  }

  public struct File: Sendable {
    public var path = ""
    public var bytes: Int64 = 0
    /// Recording clock up to which samples are in a completed flush, and in a completed sync.
    public var flushedTo = 0.0
    public var durableTo = 0.0
    public var megabytesPerSecond = 0.0
    public var minutesLeft = Double.infinity
    /// Flushes that came later than promised.
    public var lateFlushes = 0
    public var worstFlushDelay = 0.0
    public var inletWorstFill = 0.0
  }

  public struct Circuit: Sendable {
    public var name: String
    /// Percent of a tick, when it was last asked, and at most; nil: not told.
    public var cycleUsage: Int?
    public var worstCycleUsage: Int?
  }

  /// A buffer that is read no further.
  public struct EndedSeries: Sendable {
    public var name: String
    public var reason: String
    /// Seconds on the recording clock.
    public var time: Double
  }

  public struct Snapshot: Sendable {
    public var time = 0.0
    public var state = "opening"
    /// The reference circuit first.
    public var circuits: [Circuit] = []
    public var buffers: [Buffer] = []
    public var stimulator: Stimulator?
    /// In the order of the session.
    public var outputs: [Output] = []
    public var file = File()
    /// Stamps of event buffers that were overwritten.
    public var lostEvents: Int64 = 0
    /// How often an event buffer began anew: events before that are lost, nobody knows how many.
    public var eventResets = 0
    /// Buffers that ended before the session because their attributes changed.
    public var endedSeries: [EndedSeries] = []
    /// Half width of the reference clock's map, seconds; nil before there is one.
    public var clockUncertainty: Double?
    /// Slope of the reference clock against the host's, ppm.
    public var clockDrift: Double?
  }

  private let state = Mutex(Snapshot())

  public var snapshot: Snapshot { state.withLock { $0 } }

  func update(_ change: (inout Snapshot) -> Void) { state.withLock { change(&$0) } }
}
