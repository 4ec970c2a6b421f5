import Clocks

/// How good an alignment is, for the person who asked for it. Times in seconds.
public struct AlignmentQuality: Sendable {
  public struct Clock: Sendable {
    public enum Role: String, Sendable {
      /// The circuit whose samples are the recording clock.
      case reference
      /// Another circuit, mapped to it.
      case circuit
      case stimulator
    }

    public var name: String
    public var role: Role
    public var readings: Int
    public var segments: Int
    /// Half of the readings are bracketed at least as tightly.
    public var medianBracket: Double
    /// Parts per million by which the clock was fast against the host's, at the end.
    public var drift: Double
    public var medianUncertainty: Double
    public var worstUncertainty: Double
  }

  public struct Onsets: Sendable {
    public var count: Int
    /// How many rest on an edge of the sync line.
    public var bySyncEdges: Int
    public var medianUncertainty: Double
    public var worstUncertainty: Double
    /// How far the refined onsets are from those that were written live.
    public var medianMove: Double
    public var worstMove: Double
  }

  public struct Sync: Sendable {
    public var channel: SyncChannel
    /// Pulses sent while the line was being recorded.
    public var pulses = 0
    /// Pulses with an edge, outliers not among them.
    public var matched = 0
    public var unmatchedPulses = 0
    public var unmatchedEdges = 0
    /// Edges further than 5 median absolute deviations from their local line.
    public var outliers = 0
    /// Edges that the next best shift of all pulses explains.
    public var runnerUp = 0
    /// How much later the line is than the clocks' readings say: the median.
    public var offset = 0.0
    /// Whether that is more than the readings allow.
    public var isShifted = false
    public var residualDeviation = 0.0
    public var residualMaximum = 0.0

    /// The reports of a line's stretches as one; `offset` is the largest.
    init(_ channel: SyncChannel, joining reports: [SyncAlignment.Report]) {
      self.channel = channel
      var squares = 0.0
      for report in reports {
        pulses += report.pulses
        matched += report.matched
        unmatchedPulses += report.unmatchedPulses
        unmatchedEdges += report.unmatchedEdges
        outliers += report.outliers
        runnerUp += report.runnerUp
        if abs(report.offset) > abs(offset) { offset = report.offset }
        squares += report.residualDeviation * report.residualDeviation * Double(report.matched)
        residualMaximum = max(residualMaximum, report.residualMaximum)
      }
      residualDeviation = matched > 0 ? (squares / Double(matched)).squareRoot() : 0
    }
  }

  public var clocks: [Clock] = []
  /// nil without signal changes.
  public var onsets: Onsets?
  /// nil where no sync line was used.
  public var sync: Sync?
  /// What should be known about it, a line each.
  public var notes: [String] = []
}

extension [Double] {
  /// 0 for none.
  var median: Double { isEmpty ? 0 : sorted()[(count - 1) / 2] }
}
