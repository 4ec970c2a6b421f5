extension ClockMap {
  /// Maps a clock after the fact: through centred windows, a knot every 10 s, straight lines between
  /// (clock.md, "After the fact, no sync line").
  ///
  /// A new segment begins where samples or host times step back, and where no line passes through
  /// the readings of half a window.
  ///
  /// - Parameters:
  ///   - readings: in the order in which they were made.
  ///   - rate: samples per second, nominally.
  ///   - window: in nanoseconds: 60 s for circuits and bridges, 120 s for the stimulator.
  ///   - knotEvery: in nanoseconds.
  /// - Returns: a map for each segment, in order.
  public static func fitted(
    to readings: [ClockReading], rate: Double, window: Nanoseconds = 60_000_000_000,
    knotEvery: Nanoseconds = 10_000_000_000
  ) -> [ClockMap] {
    var maps: [ClockMap] = []
    var begin = 0
    for index in 1..<max(readings.count, 1) {
      let (last, next) = (readings[index - 1], readings[index])
      guard next.notAfter < last.notAfter || next.before < last.before else { continue }
      let fit = WindowedFit(readings[begin..<index], rate: rate, window: Double(window))
      maps += fit.maps(knotEvery: Double(knotEvery), from: maps.count)
      begin = index
    }
    guard begin < readings.count else { return maps }
    let fit = WindowedFit(readings[begin...], rate: rate, window: Double(window))
    return maps + fit.maps(knotEvery: Double(knotEvery), from: maps.count)
  }
}

/// Readings whose samples and host times never step back, and corridors through windows of them.
private struct WindowedFit {
  /// Shorter segments keep the nominal rate: 2 s, as live.
  private static let shortest = 2e9

  private let origin: ClockOrigin
  private let lower: [Corridor.Point]
  private let upper: [Corridor.Point]
  private let window: Double

  init(_ readings: ArraySlice<ClockReading>, rate: Double, window: Double) {
    let first = readings[readings.startIndex]
    let origin = ClockOrigin(sample: first.notAfter, host: first.before, period: 1e9 / rate)
    self.origin = origin
    self.window = window
    lower = readings.map { origin.lower($0) }
    upper = readings.map { origin.upper($0) }
  }

  func maps(knotEvery step: Double, from number: Int) -> [ClockMap] {
    segments().enumerated().map { map(of: $1, knotEvery: step, segment: number + $0) }
  }

  // MARK: - Segments

  /// Any quarter of a window lies inside one half window looked at here, so that every knot can be
  /// fitted.
  private func segments() -> [Range<Int>] {
    var segments: [Range<Int>] = []
    var (begin, index) = (0, 0)
    while index < upper.count {
      let from = upper[index].u
      let range = index..<first(after: from + window / 2)
      // A pause may hide a step: look across it.
      let across = min(range.upperBound + 1, upper.count)
      if let count = stretch(of: range, orAcross: range.count == 1 ? across : range.upperBound) {
        segments.append(begin..<index + count)
        (begin, index) = (index + count, index + count)
      } else {
        index = max(index + 1, first(after: from + window / 4) - 1)
      }
    }
    if begin < upper.count { segments.append(begin..<upper.count) }
    return segments
  }

  /// How many of the readings, from the first on, a line passes through; nil: all.
  private func stretch(of range: Range<Int>, orAcross end: Int) -> Int? {
    let range = range.lowerBound..<end
    guard corridor(range).widest() == nil else { return nil }
    var (possible, impossible) = (1, range.count)
    while possible + 1 < impossible {
      let half = (possible + impossible) / 2
      let isPossible = corridor(range.prefix(half)).widest() != nil
      if isPossible { possible = half } else { impossible = half }
    }
    return possible
  }

  // MARK: - Knots

  private func map(of range: Range<Int>, knotEvery step: Double, segment: Int) -> ClockMap {
    let (begin, end) = (upper[range.lowerBound].u, upper[range.upperBound - 1].u)
    guard end - begin >= Self.shortest else { return nominal(range, segment: segment) }
    var knots: [ClockMap.Knot] = []
    var ends: (first: Double, last: Double)?
    var growth = 0.0
    let count = Int(((end - begin) / step).rounded(.up))
    var index = 0
    while index <= count {
      let u = index == count ? end : begin + Double(index) * step
      // In a pause there are no knots, but at its ends.
      let next = first(after: u - step)
      if next < range.upperBound, upper[next].u > u + step {
        index = min(count, Int(((upper[next].u - step - begin) / step).rounded(.up)))
        continue
      }
      index += 1
      guard let (line, corridor) = fit(in: range, around: u) else { continue }
      let slopes = corridor.slopes(around: line.slope)
      knots.append(
        .init(
          u: u, y: line.y(at: u),
          uncertainty: corridor.band(around: line, slopes: slopes, at: u)))
      ends = (ends?.first ?? line.slope, line.slope)
      growth = max(growth, slopes.upperBound - line.slope, line.slope - slopes.lowerBound)
    }
    guard let ends else { return nominal(range, segment: segment) }
    return ClockMap(
      origin: origin, knots: knots, slopes: ends, growth: growth, basis: .readings,
      segment: segment)
  }

  /// The widest corridor in the window around `u` (moved inside the segment at its ends), or in a
  /// half or a quarter of it.
  private func fit(in range: Range<Int>, around u: Double) -> (Corridor.Line, Corridor)? {
    let (begin, end) = (upper[range.lowerBound].u, upper[range.upperBound - 1].u)
    for width in [window, window / 2, window / 4] {
      let from = max(begin, min(u - width / 2, end - width))
      let readings = (first(atOrAfter: from)..<first(after: from + width)).clamped(to: range)
      let corridor = corridor(readings)
      if let line = corridor.widest() { return (line, corridor) }
    }
    return nil
  }

  private func nominal(_ range: Range<Int>, segment: Int) -> ClockMap {
    let tightest =
      range.min { upper[$0].y - lower[$0].y < upper[$1].y - lower[$1].y } ?? range.lowerBound
    let (low, high) = (lower[tightest], upper[tightest])
    let knot = ClockMap.Knot(
      u: (low.u + high.u) / 2, y: (low.y + high.y) / 2, uncertainty: max(high.y - low.y, 0) / 2)
    return ClockMap(
      origin: origin, knots: [knot], slopes: (0, 0), growth: Corridor.steepest,
      basis: .nominalRate, segment: segment)
  }

  private func corridor(_ range: Range<Int>) -> Corridor {
    var corridor = Corridor()
    for index in range { corridor.add(lower: lower[index], upper: upper[index]) }
    return corridor
  }

  private func first(after u: Double) -> Int { upper.firstIndex(above: u) { $0.u } }

  private func first(atOrAfter u: Double) -> Int { upper.firstIndex(above: u.nextDown) { $0.u } }
}
