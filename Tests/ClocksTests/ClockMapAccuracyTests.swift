import Clocks
import Testing

@Suite("Accuracy of clock maps over an hour (clock.md's table)")
struct ClockMapAccuracyTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var live: Double
    var afterwards: Double
    var bound: ClosedRange<Double>
    var window: Nanoseconds = 60_000_000_000
    var clock = SimulatedClock(rate: 24_414.0625)
    var readings: @Sendable (SimulatedClock, Double, UInt64) -> [ClockReading]
    /// Seconds; every refit costs a millisecond in a debug build.
    var liveLength = 900.0
    var testDescription: String { name }
  }

  static let hour = 3600.0

  static let cases = [
    Case(
      name: "local calls", live: 25, afterwards: 10, bound: 250...400,
      readings: { $0.latches(for: $1, seed: $2) }, liveLength: hour),
    Case(
      name: "over SSH", live: 30, afterwards: 15, bound: 900...1400,
      readings: { $0.latches(for: $1, every: 0.1, latency: .ssh, seed: $2) }),
    Case(
      name: "stimulator frame counter", live: 35, afterwards: 15, bound: 300...1200,
      window: 120_000_000_000, clock: SimulatedClock(rate: 50_000, leaves: true),
      readings: { $0.frameCounts(for: $1, seed: $2) }),
  ]

  @Test("After the fact", arguments: cases, [1] as [UInt64])
  func afterTheFact(_ table: Case, seed: UInt64) {
    let clock = table.clock
    let maps = ClockMap.fitted(
      to: table.readings(clock, Self.hour, seed), rate: clock.rate, window: table.window)
    #expect(maps.count == 1)
    #expect(maps.first?.basis == .readings)
    guard let map = maps.first else { return }
    var errors = ErrorStatistics()
    for step in 0..<7200 { errors.add(clock.error(of: map, at: 0.3 + Double(step) * 0.4998)) }
    #expect(errors.deviation <= table.afterwards, "seed \(seed)")
    #expect(errors.coverage >= 0.999, "seed \(seed)")
    #expect(table.bound.contains(errors.meanBound), "seed \(seed)")
  }

  @Test("Live", arguments: cases, [3] as [UInt64])
  func live(_ table: Case, seed: UInt64) {
    let clock = table.clock
    var live = LiveClockMap(rate: clock.rate)
    var errors = ErrorStatistics()
    var (jumps, all, outside) = (0, 0, 0)
    for reading in table.readings(clock, table.liveLength, seed) {
      let old = live.map
      let change = live.add(reading)
      guard let map = live.map, map.basis == .readings else { continue }
      #expect(change != .newSegment)
      if change != nil, let old, old.basis == .readings {
        // Continuous where the new map takes over; monotone at most 50 ppm off the clock.
        let (was, now) = (old.time(of: reading.notAfter), map.time(of: reading.notAfter))
        if abs(was.time - now.time) > 1 { jumps += 1 }
        let ahead = map.time(of: reading.notAfter + Int64(clock.rate)).time - now.time
        if abs(ahead - 999_960_000) > 110_000 { jumps += 1 }
      }
      let elapsed = Double(reading.after - clock.origin) * 1e-9 + 0.02
      let error = clock.error(of: map, at: elapsed)
      // The table's numbers are those of a full window; the bound holds from the beginning.
      if elapsed > 60 { errors.add(error) }
      if abs(error.error) > error.bound { outside += 1 }
      all += 1
    }
    #expect(errors.count > 8000)
    #expect(jumps == 0)
    #expect(errors.deviation <= table.live, "seed \(seed)")
    #expect(outside * 1000 <= all, "seed \(seed)")
  }
}
