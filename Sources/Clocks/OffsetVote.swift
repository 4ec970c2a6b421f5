/// Which shift of the predicted pulses explains the most edges: every pair of a pulse and an edge
/// votes for its difference. Seconds throughout.
struct OffsetVote {
  struct Choice: Sendable, Equatable {
    var offset: Double
    var votes: Int
  }

  /// At most so many pairs vote; of a longer train every second, third … pulse.
  private static let mostPairs = 1_000_000

  private let differences: [Double]
  private let tolerance: Double

  /// - Parameters:
  ///   - predicted: pulses, in order.
  ///   - observed: edges, in order.
  ///   - reach: the greatest shift, either way.
  ///   - tolerance: votes this close to an offset, either way, count for it.
  init(predicted: [Double], observed: [Double], reach: Double, tolerance: Double) {
    self.tolerance = tolerance
    var differences: [Double] = []
    let span = max((observed.last ?? 0) - (observed.first ?? 0), 2 * reach, 1e-9)
    let pairs = Double(predicted.count) * Double(observed.count) * min(2 * reach / span, 1)
    let stride = max(1, Int((pairs / Double(Self.mostPairs)).rounded(.up)))
    var (from, index) = (0, 0)
    while index < predicted.count {
      while from < observed.count, observed[from] < predicted[index] - reach { from += 1 }
      var edge = from
      while edge < observed.count, observed[edge] <= predicted[index] + reach {
        differences.append(observed[edge] - predicted[index])
        edge += 1
      }
      index += stride
    }
    self.differences = differences.sorted()
  }

  /// The offset with the most votes: at most `reach` from 0, and `distance` or more from `excluded`.
  func best(
    within reach: Double = .infinity, excluding excluded: Double? = nil, by distance: Double = 0
  ) -> Choice {
    var best = Choice(offset: 0, votes: 0)
    var low = 0
    for high in differences.indices {
      while differences[high] - differences[low] > 2 * tolerance { low += 1 }
      guard high - low + 1 > best.votes else { continue }
      let offset = differences[low + (high - low) / 2]
      guard abs(offset) <= reach else { continue }
      if let excluded, abs(offset - excluded) < distance { continue }
      best = Choice(offset: offset, votes: high - low + 1)
    }
    return best
  }
}
