import Samples
import Testing

@Suite struct SyncTrainTests {
  private func generate(_ train: inout SyncTrain, _ count: Int) -> [Int16] {
    var samples = [Int16](repeating: 99, count: count)
    samples.withUnsafeMutableBufferPointer { train.generate(into: $0) }
    return samples
  }

  /// Rising edges of a stream that was low before.
  private func edges(_ samples: [Int16]) -> [Int64] {
    samples.indices.filter { samples[$0] == 1 && ($0 == 0 || samples[$0 - 1] == 0) }.map(Int64.init)
  }

  /// 0.85 to 1.15 s at 50 kHz, in steps of 10 ms.
  @Test func `coded pulses come about once a second`() {
    let onsets = SyncTrain(rate: 50_000).codedOnsets(in: 0..<50_000 * 1000)
    #expect(onsets.count >= 999)
    let intervals = zip(onsets.dropFirst(), onsets).map { $0 - $1 }
    #expect(intervals.allSatisfy { (42_500...57_500).contains($0) && $0 % 500 == 0 })
    #expect(Set(intervals).count == 31)
    #expect(onsets.indices.allSatisfy { onsets[$0] / 50_000 == Int64($0) })
  }

  @Test func `the code is the same at every rate`() {
    let fast = SyncTrain(rate: 50_000).codedOnsets(in: 0..<5_000_000)
    let slow = SyncTrain(rate: 10_000).codedOnsets(in: 0..<1_000_000)
    #expect(fast == slow.map { $0 * 5 })
  }

  /// Digits are fixed for ever, files depend on them: those of SplitMix64's mixing of 1, 2, 3, …
  @Test func `the first pulses never change`() {
    let onsets = SyncTrain(rate: 50_000).codedOnsets(in: 0..<250_000)
    #expect(onsets == [2500, 55_000, 100_000, 152_000, 206_000])
  }

  @Test func `ten intervals occur once in a day`() {
    let onsets = SyncTrain(rate: 1000).codedOnsets(in: 0..<86_400_000)
    let steps = zip(onsets.dropFirst(), onsets).map { Int(($0 - $1) / 10) - 85 }
    #expect(steps.allSatisfy { (0...30).contains($0) })
    var window = 0
    var seen: Set<Int> = []
    var repeated = 0
    for (index, step) in steps.enumerated() {
      // Ten base-31 digits fit 50 bits.
      window = (window * 31 + step) % 819_628_286_980_801
      if index >= 9, !seen.insert(window).inserted { repeated += 1 }
    }
    #expect(seen.count > 86_000)
    #expect(repeated == 0)
  }

  @Test func `an onset raises the output for a millisecond`() {
    var train = SyncTrain(rate: 10_000)
    train.mark(onset: 3)
    let samples = generate(&train, 20)
    #expect(samples[0..<3].allSatisfy { $0 == 0 })
    #expect(samples[3..<13].allSatisfy { $0 == 1 })
    #expect(train.position == 20)
  }

  @Test func `pulses that touch are one`() {
    var train = SyncTrain(rate: 10_000)
    for onset: Int64 in [5000, 5005, 5015, 5030] { train.mark(onset: onset) }
    let samples = generate(&train, 10_000)
    let first = train.codedOnsets(in: 0..<10_000)
    #expect(edges(samples).filter { !first.contains($0) } == [5000, 5030])
    #expect(samples[5000..<5025].allSatisfy { $0 == 1 })
    #expect(samples[5025..<5030].allSatisfy { $0 == 0 })
    #expect(train.edges(in: 0..<10_000, onsets: [5000, 5005, 5015, 5030]) == edges(samples))
  }

  @Test(arguments: 0..<20)
  func `pieces of any size are the same train, with the edges that are listed`(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    var onsets: [Int64] = []
    var onset: Int64 = 0
    while onset < 60_000 {
      onset += Int64(generator.next(below: 3000))
      onsets.append(onset)
    }
    var whole = SyncTrain(rate: 10_000)
    for onset in onsets { whole.mark(onset: onset) }
    let expected = generate(&whole, 60_000)
    var pieces = SyncTrain(rate: 10_000)
    var samples: [Int16] = []
    var waiting = onsets[...]
    while samples.count < 60_000 {
      let count = min(60_000 - samples.count, generator.next(below: 700))
      while let next = waiting.first, next < Int64(samples.count + count) {
        pieces.mark(onset: next)
        waiting.removeFirst()
      }
      samples += generate(&pieces, count)
    }
    #expect(samples == expected, "seed \(seed)")
    #expect(whole.edges(in: 0..<60_000, onsets: onsets) == edges(expected), "seed \(seed)")
    let later = onsets.filter { $0 >= 28_000 }
    #expect(
      whole.edges(in: 30_000..<60_000, onsets: later) == edges(expected).filter { $0 >= 30_000 })
  }
}
