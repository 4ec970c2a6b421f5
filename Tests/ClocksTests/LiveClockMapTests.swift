import Clocks
import Testing

@Suite("The live clock map")
struct LiveClockMapTests {
  /// 1000 samples a second, 40 ppm slow, brackets of ±100 µs.
  private func reading(
    of sample: Int64, halfWidth: Nanoseconds = 100_000, late: Nanoseconds = 0
  ) -> ClockReading {
    let time = hostTime(of: sample) + late
    return ClockReading(
      notBefore: sample, notAfter: sample, before: time - halfWidth, after: time + halfWidth)
  }

  private func hostTime(of sample: Int64) -> Nanoseconds { 5_000_000_000 + sample * 1_000_040 }

  @Test("Before 2 s of readings: the nominal rate through the tightest bracket; then the corridor")
  func warmUp() {
    var live = LiveClockMap(rate: 1000)
    #expect(live.map == nil)
    #expect(live.add(reading(of: 0)) == .published)
    #expect(live.add(reading(of: 100, halfWidth: 150_000)) == nil)
    #expect(live.add(reading(of: 200, halfWidth: 30_000)) == .published)
    #expect(live.add(reading(of: 300, halfWidth: 40_000)) == nil)
    #expect(live.map?.basis == .nominalRate)
    #expect(live.map?.time(of: 200) == MappedTime(time: hostTime(of: 200), uncertainty: 30_000))
    #expect(live.map?.time(of: 1200).time == hostTime(of: 200) + 1_000_000_000)
    for sample in 4..<20 { #expect(live.add(reading(of: Int64(sample) * 100)) == nil) }
    #expect(live.add(reading(of: 2001)) == .published)
    #expect(live.map?.basis == .readings)
  }

  @Test("It is refitted every second, not with every reading")
  func refits() {
    var live = LiveClockMap(rate: 1000)
    var published = 0
    for sample in 0...1200 where live.add(reading(of: Int64(sample) * 50)) != nil { published += 1 }
    // The first reading, then from 2 s to 60 s once a second.
    #expect((59...60).contains(published))
    #expect(abs((live.map?.drift ?? 0) - 40e-6) < 1e-8)
    let mapped = live.map?.time(of: 61_000)
    #expect(abs((mapped?.time ?? 0) - hostTime(of: 61_000)) < 1000)
  }

  @Test("A clock that steps begins a new segment, within a second and once")
  func stepBeginsSegment() {
    var live = LiveClockMap(rate: 1000)
    var changes: [Int64] = []
    for sample in stride(from: 0, through: 120_000, by: 50) as StrideThrough<Int64> {
      let late: Nanoseconds = sample < 70_000 ? 0 : 5_000_000
      if live.add(reading(of: sample, late: late)) == .newSegment { changes.append(sample) }
    }
    #expect(changes.count == 1)
    #expect((70_000...71_050).contains(changes[0]))
    #expect(live.map?.segment == 1)
    #expect(abs((live.map?.time(of: 120_000).time ?? 0) - hostTime(of: 120_000) - 5_000_000) < 1000)
  }

  @Test("A count that goes back begins a new segment at once")
  func countGoesBack() {
    var live = LiveClockMap(rate: 1000)
    for sample in 0..<100 { live.add(reading(of: Int64(sample) * 50)) }
    #expect(live.add(reading(of: 10, late: 60_000_000_000)) == .newSegment)
    #expect(live.map?.segment == 1)
    #expect(live.map?.basis == .nominalRate)
    #expect(live.map?.time(of: 10).time == hostTime(of: 10) + 60_000_000_000)
  }

  @Test("A reset that is announced begins a segment with the next reading")
  func announcedReset() {
    var live = LiveClockMap(rate: 1000)
    for sample in 0..<100 { live.add(reading(of: Int64(sample) * 50)) }
    live.beginSegment()
    #expect(live.map == nil)
    #expect(live.add(reading(of: 3, late: 1_000_000_000_000)) == .published)
    #expect(live.map?.segment == 1)
  }

  @Test("After a pause in the readings the rate is still known")
  func pause() {
    var live = LiveClockMap(rate: 1000)
    for sample in 0..<1000 { live.add(reading(of: Int64(sample) * 50)) }
    let before = live.map
    #expect(live.add(reading(of: 350_000)) == nil)
    #expect(live.map == before)
    #expect(abs((live.map?.time(of: 350_000).time ?? 0) - hostTime(of: 350_000)) < 2000)
    for sample in 1..<100 {
      #expect(live.add(reading(of: 350_000 + Int64(sample) * 50)) != .newSegment)
    }
    #expect(abs((live.map?.drift ?? 0) - 40e-6) < 1e-8)
  }

  @Test("A step during a pause, larger than the bound, begins a new segment")
  func stepDuringPause() {
    var live = LiveClockMap(rate: 1000)
    for sample in 0..<1000 { live.add(reading(of: Int64(sample) * 50)) }
    var changes = 0
    for sample in 0..<100 {
      let reading = reading(of: 350_000 + Int64(sample) * 50, late: 50_000_000)
      if live.add(reading) == .newSegment { changes += 1 }
    }
    #expect(changes == 1)
  }

  @Test("Fast readings are thinned to the tightest; the map is as good and its past stays short")
  func thinned() throws {
    var live = LiveClockMap(rate: 1000)
    // Every millisecond; only every 97th is tight.
    for sample in 0..<150_000 as Range<Int64> {
      live.add(reading(of: sample, halfWidth: sample % 97 == 0 ? 20_000 : 400_000))
    }
    let map = try #require(live.map)
    let mapped = map.time(of: 150_000)
    #expect(abs(mapped.time - hostTime(of: 150_000)) < 1000)
    #expect(mapped.uncertainty < 25_000)
    // Knots of the last minute: bounded, however long it runs.
    #expect(map.samples.lowerBound > 80_000)
    #expect(map.samples.upperBound > 150_000)
  }

  @Test("The published map slews to a new line over 10 s, without a step")
  func slews() throws {
    var live = LiveClockMap(rate: 1000)
    for sample in stride(from: 0, through: 59_950, by: 50) as StrideThrough<Int64> {
      live.add(reading(of: sample, halfWidth: 400_000))
    }
    // From now on the tighter brackets say 200 µs later, inside the old ones.
    var last = try #require(live.map)
    var worst: Nanoseconds = 0
    for sample in stride(from: 60_000, through: 130_000, by: 50) as StrideThrough<Int64> {
      if live.add(reading(of: sample, halfWidth: 50_000, late: 200_000)) == .published {
        let map = try #require(live.map)
        worst = max(worst, abs(map.time(of: sample).time - last.time(of: sample).time))
        let slope = map.time(of: sample + 1000).time - map.time(of: sample).time - 1_000_040_000
        #expect(abs(slope) < 60_000)
        last = map
      }
    }
    #expect(worst <= 1)
    #expect(last.segment == 0)
    #expect(abs(last.time(of: 131_000).time - hostTime(of: 131_000) - 200_000) < 10_000)
  }
}
