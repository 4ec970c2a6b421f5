/// Which edge belongs to which pulse, by the software's prediction or else by their intervals.
struct SyncMatching {
  /// The software's map is trusted to this, in seconds, when it does not claim less.
  private static let trust = 1e-3
  /// How far around other explanations are looked for, in seconds.
  private static let lookout = 1.0
  /// So many pulses in a row without their edges, while there are edges, are no chance: with one in
  /// twenty missing it happens once in 4e10.
  private static let lostRun = 8

  /// For each pulse the edge nearest to its place, or nil.
  private(set) var edges: [Int64?] = []
  /// How much later the edges are than predicted, in seconds.
  let offset: Double
  /// Edges that the next best offset explains.
  let runnerUp: Int
  /// An edge belongs to a pulse when it is this close, in seconds.
  let tolerance: Double
  /// Pulses sent while the line was recorded.
  let pulseCount: Int
  private let line: SyncAlignment.Line
  private let predicted: [Double]
  private let observed: [Double]
  private let isRecorded: [Bool]

  init(line: SyncAlignment.Line, predicted: [Onset], search: Double?) throws(SyncError) {
    let seconds = predicted.map(\.seconds)
    let observed = line.edges.map(line.seconds(of:))
    let uncertainty = predicted.map(\.uncertainty).sorted()
    let trust = max(
      Self.trust, 2 / line.rate, uncertainty.isEmpty ? 0 : uncertainty[uncertainty.count / 2])
    let interval = zip(seconds.dropFirst(), seconds).map { $0 - $1 }.min() ?? 1
    let tolerance = max(min(Self.trust, interval / 4), 2 / line.rate)
    let isTrusted = search ?? 0 <= trust && interval >= 4 * trust
    let vote = OffsetVote(
      predicted: seconds, observed: observed, reach: max(search ?? 0, Self.lookout),
      tolerance: tolerance)
    let reach = isTrusted ? trust : max(search ?? 0, trust)
    let chosen = vote.best(within: reach)
    let other = vote.best(excluding: chosen.offset, by: 2 * tolerance + (isTrusted ? trust : 0))

    let end = line.startingTime + Double(line.sampleCount) / line.rate
    let isRecorded = seconds.map {
      $0 + chosen.offset >= line.startingTime && $0 + chosen.offset < end
    }
    self.line = line
    self.predicted = seconds
    self.observed = observed
    self.isRecorded = isRecorded
    self.tolerance = tolerance
    offset = chosen.offset
    runnerUp = other.votes
    pulseCount = isRecorded.count { $0 }

    // A regular train shifted by one interval explains but one edge less: a trusted prediction is
    // contradicted by any explanation that is better; a search needs one far better than all others.
    let isAmbiguous =
      isTrusted ? other.votes > chosen.votes : 5 * other.votes > 4 * chosen.votes
    guard !isAmbiguous else {
      throw .ambiguous(
        offset: chosen.offset, matched: chosen.votes, otherOffset: other.offset,
        otherMatched: other.votes)
    }
    edges = seconds.indices.map { index in
      candidates(for: index).min {
        abs(distance(of: $0, from: index)) < abs(distance(of: $1, from: index))
      }
    }
    guard 2 * edges.count(where: { $0 != nil }) >= pulseCount, pulseCount > 0 else { throw tooFew }
  }

  var tooFew: SyncError {
    .tooFewMatches(
      matched: edges.count { $0 != nil }, pulses: pulseCount, edges: line.edges.count)
  }

  /// The edges within the tolerance of a pulse; none when it was not recorded.
  func candidates(for pulse: Int) -> ArraySlice<Int64> {
    guard isRecorded[pulse] else { return [] }
    let place = predicted[pulse] + offset
    let low = observed.firstIndex(above: (place - tolerance).nextDown) { $0 }
    let high = observed.firstIndex(above: place + tolerance) { $0 }
    return line.edges[low..<max(low, high)]
  }

  /// Requires that nowhere many pulses in a row lack their edges while there are edges.
  func requireTrack(_ edges: [Int64?]) throws(SyncError) {
    var begin = 0
    for index in 0...edges.count {
      if index < edges.count, edges[index] == nil, isRecorded[index] { continue }
      if index - begin >= Self.lostRun {
        let (from, to) = (predicted[begin] + offset, predicted[index - 1] + offset)
        let low = observed.firstIndex(above: from - tolerance) { $0 }
        let high = observed.firstIndex(above: to + tolerance) { $0 }
        guard 2 * (high - low) < index - begin else { throw .lostTrack(from: from, to: to) }
      }
      begin = index + 1
    }
  }

  private func distance(of edge: Int64, from pulse: Int) -> Double {
    line.seconds(of: edge) - predicted[pulse] - offset
  }
}
