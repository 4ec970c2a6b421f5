/// What `daqrec align` found, as it stands in `/processing/alignment`.
///
/// Times are seconds on the recording clock; every uncertainty is half the width of the interval
/// that the truth is in, in seconds.
public struct AlignmentContent: Sendable, Equatable {
  /// The onset of one signal change, refined.
  public struct RefinedOnset: Sendable, Equatable {
    public var onset: Double
    public var uncertainty: Double
    public var basis: OnsetBasis
    /// The change's own edge on the sync line minus `onset`; nil if it has none there.
    public var residual: Double?

    public init(onset: Double, uncertainty: Double, basis: OnsetBasis, residual: Double? = nil) {
      self.onset = onset
      self.uncertainty = uncertainty
      self.basis = basis
      self.residual = residual
    }
  }

  /// A sample clock: points of the map from its samples to the recording clock, straight lines
  /// between those of a segment.
  public struct Clock: Sendable, Equatable {
    public var name: String
    public var description: String
    public var knots: [Knot]

    public init(name: String, description: String, knots: [Knot]) {
      self.name = name
      self.description = description
      self.knots = knots
    }
  }

  /// A point of a clock's map.
  public struct Knot: Sendable, Equatable {
    /// Frames of the circuit's first buffer, or samples of the output stream.
    public var sample: Int64
    public var time: Double
    /// The host's monotonic clock, seconds since the start of the session.
    public var hostTime: Double
    /// Of `hostTime` where the clock is the recording clock itself, else of `time`.
    public var uncertainty: Double
    /// Counts from 1; the next begins where samples do not follow from those before.
    public var segment: Int64
    public var basis: OnsetBasis

    public init(
      sample: Int64, time: Double, hostTime: Double, uncertainty: Double, segment: Int64,
      basis: OnsetBasis
    ) {
      self.sample = sample
      self.time = time
      self.hostTime = hostTime
      self.uncertainty = uncertainty
      self.segment = segment
      self.basis = basis
    }
  }

  /// An edge of the sync line and the pulse it belongs to.
  public struct SyncEdge: Sendable, Equatable {
    /// The sample of the output stream with which the pulse begins.
    public var streamSample: Int64
    /// The first frame of the recorded series that shows it.
    public var frame: Int64
    /// When it was: half a frame before.
    public var time: Double
    /// `time` minus the refined time of the stream sample.
    public var residual: Double

    public init(streamSample: Int64, frame: Int64, time: Double, residual: Double) {
      self.streamSample = streamSample
      self.frame = frame
      self.time = time
      self.residual = residual
    }
  }

  /// How it was made.
  public var description: String
  /// One for each row of the ledger.
  public var onsets: [RefinedOnset]
  public var clocks: [Clock]
  public var edges: [SyncEdge]

  public init(
    description: String, onsets: [RefinedOnset] = [], clocks: [Clock] = [],
    edges: [SyncEdge] = []
  ) {
    self.description = description
    self.onsets = onsets
    self.clocks = clocks
    self.edges = edges
  }

  static let path = "/processing/alignment"
  static let onsetsPath = "\(path)/onsets"
  static let edgesPath = "\(path)/sync_edges"
  static let knotsSuffix = "_knots"
}
