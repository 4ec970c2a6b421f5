import Clocks
import NWB

/// The edges of a sync line in the series that recorded it.
struct RecordedLine {
  /// The first frames that show an edge, in order.
  let edges: [Int64]
  private let rate: Double
  /// Seconds of the circuit at frame 0.
  private let start: Double
  /// The frames between two places where the circuit's clock chose how to go on.
  private let segments: [Range<Int64>]
  /// Frames that are not valid.
  private let lost: [Range<Int64>]

  init(_ edges: [Int64], in series: RecordingReader.Series, _ invalid: [InvalidFrames]) {
    self.edges = edges
    rate = series.rate
    start = series.startingTime
    let cuts = [0] + invalid.breaks(of: series.name) + [Int64(series.frames)]
    segments = zip(cuts, cuts.dropFirst()).map { $0..<max($0, $1) }.filter { !$0.isEmpty }
    lost = invalid.filter { $0.series == series.name }.map(\.frames)
  }

  /// When an edge was: half a frame before the first that shows it.
  func seconds(ofEdge frame: Int64) -> Double { start + (Double(frame) - 0.5) / rate }

  /// The times between two breaks.
  var unbroken: [Range<Double>] {
    segments.map { seconds(of: $0.lowerBound)..<seconds(of: $0.upperBound) }
  }

  /// Whether an edge at this time would lie among lost frames.
  func isLost(at seconds: Double) -> Bool {
    let frame = Int64(((seconds - start) * rate).rounded())
    return lost.contains { $0.contains(frame) }
  }

  /// A stretch as a line of its own, and the number of its first frame.
  func line(in stretch: Range<Double>) -> (line: SyncAlignment.Line, firstFrame: Int64) {
    let first = Int64(((stretch.lowerBound - start) * rate).rounded(.up))
    let end = Int64(((stretch.upperBound - start) * rate).rounded(.up))
    let line = SyncAlignment.Line(
      edges: edges.filter { $0 >= first && $0 < end }.map { $0 - first }, sampleCount: end - first,
      rate: rate, startingTime: seconds(of: first))
    return (line, first)
  }

  private func seconds(of frame: Int64) -> Double { start + Double(frame) / rate }
}
