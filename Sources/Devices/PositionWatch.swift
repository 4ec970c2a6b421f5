import Clocks

/// Whether positions agree with the clock: where a ring's writer must be by now, as a band.
///
/// Every reading says that slot n was written no later than it was taken and the next unit was not
/// written before; so it bounds the time of slot 0 from both sides. The bounds of all readings
/// since the last break are intersected, widened by what the device's clock may drift meanwhile.
struct PositionWatch {
  /// Devices' clocks are within 100 ppm of nominal; the kernel slews the host's by up to 500 ppm.
  static let drift = 600e-6

  private let slotRate: Double
  private let unit: Int64
  /// The time of slot `origin`, ns, is in `low ... high`; nil before the first reading.
  private var band: (low: Double, high: Double)?
  private var origin: Int64 = 0
  private var latest: Nanoseconds = 0

  init(slotRate: Double, slotsPerUnit: Int) {
    self.slotRate = slotRate / 1e9
    self.unit = Int64(slotsPerUnit)
  }

  /// The positions possible within a bracket; nil before the first reading.
  func expected(_ bracket: Bracket) -> ClosedRange<Double>? {
    guard let band else { return nil }
    let slack = Self.drift * abs(Double(bracket.after - latest))
    let earliest = (Double(bracket.before - latest) - band.high - slack) * slotRate
    let last = (Double(bracket.after - latest) - band.low + slack) * slotRate
    return Double(origin) + earliest - Double(unit)...Double(origin) + last
  }

  /// Slots by which a position is ahead of the band (positive) or behind it; 0 within.
  func deviation(of position: Int64, _ bracket: Bracket) -> Double {
    guard let range = expected(bracket) else { return 0 }
    let value = Double(position)
    return value > range.upperBound
      ? value - range.upperBound : value < range.lowerBound ? value - range.lowerBound : 0
  }

  /// Whether the band, at the time of a bracket, is narrower than so many slots.
  func isSure(within slots: Int64, at bracket: Bracket) -> Bool {
    let instant = Bracket(before: bracket.before, after: bracket.before)
    return expected(instant).map { $0.upperBound - $0.lowerBound < Double(slots) } ?? false
  }

  /// Takes a reading that agrees with the band (or is the first).
  mutating func take(_ position: Int64, _ bracket: Bracket) {
    // The ring reached `position` before the reading was over, and the unit after it was not
    // complete before the reading began.
    var low = -Double(unit) / slotRate
    var high = Double(bracket.after - bracket.before)
    if let band {
      let slack = Self.drift * abs(Double(bracket.before - latest))
      let moved = Double(position - origin) / slotRate - Double(bracket.before - latest)
      low = max(low, min(high, band.low + moved - slack))
      high = min(high, max(low, band.high + moved + slack))
    }
    band = (low, high)
    origin = position
    latest = bracket.before
  }
}
