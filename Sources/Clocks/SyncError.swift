/// Why a sync line cannot be aligned. Nothing is aligned then: a wrong match is never silent.
public enum SyncError: Error, Sendable, Equatable {
  /// The channel has no two levels: their distance and the noise, in the channel's unit.
  case noLevels(separation: Double, noise: Double)
  /// Too few of the pulses have an edge.
  case tooFewMatches(matched: Int, pulses: Int, edges: Int)
  /// Another offset explains as many edges, or nearly: offsets in seconds.
  case ambiguous(offset: Double, matched: Int, otherOffset: Double, otherMatched: Int)
  /// The matched edges scatter as chance would: standard deviation and tolerance, in seconds.
  case inconsistent(deviation: Double, tolerance: Double)
  /// For a stretch of the recording, pulses and edges no longer belong together: from and to, in
  /// seconds of the recording clock.
  case lostTrack(from: Double, to: Double)
}

extension SyncError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noLevels(let separation, let noise):
      "the sync channel has no two levels: they are \(separation) apart, the noise is \(noise)"
    case .tooFewMatches(let matched, let pulses, let edges):
      "only \(matched) of \(pulses) sync pulses have an edge (\(edges) edges found)"
    case .ambiguous(let offset, let matched, let otherOffset, let otherMatched):
      """
      the sync edges fit the pulses in two ways: \(matched) of them shifted by \(offset) s, \
      \(otherMatched) shifted by \(otherOffset) s
      """
    case .inconsistent(let deviation, let tolerance):
      """
      the sync edges scatter by \(deviation) s about their line, as chance matches would \
      (tolerance \(tolerance) s)
      """
    case .lostTrack(let from, let to):
      "sync pulses and edges do not belong together from \(from) s to \(to) s"
    }
  }
}
