/// Local straight lines through points with outliers: a knot every 10 s, each from the points of the
/// 30 s around it.
///
/// Points are as in `ClockOrigin`: u in nominal nanoseconds, y in nanoseconds.
struct LocalLines {
  struct Knot: Sendable, Equatable {
    var u: Double
    var y: Double
    var slope: Double
    /// Three standard errors of y.
    var error: Double
    /// Median absolute deviation of the points.
    var deviation: Double
  }

  private static let step = 10e9
  private static let window = 30e9
  /// Where pulses are rare, a line goes through this many all the same.
  private static let fewest = 8
  /// Further from its line than this many median absolute deviations, a point is an outlier.
  private static let rejection = 5.0

  private(set) var knots: [Knot] = []

  /// - Parameters:
  ///   - points: in order of u.
  ///   - least: no deviation counts as smaller: what rounding to whole samples makes.
  init(through points: [Corridor.Point], least: Double) {
    guard let first = points.first, let last = points.last, points.count >= 3 else { return }
    let count = max(Int(((last.u - first.u) / Self.step).rounded(.up)), 1)
    for index in 0...count {
      let u = index == count ? last.u : first.u + Double(index) * Self.step
      let window = Self.window(around: u, in: points)
      guard window.contains(where: { abs($0.u - u) <= Self.window / 2 }) else { continue }
      knots.append(Self.knot(at: u, through: window, least: least))
    }
  }

  /// How far `point` is from the lines, and whether that makes it an outlier.
  func residual(of point: Corridor.Point) -> (distance: Double, isOutlier: Bool) {
    let next = knots.firstIndex(above: point.u) { $0.u }
    let (left, right) = (knots[max(next - 1, 0)], knots[min(next, knots.count - 1)])
    var y = left.y + left.slope * (point.u - left.u)
    if right.u > left.u {
      y = left.y + (right.y - left.y) * (point.u - left.u) / (right.u - left.u)
    }
    let distance = point.y - y
    return (distance, abs(distance) > Self.rejection * max(left.deviation, right.deviation))
  }

  /// The points of the 30 s around `u` (moved inside at the ends), or the nearest few.
  private static func window(
    around u: Double, in points: [Corridor.Point]
  ) -> ArraySlice<Corridor.Point> {
    let (begin, end) = (points[0].u, points[points.count - 1].u)
    let from = max(begin, min(u - window / 2, end - window))
    var low = points.firstIndex(above: from.nextDown) { $0.u }
    var high = points.firstIndex(above: from + window) { $0.u }
    while high - low < min(fewest, points.count) {
      if high == points.count || (low > 0 && u - points[low - 1].u < points[high].u - u) {
        low -= 1
      } else {
        high += 1
      }
    }
    return points[low..<high]
  }

  /// A resistant line to tell the outliers, then least squares through the rest.
  private static func knot(
    at u: Double, through points: ArraySlice<Corridor.Point>, least: Double
  ) -> Knot {
    let third = max(points.count / 3, 1)
    let (left, right) = (median(of: points.prefix(third)), median(of: points.suffix(third)))
    let slope = right.u > left.u ? (right.y - left.y) / (right.u - left.u) : 0
    let heights = points.map { $0.y - slope * ($0.u - u) }
    let height = median(of: heights)
    let deviation = max(median(of: heights.map { abs($0 - height) }), least)
    var sums = (n: 0.0, u: 0.0, y: 0.0, uu: 0.0, uy: 0.0, yy: 0.0)
    for (point, y) in zip(points, heights) where abs(y - height) <= rejection * deviation {
      let (u, y) = (point.u - u, y - height)
      sums.n += 1
      sums.u += u
      sums.y += y
      sums.uu += u * u
      sums.uy += u * y
      sums.yy += y * y
    }
    let (meanU, meanY) = (sums.u / sums.n, sums.y / sums.n)
    let spread = sums.uu - sums.n * meanU * meanU
    let correction = spread > 0 ? (sums.uy - sums.n * meanU * meanY) / spread : 0
    let squares = sums.yy - sums.n * meanY * meanY - correction * correction * spread
    let variance = max(squares / max(sums.n - 2, 1), least * least)
    let error = (variance * (1 / sums.n + (spread > 0 ? meanU * meanU / spread : 0))).squareRoot()
    return Knot(
      u: u, y: height + meanY - correction * meanU, slope: slope + correction, error: 3 * error,
      deviation: deviation)
  }

  private static func median(of points: some Collection<Corridor.Point>) -> Corridor.Point {
    .init(u: median(of: points.map(\.u)), y: median(of: points.map(\.y)))
  }

  private static func median(of values: [Double]) -> Double {
    let sorted = values.sorted()
    let half = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
  }
}
