import Clocks
import NWB
import Samples

/// The output stream as a recorded sync line shows it.
///
/// Where the line's circuit or the stream began anew, a new stretch begins and is aligned by
/// itself.
struct SyncRefinement {
  /// A part of the stream and of the line between two breaks.
  private struct Stretch {
    /// Of the stream.
    let samples: Range<Int64>
    /// Of the line's circuit.
    let seconds: Range<Double>
    let alignment: SyncAlignment
  }

  /// A stretch with fewer pulses than this is left to the clocks' readings.
  private static let fewestPulses = 8
  /// How far the software's map may be off as a whole before the line is given up, in seconds.
  private static let search = 1.0
  /// The map is drawn on for so many seconds beyond the line's ends.
  private static let reach = 10.0

  /// One for each stretch.
  var reports: [SyncAlignment.Report] { stretches.map(\.alignment.report) }
  let edges: [AlignmentContent.SyncEdge]
  private let stretches: [Stretch]
  private let circuit: CircuitTimeline
  private let reference: CircuitTimeline
  private let stream: StreamTimeline

  /// Aligns the stream to the line.
  ///
  /// - Parameters:
  ///   - recorded: the line's edges in its series.
  ///   - changes: the stream samples of all signal changes.
  ///   - stream: as the clocks' readings map it.
  ///   - circuit: the one that recorded the line.
  ///   - reference: the one whose seconds are the recording clock.
  /// - Throws: `SyncError` if a stretch cannot be aligned.
  init(
    by recorded: RecordedLine, changes: [Int64], stream: StreamTimeline,
    circuit: CircuitTimeline, reference: CircuitTimeline
  ) throws(SyncError) {
    let pulses = SyncTrain(rate: stream.rate).edges(in: 0..<stream.end, onsets: changes.sorted())
    let expected = pulses.map { circuit.onset(of: $0, in: stream.map(for: $0)) }
    let parts = Self.parts(of: stream, pulses, expected, recorded)
    var stretches: [Stretch] = []
    var edges: [AlignmentContent.SyncEdge] = []
    for part in parts {
      let indices = pulses.indices.filter {
        part.samples.contains(pulses[$0]) && !recorded.isLost(at: expected[$0].seconds)
      }
      let visible = indices.count { part.seconds.contains(expected[$0].seconds) }
      guard visible >= Self.fewestPulses || parts.count == 1 else { continue }
      let (line, firstFrame) = recorded.line(in: part.seconds)
      let own = indices.map { pulses[$0] }
      let alignment = try Self.align(line, own, indices.map { expected[$0] }, stream.rate)
      for (pulse, match) in zip(own, alignment.matches) {
        guard let match else { continue }
        let frame = firstFrame + match
        let seconds = recorded.seconds(ofEdge: frame)
        edges.append(
          .init(
            streamSample: pulse, frame: frame,
            time: circuit.converted(
              Onset(seconds: seconds, uncertainty: 0, basis: .syncEdges), to: reference
            ).seconds, residual: seconds - alignment.onset(of: pulse).seconds))
      }
      stretches.append(
        Stretch(samples: part.samples, seconds: part.seconds, alignment: alignment))
    }
    guard !stretches.isEmpty else {
      throw .tooFewMatches(matched: 0, pulses: pulses.count, edges: recorded.edges.count)
    }
    self.edges = edges
    self.stretches = stretches
    self.circuit = circuit
    self.reference = reference
    self.stream = stream
  }

  /// The onset of a sample of the stream on the recording clock; nil where the line was not
  /// recorded.
  func onset(of sample: Int64) -> Onset? {
    let expected = circuit.onset(of: sample, in: stream.map(for: sample)).seconds
    func distance(_ stretch: Stretch) -> Double {
      max(stretch.seconds.lowerBound - expected, expected - stretch.seconds.upperBound, 0)
    }
    let nearest = stretches.filter { $0.samples.contains(sample) }
      .min { distance($0) < distance($1) }
    guard let nearest, distance(nearest) <= Self.reach else { return nil }
    return circuit.converted(nearest.alignment.onset(of: sample), to: reference)
  }

  /// The points of the map on the recording clock, a list for each stretch.
  var knots: [[(sample: Int64, onset: Onset)]] {
    stretches.map { stretch in
      stretch.alignment.map.table.map { sample, _ in
        (sample, circuit.converted(stretch.alignment.onset(of: sample), to: reference))
      }
    }
  }

  /// By the software's map; or, where that is off as a whole by more than it says, by the intervals
  /// between the pulses, which are a code.
  private static func align(
    _ line: SyncAlignment.Line, _ pulses: [Int64], _ expected: [Onset], _ rate: Double
  ) throws(SyncError) -> SyncAlignment {
    do throws(SyncError) {
      return try SyncAlignment(of: line, to: pulses, predicted: expected, streamRate: rate)
    } catch {
      let found = try? SyncAlignment(
        of: line, to: pulses, predicted: expected, streamRate: rate, search: search)
      guard let found else { throw error }
      return found
    }
  }

  /// The line and the stream cut at every break of either.
  private static func parts(
    of stream: StreamTimeline, _ pulses: [Int64], _ expected: [Onset], _ line: RecordedLine
  ) -> [(samples: Range<Int64>, seconds: Range<Double>)] {
    let begins = stream.maps.dropFirst().map(\.samples.lowerBound)
    var parts: [(samples: Range<Int64>, seconds: Range<Double>)] = []
    var (first, from) = (Int64(0), -Double.infinity)
    for end in begins + [.max] {
      // In time the cut is between the last pulse of one segment and the first of the next.
      let next = pulses.firstIndex { $0 >= end }
      let to =
        next.map { $0 == 0 ? from : (expected[$0 - 1].seconds + expected[$0].seconds) / 2 }
        ?? .infinity
      for seconds in line.unbroken {
        let part =
          max(from, seconds.lowerBound)..<max(from, seconds.lowerBound, min(to, seconds.upperBound))
        if !part.isEmpty { parts.append((first..<end, part)) }
      }
      (first, from) = (end, max(from, to))
    }
    return parts
  }
}
