import Samples
import Testing

@Suite struct StimulusProtocolTests {
  private func make(
    conditions: Int = 3, repeats: Int = 4, interval: StimulusProtocol.Interval = .fixed(1),
    order: StimulusProtocol.Order = .fixed, seed: UInt64 = 7
  ) -> StimulusProtocol {
    StimulusProtocol(
      conditions: conditions, repeats: repeats, interval: interval, order: order, seed: seed)
  }

  @Test func `fixed order takes the conditions in turn`() {
    let trials = make(conditions: 2, repeats: 2, interval: .fixed(0.5)).trials(from: 3)
    #expect(
      trials == [
        .init(time: 3, condition: 0, repeatNumber: 1),
        .init(time: 3.5, condition: 1, repeatNumber: 1),
        .init(time: 4, condition: 0, repeatNumber: 2),
        .init(time: 4.5, condition: 1, repeatNumber: 2),
      ])
  }

  @Test(arguments: StimulusProtocol.Order.allCases)
  func `every condition has all its repeats, numbered in time`(order: StimulusProtocol.Order) {
    let trials = make(conditions: 5, repeats: 20, order: order).trials()
    #expect(trials.count == 100)
    for condition in 0..<5 {
      let numbers = trials.filter { $0.condition == condition }.map(\.repeatNumber)
      #expect(numbers == Array(1...20))
    }
  }

  @Test func `blocks hold every condition once`() {
    let trials = make(conditions: 5, repeats: 20, order: .blocks).trials()
    let blocks = stride(from: 0, to: 100, by: 5).map { trials[$0..<$0 + 5].map(\.condition) }
    #expect(blocks.allSatisfy { $0.sorted() == [0, 1, 2, 3, 4] })
    #expect(Set(blocks).count > 10)
  }

  @Test func `shuffled trials are not in blocks`() {
    let trials = make(conditions: 5, repeats: 20, order: .shuffled).trials()
    let blocks = stride(from: 0, to: 100, by: 5).map { trials[$0..<$0 + 5].map(\.condition) }
    #expect(!blocks.allSatisfy { $0.sorted() == [0, 1, 2, 3, 4] })
  }

  @Test func `the seed decides, and the intervals do not change the order`() {
    let random = make(interval: .uniform(0.8, 1.2), order: .shuffled)
    #expect(random.trials() == random.trials())
    var other = random
    other.seed = 8
    #expect(other.trials() != random.trials())
    let regular = make(order: .shuffled)
    #expect(regular.trials().map(\.condition) == random.trials().map(\.condition))
  }

  @Test func `uniform intervals fill their range evenly`() {
    let trials = make(conditions: 1, repeats: 10_001, interval: .uniform(0.8, 1.2)).trials()
    let intervals = zip(trials.dropFirst(), trials).map { $0.time - $1.time }
    #expect(intervals.allSatisfy { $0 > 0.8 - 1e-9 && $0 < 1.2 + 1e-9 })
    // SD of a uniform interval of 0.4 s is 0.115 s; of the mean of 10000, 0.0012 s.
    #expect(abs(intervals.reduce(0, +) / 10_000 - 1) < 0.005)
  }

  @Test func `exponential intervals have a floor, a ceiling and a mean`() {
    let trials = make(
      conditions: 1, repeats: 10_001, interval: .exponential(mean: 1.5, minimum: 0.5, maximum: 30)
    ).trials()
    let intervals = zip(trials.dropFirst(), trials).map { $0.time - $1.time }
    #expect(intervals.allSatisfy { $0 >= 0.5 - 1e-9 && $0 <= 30 })
    #expect(abs(intervals.reduce(0, +) / 10_000 - 1.5) < 0.05)
    // A memoryless time exceeds its median, ln 2 = 0.693, in half of the cases.
    #expect(abs(intervals.count { $0 > 0.5 + 0.693 } - 5000) < 250)
    let low = make(
      conditions: 1, repeats: 1000, interval: .exponential(mean: 1, minimum: 0.5, maximum: 1.1)
    ).trials()
    #expect(zip(low.dropFirst(), low).allSatisfy { $0.time - $1.time < 1.1 + 1e-9 })
  }

  @Test(arguments: [
    StimulusProtocol(conditions: 0, repeats: 1, interval: .fixed(1), order: .fixed, seed: 0),
    StimulusProtocol(conditions: 1, repeats: 0, interval: .fixed(1), order: .fixed, seed: 0),
    StimulusProtocol(conditions: 1, repeats: 1, interval: .fixed(0), order: .fixed, seed: 0),
    StimulusProtocol(conditions: 1, repeats: 1, interval: .fixed(.nan), order: .fixed, seed: 0),
    StimulusProtocol(conditions: 1, repeats: 1, interval: .uniform(2, 1), order: .fixed, seed: 0),
    StimulusProtocol(
      conditions: 1, repeats: 1, interval: .exponential(mean: 1, minimum: 2, maximum: 3),
      order: .fixed, seed: 0),
  ])
  func `senseless numbers have a name`(protocol: StimulusProtocol) {
    #expect(`protocol`.problem != nil)
  }

  @Test func `a trial that is still running overlaps the next`() {
    let trials = make(conditions: 3, repeats: 2, interval: .fixed(1)).trials()
    // Onsets at 0 … 5 s of conditions lasting 0.5 s, 2.5 s and until replaced.
    let overlaps = StimulusProtocol.overlaps(of: trials, durations: [0.5, 2.5, nil])
    #expect(
      overlaps.map { [$0.running, $0.starting] } == [[1, 2], [1, 3], [4, 5]])
    #expect(overlaps.map(\.excess) == [1.5, 0.5, 1.5])
    #expect(StimulusProtocol.overlaps(of: trials, durations: [1, 1, 1]) == [])
  }
}

@Suite struct SplitMix64Tests {
  /// The reference implementation's output for seed 1234567 (Vigna, splitmix64.c).
  @Test func `numbers are those of the published generator`() {
    var generator = SplitMix64(seed: 1_234_567)
    #expect(generator.next() == 6_457_827_717_110_365_317)
    #expect(generator.next() == 3_203_168_211_198_807_973)
    #expect(generator.next() == 9_817_491_932_198_370_423)
  }

  @Test func `bounded numbers are in their range`() {
    var generator = SplitMix64(seed: 1)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<7000 { counts[generator.next(below: 7)] += 1 }
    #expect(counts.allSatisfy { (850...1150).contains($0) })
    #expect((0..<1000).allSatisfy { _ in (0..<1).contains(generator.nextUnit()) })
  }
}
