/// The output stream aligned by the edges of a recorded sync line (clock.md, "After the fact, with
/// a sync line").
public struct SyncAlignment: Sendable {
  /// A sync line as it was recorded.
  public struct Line: Sendable {
    /// Sample numbers of the edges, in order: the first sample beyond the threshold.
    public var edges: [Int64]
    /// Samples recorded.
    public var sampleCount: Int64
    /// Samples per second.
    public var rate: Double
    /// The recording clock's seconds at sample 0.
    public var startingTime: Double

    public init(edges: [Int64], sampleCount: Int64, rate: Double, startingTime: Double) {
      self.edges = edges
      self.sampleCount = sampleCount
      self.rate = rate
      self.startingTime = startingTime
    }

    /// Where the edge was, in seconds: half a sample before the first sample that shows it.
    func seconds(of edge: Int64) -> Double { startingTime + (Double(edge) - 0.5) / rate }
  }

  /// How good the alignment is; times in seconds.
  public struct Report: Sendable, Equatable {
    /// Pulses sent while the line was being recorded.
    public var pulses = 0
    /// Pulses with an edge, outliers not among them.
    public var matched = 0
    /// Pulses without an edge.
    public var unmatchedPulses = 0
    /// Edges without a pulse.
    public var unmatchedEdges = 0
    /// Edges further than 5 median absolute deviations from their local line.
    public var outliers = 0
    /// How much later the edges are than the software's map says: the median.
    public var offset = 0.0
    /// Edges that the next best shift of all pulses explains. When it is nearly ``matched`` (a
    /// regular train), the intervals cannot tell, and the software's map has decided.
    public var runnerUp = 0
    public var residualDeviation = 0.0
    public var residualMaximum = 0.0
  }

  /// Stream samples → nanoseconds of the recording clock.
  public let map: ClockMap
  /// For each pulse its edge's sample number, or nil.
  public let matches: [Int64?]
  public let report: Report

  /// The onset of a sample of the stream on the recording clock.
  public func onset(of sample: Int64) -> Onset {
    let time = map.time(of: sample)
    return Onset(
      seconds: Double(time.time) * 1e-9, uncertainty: Double(time.uncertainty) * 1e-9,
      basis: .syncEdges)
  }

  /// Matches the edges to the pulses and draws local lines through them.
  ///
  /// - Parameters:
  ///   - line: the recorded edges.
  ///   - pulses: the stream samples at which the line rose, in order.
  ///   - predicted: the software's onset of each pulse, as ``RecordingClock/onset(of:in:)`` gives.
  ///   - streamRate: output samples per second, nominally.
  ///   - search: how far the software's map may be off as a whole, in seconds; with nil only as far
  ///     as its uncertainty says. A further search needs irregular intervals.
  /// - Throws: `SyncError` when the match is poor, ambiguous or contradicted.
  public init(
    of line: Line, to pulses: [Int64], predicted: [Onset], streamRate: Double,
    search: Double? = nil
  ) throws(SyncError) {
    precondition(pulses.count == predicted.count, "a prediction for each pulse")
    let matching = try SyncMatching(line: line, predicted: predicted, search: search)
    let origin = ClockOrigin(
      sample: pulses.first ?? 0, host: Nanoseconds((line.startingTime * 1e9).rounded()),
      period: 1e9 / streamRate)
    var edges = matching.edges
    func points() -> [Corridor.Point] {
      zip(pulses, edges).compactMap { pulse, edge in
        edge.map { Self.point(of: pulse, at: $0, on: line, from: origin) }
      }
    }
    // Whole samples scatter by a quarter of one (median absolute deviation).
    let least = 0.25e9 / line.rate
    var lines = LocalLines(through: points(), least: least)
    guard !lines.knots.isEmpty else { throw matching.tooFew }
    var report = Report(
      pulses: matching.pulseCount, offset: matching.offset, runnerUp: matching.runnerUp)
    let found = edges
    for (index, pulse) in pulses.enumerated() {
      edges[index] = matching.candidates(for: index).min {
        abs(lines.residual(of: Self.point(of: pulse, at: $0, on: line, from: origin)).distance)
          < abs(lines.residual(of: Self.point(of: pulse, at: $1, on: line, from: origin)).distance)
      }
      guard let edge = edges[index] else { continue }
      let point = Self.point(of: pulse, at: edge, on: line, from: origin)
      if lines.residual(of: point).isOutlier { edges[index] = nil }
    }
    report.outliers = zip(found, edges).count { $0 != nil && $1 == nil }
    let inliers = points()
    lines = LocalLines(through: inliers, least: least)
    guard !lines.knots.isEmpty, 2 * inliers.count >= matching.pulseCount else {
      throw matching.tooFew
    }
    report.matched = inliers.count
    report.unmatchedPulses = matching.pulseCount - inliers.count - report.outliers
    report.unmatchedEdges = line.edges.count - inliers.count - report.outliers
    let residuals = inliers.map { lines.residual(of: $0).distance * 1e-9 }
    report.residualMaximum = residuals.map(abs).max() ?? 0
    report.residualDeviation =
      (residuals.reduce(0) { $0 + $1 * $1 } / Double(residuals.count)).squareRoot()
    guard report.residualDeviation <= matching.tolerance / 3 else {
      throw .inconsistent(deviation: report.residualDeviation, tolerance: matching.tolerance)
    }
    try matching.requireTrack(edges)
    self.report = report
    matches = edges
    map = Self.map(through: lines.knots, from: origin, sample: 1e9 / line.rate)
  }

  private static func point(
    of pulse: Int64, at edge: Int64, on line: Line, from origin: ClockOrigin
  ) -> Corridor.Point {
    let u = origin.u(of: pulse)
    let start = line.startingTime * 1e9 - Double(origin.host)
    return .init(u: u, y: start + (Double(edge) - 0.5) * (1e9 / line.rate) - u)
  }

  private static func map(
    through knots: [LocalLines.Knot], from origin: ClockOrigin, sample: Double
  ) -> ClockMap {
    ClockMap(
      origin: origin,
      knots: knots.map { .init(u: $0.u, y: $0.y, uncertainty: sample / 2 + $0.error) },
      slopes: (knots[0].slope, knots[knots.count - 1].slope), growth: ClockMap.wander,
      basis: .syncEdges, segment: 0)
  }
}
