/// The map of a clock while it is being read: the corridor through the last 60 s of readings.
///
/// Before 2 s of readings it is the nominal rate through the tightest bracket. It is refitted every
/// second; from its first fit to the end of its segment the published map is continuous and
/// monotone: it slews to the new line over 10 s, by at most 50 ppm. Memory is allotted once:
/// readings of the same tenth of a second are thinned to the two that bind most, one on each side.
public struct LiveClockMap: Sendable {
  /// What a reading did.
  public enum Change: Sendable, Equatable {
    /// ``map`` was published anew.
    case published
    /// No line passes through the last readings: the clock stepped or its count missed a wrap. The
    /// map begins again with this reading.
    case newSegment
  }

  /// The published map; nil before the first reading of a segment.
  public private(set) var map: ClockMap?
  public let rate: Double

  private static let warmUp: Nanoseconds = 2_000_000_000
  private static let refitEvery: Nanoseconds = 1_000_000_000
  private static let slewFor = 10e9
  private static let steepestSlew = 50e-6
  private static let knotsKept = 64
  /// A step that slewing mends in its 10 s, in nanoseconds.
  private static let mendable = slewFor * steepestSlew

  private let window: Nanoseconds
  private var origin: ClockOrigin
  private var bins: ReadingBins
  private var segment = -1
  private var last: ClockReading?
  private var lastFit: Nanoseconds = 0
  private var tightest: ClockReading?
  private var line: Corridor.Line?

  /// - Parameters:
  ///   - rate: samples per second, nominally.
  ///   - window: how far back readings count, in nanoseconds.
  public init(rate: Double, window: Nanoseconds = 60_000_000_000) {
    precondition(rate > 0 && window >= Self.warmUp, "a rate, and a window of 2 s or more")
    self.rate = rate
    self.window = window
    origin = ClockOrigin(sample: 0, host: 0, period: 1e9 / rate)
    bins = ReadingBins(window: window)
  }

  /// Forgets all readings: the device was reset, and its next sample is unrelated to its last.
  public mutating func beginSegment() {
    bins.removeAll()
    (map, last, tightest, line) = (nil, nil, nil, nil)
  }

  /// Takes a reading; readings come in the order in which they were made.
  @discardableResult
  public mutating func add(_ reading: ClockReading) -> Change? {
    guard let last, let tightest else {
      begin(with: reading)
      return .published
    }
    guard reading.notAfter >= last.notAfter, reading.before >= last.before else {
      return restart(with: reading)
    }
    self.last = reading
    let elapsed = reading.before - origin.host
    bins.add(
      lower: origin.lower(reading), upper: origin.upper(reading), at: elapsed,
      slope: line?.slope ?? 0)
    guard elapsed >= Self.warmUp else {
      guard reading.width < tightest.width else { return nil }
      self.tightest = reading
      publishNominal(reading)
      return .published
    }
    guard line == nil || reading.before - lastFit >= Self.refitEvery else { return nil }
    return refit(at: reading)
  }

  private mutating func begin(with reading: ClockReading) {
    segment += 1
    origin.sample = reading.notAfter
    origin.host = reading.before
    (last, tightest, line) = (reading, reading, nil)
    bins.removeAll()
    bins.add(lower: origin.lower(reading), upper: origin.upper(reading), at: 0, slope: 0)
    publishNominal(reading)
  }

  private mutating func restart(with reading: ClockReading) -> Change {
    begin(with: reading)
    return .newSegment
  }

  private mutating func publishNominal(_ reading: ClockReading) {
    let (lower, upper) = (origin.lower(reading), origin.upper(reading))
    let knot = ClockMap.Knot(
      u: (lower.u + upper.u) / 2, y: (lower.y + upper.y) / 2,
      uncertainty: max(upper.y - lower.y, 0) / 2)
    map = ClockMap(
      origin: origin, knots: [knot], slopes: (0, 0), growth: Corridor.steepest,
      basis: .nominalRate, segment: segment)
  }

  private mutating func refit(at reading: ClockReading) -> Change? {
    lastFit = reading.before
    let now = reading.before - origin.host
    var corridor = bins.corridor(since: now - window)
    var fitted = corridor.widest()
    if fitted == nil {
      corridor = bins.corridor(since: now - window / 2)
      fitted = corridor.widest()
    }
    guard let fitted else { return restart(with: reading) }
    // After a pause in the readings, the old line is better than one through an instant.
    guard line == nil || corridor.span >= Double(Self.warmUp) else { return nil }
    return publish(fitted, of: corridor, at: reading)
  }

  /// Bends the published map, from `reading` on, towards `line`.
  private mutating func publish(
    _ line: Corridor.Line, of corridor: Corridor, at reading: ClockReading
  ) -> Change {
    let slopes = corridor.slopes(around: line.slope)
    let u = origin.u(of: reading.notAfter)
    let band = corridor.band(around: line, slopes: slopes, at: u)
    var (knots, step, first): ([ClockMap.Knot], Double, Double) = ([], 0, line.slope)
    if let map, map.basis == .readings {
      let old = map.point(at: u)
      step = line.y(at: u) - old.y
      guard abs(step) <= old.uncertainty + band + Self.mendable else {
        return restart(with: reading)
      }
      knots = map.knots.filter { $0.u < u }.suffix(Self.knotsKept)
      first = knots.first.map { map.slope(after: $0) } ?? map.drift
    }
    self.line = line
    let end = u + max(Self.slewFor, abs(step) / Self.steepestSlew)
    knots.append(.init(u: u, y: line.y(at: u) - step, uncertainty: band + abs(step)))
    knots.append(
      .init(
        u: end, y: line.y(at: end),
        uncertainty: corridor.band(around: line, slopes: slopes, at: end)))
    map = ClockMap(
      origin: origin, knots: knots, slopes: (first, line.slope),
      growth: max(slopes.upperBound - line.slope, line.slope - slopes.lowerBound),
      basis: .readings, segment: segment)
    return .published
  }
}

extension ClockReading {
  fileprivate var width: Nanoseconds { after - before }
}
