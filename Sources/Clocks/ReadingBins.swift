/// The readings of a trailing window, in memory that does not grow: of each tenth of a second, the
/// reading that binds most from below and the one that binds most from above.
///
/// Leaving out a bracket can only widen the corridor: the bound stays true.
struct ReadingBins: Sendable {
  private struct Bin {
    /// Counts tenths of seconds from the origin; -1: never used.
    var number: Int64 = -1
    var lower = Corridor.Point(u: 0, y: 0)
    var upper = Corridor.Point(u: 0, y: 0)
  }

  private static let width: Nanoseconds = 100_000_000

  private var bins: [Bin]
  private var newest: Int64 = -1

  init(window: Nanoseconds) {
    bins = Array(repeating: Bin(), count: Int(window / Self.width) + 2)
  }

  mutating func removeAll() {
    for index in bins.indices { bins[index].number = -1 }
    newest = -1
  }

  /// `elapsed`: host nanoseconds since the origin, not decreasing; `slope`: the clock's rate so far,
  /// by which the points of a bin are compared.
  mutating func add(
    lower: Corridor.Point, upper: Corridor.Point, at elapsed: Nanoseconds, slope: Double
  ) {
    newest = elapsed / Self.width
    let index = Int(newest % Int64(bins.count))
    guard bins[index].number == newest else {
      bins[index] = Bin(number: newest, lower: lower, upper: upper)
      return
    }
    let bin = bins[index]
    if lower.y - bin.lower.y > slope * (lower.u - bin.lower.u) { bins[index].lower = lower }
    if upper.y - bin.upper.y < slope * (upper.u - bin.upper.u) { bins[index].upper = upper }
  }

  /// The corridor through what was added since `elapsed`.
  func corridor(since elapsed: Nanoseconds) -> Corridor {
    let oldest = max(0, newest - Int64(bins.count) + 1, elapsed / Self.width)
    var corridor = Corridor()
    guard oldest <= newest else { return corridor }
    for number in oldest...newest {
      let bin = bins[Int(number % Int64(bins.count))]
      if bin.number == number { corridor.add(lower: bin.lower, upper: bin.upper) }
    }
    return corridor
  }
}
