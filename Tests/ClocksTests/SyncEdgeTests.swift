import Clocks
import Testing

@Suite("Edges of a recorded sync line")
struct SyncEdgeTests {
  @Test("An edge is the first sample at or above half of the step, whatever the pieces fed")
  func threshold() {
    let samples: [Float] = [0, 0, 1, 2, 4, 4, 4, 3, 0, 0, 4, 4, 0]
    for cut in 0...samples.count {
      var finder = SyncEdgeFinder(levels: SyncLevels(low: 0, high: 4))
      finder.feed(Array(samples[..<cut]))
      finder.feed(Array(samples[cut...]))
      #expect(finder.edges == [3, 10])
      #expect(finder.sampleCount == 13)
    }
  }

  @Test(
    "Noise at the threshold makes no second edge, a spike below the upper level none",
    arguments: [
      ([0, 2, 1.8, 2.1, 2.4, 3.5, 1.9, 2.2, 4, 0, 4], [3, 10]),
      ([0, 2.5, 0, 2.9, 0, 0], []),
      ([4, 4, 1.5, 4, 0.5, 4], [5]),
      ([2.5, 3, 4, 0, 4], [4]),
    ] as [([Float], [Int64])])
  func hysteresis(samples: [Float], edges: [Int64]) {
    var finder = SyncEdgeFinder(levels: SyncLevels(low: 0, high: 4))
    finder.feed(samples)
    #expect(finder.edges == edges)
  }

  @Test("Levels are found by percentiles under noise and spikes, for either rarer level")
  func levels() throws {
    var random = SeededGenerator(seed: 5)
    for duty in [0.01, 0.5, 0.99] {
      let samples = (0..<100_000).map { index in
        let isHigh = Double(index % 1000) < duty * 1000
        return Float((isHigh ? 3.3 : 0) + 0.05 * random.normal() + (index == 700 ? 50 : 0))
      }
      let levels = try SyncLevels(in: samples)
      #expect(abs(levels.low) < 0.25)
      #expect(abs(levels.high - 3.3) < 0.25)
      var finder = SyncEdgeFinder(levels: levels)
      finder.feed(samples)
      let edges = finder.edges.filter { $0 != 700 }
      #expect(edges.allSatisfy { $0 % 1000 == 0 })
      // The first pulse begins high and has no edge.
      #expect(edges.count == 99)
    }
  }

  @Test("A channel without two levels is refused")
  func noLevels() {
    var random = SeededGenerator(seed: 6)
    let noise = (0..<100_000).map { _ in Float(random.normal()) }
    #expect(throws: SyncError.self) { try SyncLevels(in: noise) }
    #expect(throws: SyncError.noLevels(separation: 0, noise: 0)) {
      try SyncLevels(in: Array(repeating: 1, count: 1000))
    }
    #expect(throws: SyncError.noLevels(separation: 0, noise: 0)) { try SyncLevels(in: []) }
  }
}
