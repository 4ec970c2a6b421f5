/// Conditions presented again and again: when, in which order.
public struct StimulusProtocol: Sendable, Equatable {
  /// Seconds from one trial's onset to the next.
  public enum Interval: Sendable, Equatable {
    case fixed(Double)
    /// Every interval between the two equally likely.
    case uniform(Double, Double)
    /// `minimum` plus an exponentially distributed time, `mean` seconds in the mean but for what is
    /// lost beyond `maximum`, where it is drawn again.
    case exponential(mean: Double, minimum: Double, maximum: Double)
  }

  public enum Order: String, Sendable, CaseIterable {
    /// As listed, again and again.
    case fixed
    /// All trials in random order.
    case shuffled
    /// Every condition once, in random order, then all once more.
    case blocks
  }

  /// One presentation of a condition.
  public struct Trial: Sendable, Equatable {
    /// Onset in seconds on the scale of the first trial's.
    public let time: Double
    /// Place of the condition in its list, from 0.
    public let condition: Int
    /// Which presentation of this condition it is, from 1.
    public let repeatNumber: Int

    public init(time: Double, condition: Int, repeatNumber: Int) {
      self.time = time
      self.condition = condition
      self.repeatNumber = repeatNumber
    }
  }

  /// A trial that begins while an earlier one is still running.
  public struct Overlap: Sendable, Equatable {
    /// Places of the two in the list of trials.
    public let running: Int
    public let starting: Int
    /// How much longer the earlier one runs, seconds.
    public let excess: Double
  }

  /// Number of conditions.
  public var conditions: Int
  /// Presentations of each.
  public var repeats: Int
  public var interval: Interval
  public var order: Order
  /// Seed of ``SplitMix64``: the same seed gives the same trials everywhere.
  public var seed: UInt64

  public init(conditions: Int, repeats: Int, interval: Interval, order: Order, seed: UInt64) {
    self.conditions = conditions
    self.repeats = repeats
    self.interval = interval
    self.order = order
    self.seed = seed
  }

  /// What is wrong with the numbers, or nil.
  public var problem: String? {
    if conditions < 1 { return "there are no conditions" }
    if !(1...1_000_000).contains(repeats) {
      return "\(repeats) repeats; 1 to 1000000 are possible"
    }
    switch interval {
    case .fixed(let interval):
      return interval > 0 && interval.isFinite ? nil : "the interval of \(interval) s must be > 0"
    case .uniform(let low, let high):
      return low > 0 && low <= high && high.isFinite
        ? nil : "the intervals from \(low) to \(high) s must be > 0 and in order"
    case .exponential(let mean, let minimum, let maximum):
      return minimum > 0 && minimum < mean && mean < maximum && maximum.isFinite
        ? nil
        : "the interval's minimum \(minimum), mean \(mean), maximum \(maximum) s must be > 0 and "
          + "in order"
    }
  }

  /// All trials in the order of their onsets, the first at `start` seconds.
  ///
  /// - Precondition: `problem` is nil.
  public func trials(from start: Double = 0) -> [Trial] {
    precondition(problem == nil, "a protocol that makes no sense")
    // Two streams: another kind of interval leaves the order as it was.
    var orders = SplitMix64(seed: seed)
    var intervals = SplitMix64(seed: SplitMix64.mix(seed &+ 1))
    var presented = [Int](repeating: 0, count: conditions)
    var time = start
    return sequence(&orders).map { condition in
      presented[condition] += 1
      defer { time += interval.draw(&intervals) }
      return Trial(time: time, condition: condition, repeatNumber: presented[condition])
    }
  }

  /// The trials that begin while an earlier one is running. Durations in seconds, by condition; nil
  /// for a signal that runs until it is replaced, and so is never cut short.
  public static func overlaps(of trials: [Trial], durations: [Double?]) -> [Overlap] {
    var overlaps: [Overlap] = []
    var running: (trial: Int, end: Double)?
    for (index, trial) in trials.enumerated() {
      // A microsecond of tolerance: sums of intervals are no whole numbers.
      if let running, running.end > trial.time + 1e-6 {
        overlaps.append(
          Overlap(
            running: running.trial, starting: index, excess: running.end - trial.time))
      }
      guard let duration = durations[trial.condition] else { continue }
      let end = trial.time + duration
      if end > running?.end ?? -.infinity { running = (index, end) }
    }
    return overlaps
  }

  private func sequence(_ generator: inout SplitMix64) -> [Int] {
    let block = Array(0..<conditions)
    switch order {
    case .fixed:
      return Array(repeatElement(block, count: repeats).joined())
    case .shuffled:
      return Self.shuffled(Array(repeatElement(block, count: repeats).joined()), &generator)
    case .blocks:
      return (0..<repeats).flatMap { _ in Self.shuffled(block, &generator) }
    }
  }

  /// Fisher and Yates, written out because the library's order may change between versions.
  private static func shuffled(_ items: [Int], _ generator: inout SplitMix64) -> [Int] {
    var items = items
    for last in stride(from: items.count - 1, to: 0, by: -1) {
      items.swapAt(last, generator.next(below: last + 1))
    }
    return items
  }
}

extension StimulusProtocol.Interval {
  fileprivate func draw(_ generator: inout SplitMix64) -> Double {
    switch self {
    case .fixed(let interval): return interval
    case .uniform(let low, let high): return low + (high - low) * generator.nextUnit()
    case .exponential(let mean, let minimum, let maximum):
      while true {
        let interval = minimum + (mean - minimum) * generator.nextExponential()
        if interval <= maximum { return interval }
      }
    }
  }
}

extension SplitMix64 {
  /// An exponentially distributed number of mean 1, exactly, by comparisons alone (von Neumann,
  /// 1951): no logarithm that might round differently elsewhere.
  public mutating func nextExponential() -> Double {
    var whole = 0.0
    while true {
      let first = nextUnit()
      var last = first
      var length = 1
      while true {
        let next = nextUnit()
        if next >= last { break }
        last = next
        length += 1
      }
      // A falling run of odd length accepts its first number.
      if length % 2 == 1 { return whole + first }
      whole += 1
    }
  }
}
