/// The widest corridor: the line through all brackets with the largest margin (clock.md, "The
/// estimator").
///
/// Of all points only the upper hull of the lower ones and the lower hull of the upper ones can
/// touch a line; the rest is forgotten at once.
struct Corridor {
  /// `u`: the sample, in nanoseconds at the nominal rate; `y`: host time less `u`, in nanoseconds.
  struct Point: Sendable, Equatable {
    var u: Double
    var y: Double
  }

  /// y = `offset` + `slope` · u.
  struct Line: Sendable, Equatable {
    var slope: Double
    var offset: Double
    /// The least distance to a bracket's end, in nanoseconds.
    var margin: Double

    func y(at u: Double) -> Double { offset + slope * u }
  }

  /// How far a clock's rate can be from its nominal one: ±500 ppm.
  static let steepest = 500e-6

  /// Hulls of the points added, their u counted from `first`.
  private var lower: [Point] = []
  private var upper: [Point] = []
  private var first: Double?
  private var last = 0.0

  /// Nanoseconds from the first point to the last.
  var span: Double { last - (first ?? last) }

  /// Adds a bracket: the line passes above `lower` and below `upper`. Brackets come with their u not
  /// decreasing.
  mutating func add(lower: Point, upper: Point) {
    let origin = first ?? min(lower.u, upper.u)
    first = origin
    last = max(lower.u, upper.u)
    Self.add(Point(u: lower.u - origin, y: lower.y), to: &self.lower, facing: 1)
    Self.add(Point(u: upper.u - origin, y: upper.y), to: &self.upper, facing: -1)
  }

  /// The line with the largest margin, or nil when no line passes through all brackets (or there
  /// are none).
  func widest() -> Line? {
    guard let first else { return nil }
    let best = Self.maximum(on: -Self.steepest...Self.steepest, of: width(at:))
    // One tight bracket alone leaves a range of slopes equally wide: the middle of them.
    let slopes = slopes(around: best, width: width(at: best) - 1e-3)
    let slope = (slopes.lowerBound + slopes.upperBound) / 2
    let (floor, ceiling) = (floor(at: slope), ceiling(at: slope))
    guard ceiling >= floor else { return nil }
    return Line(
      slope: slope, offset: floor + (ceiling - floor) / 2 - slope * first,
      margin: (ceiling - floor) / 2)
  }

  /// The slopes at which the corridor is at least `width` nanoseconds wide, given one of them. At
  /// width 0: those of all lines that pass through all brackets.
  func slopes(around slope: Double, width: Double = 0) -> ClosedRange<Double> {
    edge(from: slope, to: -Self.steepest, width)...edge(from: slope, to: Self.steepest, width)
  }

  /// How far from `line`, at `u`, another line can be that passes through all brackets: the bound
  /// of the error, in nanoseconds.
  func band(around line: Line, slopes: ClosedRange<Double>, at u: Double) -> Double {
    let center = line.y(at: u)
    let u = u - (first ?? 0)
    let high = Self.maximum(on: slopes) { ceiling(at: $0) + $0 * u }
    let low = Self.maximum(on: slopes) { -floor(at: $0) - $0 * u }
    return max(ceiling(at: high) + high * u - center, center - floor(at: low) - low * u)
  }

  private func width(at slope: Double) -> Double { ceiling(at: slope) - floor(at: slope) }

  /// The least offset a line of this slope may have.
  private func floor(at slope: Double) -> Double {
    var floor = -Double.infinity
    for point in lower { floor = max(floor, point.y - slope * point.u) }
    return floor
  }

  /// The greatest offset a line of this slope may have.
  private func ceiling(at slope: Double) -> Double {
    var ceiling = Double.infinity
    for point in upper { ceiling = min(ceiling, point.y - slope * point.u) }
    return ceiling
  }

  /// The last slope on the way from a wide enough one to `limit` that is wide enough too.
  private func edge(from wide: Double, to limit: Double, _ width: Double) -> Double {
    guard self.width(at: limit) < width else { return limit }
    var (inside, outside) = (wide, limit)
    for _ in 0..<40 {
      let half = (inside + outside) / 2
      if self.width(at: half) < width { outside = half } else { inside = half }
    }
    return inside
  }

  /// Where a concave function is largest: golden section, to 1e-10 of the range.
  private static func maximum(
    on range: ClosedRange<Double>, of function: (Double) -> Double
  ) -> Double {
    let golden = 0.618_033_988_749_894_8
    var (low, high) = (range.lowerBound, range.upperBound)
    var (left, right) = (high - golden * (high - low), low + golden * (high - low))
    var (atLeft, atRight) = (function(left), function(right))
    for _ in 0..<48 {
      if atLeft > atRight {
        (high, right, atRight) = (right, left, atLeft)
        left = high - golden * (high - low)
        atLeft = function(left)
      } else {
        (low, left, atLeft) = (left, right, atRight)
        right = low + golden * (high - low)
        atRight = function(right)
      }
    }
    return low + (high - low) / 2
  }

  /// Adds a point to the upper (`facing` 1) or lower (−1) convex hull: the monotone chain.
  private static func add(_ point: Point, to hull: inout [Point], facing: Double) {
    if let last = hull.last, last.u >= point.u {
      guard (point.y - last.y) * facing > 0 else { return }
      hull.removeLast()
    }
    while hull.count > 1 {
      let (before, last) = (hull[hull.count - 2], hull[hull.count - 1])
      let turn =
        (last.u - before.u) * (point.y - before.y) - (last.y - before.y) * (point.u - before.u)
      guard turn * facing >= 0 else { break }
      hull.removeLast()
    }
    hull.append(point)
  }
}
