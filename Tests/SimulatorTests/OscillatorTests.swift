import Samples
import Testing

@testable import Simulator

@Suite struct OscillatorTests {
  @Test("Ticks fall where rate, error and start phase put them", arguments: [0.0, 40, -100, 500])
  func ticks(partsPerMillion: Double) {
    let origin: Int64 = 123_456_789
    let oscillator = Oscillator(
      rate: 1000, partsPerMillion: partsPerMillion, driftPerHour: 0, wander: 0, origin: origin,
      seed: 5)
    #expect((0..<1).contains(oscillator.startPhase))
    #expect(oscillator.tick(at: origin) == 0)
    #expect(oscillator.tick(at: origin - 1_000_000) == -1)
    // 1000 s are 1 000 000 ticks and one more for each part per million.
    let expected = (1e6 + partsPerMillion + oscillator.startPhase).rounded(.down)
    #expect(oscillator.tick(at: origin + 1_000_000_000_000) == Int64(expected))
  }

  @Test("A tick begins at the first nanosecond at which it is counted")
  func inverse() {
    let oscillator = Oscillator(
      rate: 24414.0625, partsPerMillion: 40, driftPerHour: 7, wander: 0.5, origin: 1_000_000_000,
      seed: 9)
    var random = SplitMix64(seed: 11)
    for _ in 0..<2000 {
      let tick = Int64(random.nextUnit() * 24414.0625 * 86400)
      let time = oscillator.time(ofTick: tick)
      #expect(oscillator.tick(at: time) == tick)
      #expect(oscillator.tick(at: time - 1) == tick - 1)
    }
  }

  @Test("Drift changes the rate by as many ppm an hour")
  func drift() {
    let oscillator = Oscillator(
      rate: 1e6, partsPerMillion: 0, driftPerHour: 10, wander: 0, origin: 0, seed: 1)
    // After an hour 10 ppm fast, on average 5 ppm: 3.6e9 ticks and 18 000 more.
    let ticks = oscillator.cycles(after: 3600) - oscillator.startPhase
    #expect(abs(ticks - 3_600_018_000) < 1e-3)
  }

  @Test("Wander has the standard deviation asked for, over a minute's mean")
  func wander() {
    var sum = 0.0
    var count = 0.0
    for seed in UInt64(1)...20 {
      let oscillator = Oscillator(
        rate: 1, partsPerMillion: 0, driftPerHour: 0, wander: 0.5, origin: 0, seed: seed)
      for minute in 0..<1440 {
        let start = Double(minute) * 60
        let error = oscillator.cycles(after: start + 60) - oscillator.cycles(after: start) - 60
        sum += (error / 60 * 1e6) * (error / 60 * 1e6)
        count += 1
      }
    }
    let deviation = (sum / count).squareRoot()
    #expect(abs(deviation - 0.5) < 0.01, "\(deviation)")
  }
}
