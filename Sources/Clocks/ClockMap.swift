/// A host time and how wrong it may be, in nanoseconds.
public struct MappedTime: Sendable, Equatable {
  public var time: Nanoseconds
  /// Half width.
  public var uncertainty: Nanoseconds

  public init(time: Nanoseconds, uncertainty: Nanoseconds) {
    self.time = time
    self.uncertainty = uncertainty
  }
}

/// The map between a device's samples and the host's clock: knots, straight lines between them.
///
/// A value: copying it to another thread shares its knots. It is strictly monotone.
public struct ClockMap: Sendable, Equatable {
  /// What a map rests on; the numbers are those of the ledger's column `basis`.
  public enum Basis: UInt8, Sendable, Comparable {
    /// The nominal rate through the tightest bracket.
    case nominalRate = 0
    /// A corridor through readings.
    case readings = 1
    /// Edges of a recorded sync line.
    case syncEdges = 2

    public static func < (left: Basis, right: Basis) -> Bool { left.rawValue < right.rawValue }
  }

  /// A point of the map, with its uncertainty. All in nanoseconds; u and y as in `ClockOrigin`.
  struct Knot: Sendable, Equatable {
    var u: Double
    var y: Double
    var uncertainty: Double
  }

  /// Outside its knots and in long gaps between them, a clock may wander by this much: 1 ppm.
  static let wander = 1e-6

  /// Knots further apart than this, in nanoseconds, are a gap.
  static let longestStep = 30e9

  public let basis: Basis
  /// Counts from 0; each device reset or step of a clock begins the next.
  public let segment: Int
  let origin: ClockOrigin
  private(set) var knots: [Knot]
  /// The clock's relative error of rate before the first knot and after the last.
  private let slopes: (first: Double, last: Double)
  /// How fast the uncertainty grows beyond the first and last knots, ns per ns.
  private let growth: Double

  /// `knots`: at least one, in order of u.
  init(
    origin: ClockOrigin, knots: [Knot], slopes: (first: Double, last: Double), growth: Double,
    basis: Basis, segment: Int
  ) {
    precondition(!knots.isEmpty, "a map has a knot")
    self.origin = origin
    self.knots = knots
    self.slopes = slopes
    self.growth = growth
    self.basis = basis
    self.segment = segment
  }

  /// Samples per second, nominally.
  public var rate: Double { 1e9 / origin.period }

  /// The clock's error of rate at the end of the map, relative: 4e-5 is 40 ppm slow.
  public var drift: Double { slopes.last }

  /// The samples at the first and last knots; outside, the map is extrapolated.
  public var samples: ClosedRange<Int64> {
    sample(atU: knots[0].u)...sample(atU: knots[knots.count - 1].u)
  }

  /// The points between which the map is straight, at whole samples: for storing it.
  public var table: [(sample: Int64, time: MappedTime)] {
    knots.map { knot in
      let sample = sample(atU: knot.u)
      return (sample, time(of: sample))
    }
  }

  /// When `sample` happens, on the host's clock.
  public func time(of sample: Int64) -> MappedTime {
    let u = origin.u(of: sample)
    let point = point(at: u)
    return MappedTime(
      time: origin.host + Nanoseconds((u + point.y).rounded()),
      uncertainty: Nanoseconds(point.uncertainty.rounded(.up)))
  }

  /// The sample that happens at a host time, with its fraction.
  public func sample(at time: Nanoseconds) -> Double {
    Double(origin.sample) + u(at: Double(time - origin.host)) / origin.period
  }

  /// The bracket, on this host's clock, of a call that was bracketed on the mapped clock: a bridge's
  /// `at`. Widened by the map's uncertainty.
  public func bracket(_ bracket: Bracket) -> Bracket {
    let (before, after) = (time(of: bracket.before), time(of: bracket.after))
    return Bracket(
      before: before.time - before.uncertainty, after: after.time + after.uncertainty)
  }

  // MARK: - Between knots

  func point(at u: Double) -> Knot {
    let next = knots.firstIndex(above: u) { $0.u }
    guard next > 0 else { return Self.beyond(knots[0], slopes.first, growth, u) }
    let left = knots[next - 1]
    guard next < knots.count else { return Self.beyond(left, slopes.last, growth, u) }
    let right = knots[next]
    let share = (u - left.u) / (right.u - left.u)
    var point = Knot(
      u: u, y: left.y + share * (right.y - left.y),
      uncertainty: left.uncertainty + share * (right.uncertainty - left.uncertainty))
    if right.u - left.u > Self.longestStep {
      point.uncertainty += Self.wander * min(u - left.u, right.u - u)
    }
    return point
  }

  /// The slope of the line that begins at one of the map's knots.
  func slope(after knot: Knot) -> Double {
    let next = knots.firstIndex(above: knot.u) { $0.u }
    guard next < knots.count else { return slopes.last }
    return (knots[next].y - knot.y) / (knots[next].u - knot.u)
  }

  private static func beyond(
    _ knot: Knot, _ slope: Double, _ growth: Double, _ u: Double
  ) -> Knot {
    Knot(
      u: u, y: knot.y + slope * (u - knot.u),
      uncertainty: knot.uncertainty + (growth + wander) * abs(u - knot.u))
  }

  /// The inverse: u at `elapsed` host nanoseconds after the origin.
  private func u(at elapsed: Double) -> Double {
    let next = knots.firstIndex(above: elapsed) { $0.u + $0.y }
    let left = knots[max(next - 1, 0)]
    let ahead = elapsed - (left.u + left.y)
    guard next > 0 else { return left.u + ahead / (1 + slopes.first) }
    guard next < knots.count else { return left.u + ahead / (1 + slopes.last) }
    let right = knots[next]
    return left.u + ahead * (right.u - left.u) / (right.u + right.y - left.u - left.y)
  }

  private func sample(atU u: Double) -> Int64 {
    origin.sample + Int64((u / origin.period).rounded())
  }

  public static func == (left: ClockMap, right: ClockMap) -> Bool {
    left.basis == right.basis && left.segment == right.segment && left.origin == right.origin
      && left.knots == right.knots && left.slopes == right.slopes && left.growth == right.growth
  }
}

extension Array {
  /// The first index whose key is above `key`, in an array sorted by it: binary search.
  func firstIndex(above key: Double, by keyOf: (Element) -> Double) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let half = (low + high) / 2
      if keyOf(self[half]) > key { high = half } else { low = half + 1 }
    }
    return low
  }
}

extension Collection<ClockMap> {
  /// Of the maps of a clock's segments, in order, the one for `sample` where samples count on over
  /// segments: the last that begins at or before it, else the first.
  public func map(for sample: Int64) -> ClockMap? {
    var found = first
    for map in self where map.samples.lowerBound <= sample { found = map }
    return found
  }
}
