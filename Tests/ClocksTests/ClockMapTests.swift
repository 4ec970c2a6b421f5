import Clocks
import Testing

/// A clock of nominally 1000 samples a second that is 40 ppm slow: sample n happens at
/// 5 s + n · 1 000 040 ns of the host's clock.
private func hostTime(of sample: Int64) -> Nanoseconds { 5_000_000_000 + sample * 1_000_040 }

/// A bracket around the truth, of ±100 µs unless told.
private func reading(of sample: Int64, halfWidth: Nanoseconds = 100_000) -> ClockReading {
  let time = hostTime(of: sample)
  return ClockReading(
    notBefore: sample, notAfter: sample, before: time - halfWidth, after: time + halfWidth)
}

@Suite("Clock maps")
struct ClockMapTests {
  @Test("A line through brackets of equal width is found to the nanosecond, in both directions")
  func exactLine() throws {
    let readings = (0...1200).map { reading(of: $0 * 100) }
    let map = try #require(ClockMap.fitted(to: readings, rate: 1000).first)
    #expect(map.basis == .readings)
    #expect(map.samples == 0...120_000)
    for sample in [-5000, 0, 1, 777, 60_000, 119_999, 120_000, 130_000] as [Int64] {
      let mapped = map.time(of: sample)
      #expect(abs(mapped.time - hostTime(of: sample)) <= 1)
      #expect(abs(map.sample(at: hostTime(of: sample)) - Double(sample)) < 1e-5)
    }
    // Inside a window the band is the half width; at its ends a steeper line would fit as well.
    #expect((100_000...101_000).contains(map.time(of: 60_000).uncertainty))
    #expect((100_000...101_000).contains(map.time(of: 120_000).uncertainty))
    #expect(map.time(of: 240_000).uncertainty > 400_000)
    #expect(abs(map.drift - 40e-6) < 1e-9)
  }

  @Test(
    "The line passes through every bracket, and the truth is inside the bound, also extrapolated",
    arguments: 1...20 as ClosedRange<UInt64>)
  func randomBrackets(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let readings = (0..<200).map { index in
      let sample = Int64(index) * 250 + .random(in: 0..<200, using: &random)
      return ClockReading(
        notBefore: sample, notAfter: sample,
        before: hostTime(of: sample) - .random(in: 0..<2_000_000, using: &random),
        after: hostTime(of: sample) + .random(in: 0..<2_000_000, using: &random))
    }
    let map = try #require(ClockMap.fitted(to: readings, rate: 1000).first)
    for reading in readings {
      let mapped = map.time(of: reading.notBefore)
      #expect(reading.before <= mapped.time)
      #expect(mapped.time <= reading.after)
    }
    for sample in stride(from: -60_000, to: 120_000, by: 997) as StrideTo<Int64> {
      let mapped = map.time(of: sample)
      #expect(abs(mapped.time - hostTime(of: sample)) <= mapped.uncertainty + 1)
    }
    #expect(map.table.first?.sample == readings[0].notAfter)
    #expect(map.table.allSatisfy { map.time(of: $0.sample) == $0.time })
  }

  @Test("The sides of a bracket count each at its own sample")
  func sidedReadings() throws {
    // A counter that lags by 0 or 50 samples of 20 µs, read without any latency.
    let readings = (0..<2400).map { index in
      let sample = Int64(index) * 2500 + (index % 2 == 0 ? 0 : 37)
      let time = 7_000_000_000 + sample * 20_000
      return ClockReading(
        framesDone: sample / 50 * 50, slack: 50, in: Bracket(before: time, after: time))
    }
    let map = try #require(ClockMap.fitted(to: readings, rate: 50_000).first)
    // Known from above by 0 (phase 0) and from below by 50 − 37 samples (phase 37): the middle of
    // [−13, 0] samples is 6.5 samples early.
    #expect(map.time(of: 1_000_000).time == 27_000_000_000 - 130_000)
    #expect((130_000...132_000).contains(map.time(of: 1_000_000).uncertainty))
  }

  @Test("Latched counts bracket the storing of the last frame and of the next")
  func latchedCounts() {
    let reading = ClockReading(stored: 10, in: Bracket(before: 5, after: 8))
    #expect(reading == ClockReading(notBefore: 10, notAfter: 9, before: 5, after: 8))
    // Four successive times in a slot: of frames 8 … 11, stored at once, frame 11 comes last.
    let slots = ClockReading(stored: 8, together: 4, in: Bracket(before: 5, after: 8))
    #expect(slots == ClockReading(notBefore: 11, notAfter: 7, before: 5, after: 8))
  }

  @Test("A step of the clock begins a new segment at the reading after it")
  func stepBeginsSegment() {
    var readings = (0..<1000).map { reading(of: $0 * 100) }
    for index in 600..<1000 {
      readings[index].before += 3_000_000
      readings[index].after += 3_000_000
    }
    let maps = ClockMap.fitted(to: readings, rate: 1000)
    #expect(maps.map(\.segment) == [0, 1])
    #expect(maps.map(\.samples) == [0...59_900, 60_000...99_900])
    #expect(abs(maps[0].time(of: 59_000).time - hostTime(of: 59_000)) <= 1)
    #expect(abs(maps[1].time(of: 61_000).time - hostTime(of: 61_000) - 3_000_000) <= 1)
    #expect(maps.map(for: 59_999)?.segment == 0)
    #expect(maps.map(for: 60_000)?.segment == 1)
    #expect(maps.map(for: -1)?.segment == 0)
  }

  @Test("A count that begins again begins a new segment, with the nominal rate while it is short")
  func resetBeginsSegment() {
    let readings =
      (0..<100).map { reading(of: $0 * 100) }
      + (0..<15).map { index in
        var reading = reading(of: Int64(index) * 100, halfWidth: index == 7 ? 20_000 : 100_000)
        reading.before += 60_000_000_000
        reading.after += 60_000_000_000
        return reading
      }
    let maps = ClockMap.fitted(to: readings, rate: 1000)
    #expect(maps.map(\.basis) == [.readings, .nominalRate])
    // The tightest bracket is that of sample 700; the nominal rate is 40 ppm fast.
    #expect(
      maps[1].time(of: 700)
        == MappedTime(time: hostTime(of: 700) + 60_000_000_000, uncertainty: 20_000))
    #expect(maps[1].time(of: 1700).time == maps[1].time(of: 700).time + 1_000_000_000)
    #expect(maps[1].time(of: 1700).uncertainty > 20_000 + 500_000)
  }

  @Test("Across a pause the map is straight and its uncertainty grows by 1 ppm from both sides")
  func pause() throws {
    let readings =
      (0..<600).map { reading(of: $0 * 100) } + (6000..<6600).map { reading(of: $0 * 100) }
    let maps = ClockMap.fitted(to: readings, rate: 1000)
    let map = try #require(maps.first)
    #expect(maps.count == 1)
    let middle = map.time(of: 330_000)
    #expect(abs(middle.time - hostTime(of: 330_000)) <= 2)
    // 270 s from the readings of either side: 260 to 270 µs more than the 100 to 150 µs there.
    #expect((360_000...420_000).contains(middle.uncertainty))
  }

  @Test("No readings make no map, one makes the nominal rate")
  func fewReadings() {
    #expect(ClockMap.fitted(to: [], rate: 1000).isEmpty)
    let maps = ClockMap.fitted(to: [reading(of: 5)], rate: 1000)
    #expect(maps.count == 1)
    #expect(maps[0].time(of: 5) == MappedTime(time: hostTime(of: 5), uncertainty: 100_000))
  }

  @Test("Sample counts and host times far from zero keep their nanoseconds")
  func farFromZero() throws {
    let (far, late): (Int64, Nanoseconds) = (4_000_000_000_000_000, 4_000_000_000_000_000_000)
    let readings = (0...600 as ClosedRange<Int64>).map { index in
      var reading = reading(of: index * 100)
      (reading.notBefore, reading.notAfter) = (far + index * 100, far + index * 100)
      (reading.before, reading.after) = (reading.before + late, reading.after + late)
      return reading
    }
    let map = try #require(ClockMap.fitted(to: readings, rate: 1000).first)
    #expect(abs(map.time(of: far + 30_000).time - late - hostTime(of: 30_000)) <= 1)
  }
}

@Suite("Composition of clock maps")
struct ClockCompositionTests {
  @Test("Stream sample → host → recording clock, with both uncertainties added")
  func recordingClock() throws {
    let circuit = try #require(
      ClockMap.fitted(to: (0...600).map { reading(of: $0 * 100) }, rate: 1000).first)
    // The stream is exact: sample n at 5 s + n · 20 µs, known to 50 µs.
    let stream = try #require(
      ClockMap.fitted(
        to: (0...600 as ClosedRange<Int64>).map { index in
          let time: Nanoseconds = 5_000_000_000 + index * 100_000_000
          return ClockReading(
            notBefore: index * 5000, notAfter: index * 5000, before: time - 50_000,
            after: time + 50_000)
        }, rate: 50_000
      ).first)
    let clock = RecordingClock(map: circuit, reference: .init(sample: 1000, seconds: 0.25))
    #expect(clock.seconds(of: 3000) == 2.25)
    // Host 30 s after the origin is circuit sample 30000 / 1.00004 = 29998.80005.
    let onset = clock.onset(of: 1_500_000, in: stream)
    #expect(abs(onset.seconds - (0.25 + 28.998_800_05)) < 2e-8)
    #expect((150e-6...152e-6).contains(onset.uncertainty))
    #expect(onset.basis == .readings)
    let host = clock.time(at: hostTime(of: 3000))
    #expect(abs(host.seconds - 2.25) < 2e-9)
  }

  @Test("The weaker basis of two maps is that of the onset")
  func weakerBasis() throws {
    let circuit = try #require(
      ClockMap.fitted(to: (0...600).map { reading(of: $0 * 100) }, rate: 1000).first)
    let stream = try #require(ClockMap.fitted(to: [reading(of: 0)], rate: 1000).first)
    let clock = RecordingClock(map: circuit, reference: .init(sample: 0, seconds: 0))
    #expect(clock.onset(of: 0, in: stream).basis == .nominalRate)
  }

  @Test("Brackets taken on a bridge contain the truth on the host's clock")
  func bridge() throws {
    // The bridge's clock is 100 s behind and 30 ppm fast.
    func bridgeTime(_ host: Nanoseconds) -> Nanoseconds {
      host - 100_000_000_000 + host / 1_000_000 * 30
    }
    var random = SeededGenerator(seed: 11)
    var last: Nanoseconds = 0
    let exchanges = (0..<3000).map { index in
      let send = max(last, 200_000_000_000 + Nanoseconds(index) * 100_000_000)
      let (out, back) = Latency.ssh.draw(using: &random)
      let received = send + Nanoseconds(out * 1e9)
      let answered = received + 50_000
      last = answered + Nanoseconds(back * 1e9)
      return ClockReading(
        hostSend: send, bridgeReceive: bridgeTime(received), bridgeSend: bridgeTime(answered),
        hostReceive: last)
    }
    let map = try #require(ClockMap.fitted(to: exchanges, rate: 1e9).first)
    for index in 0..<1000 {
      let begin = 210_000_000_000 + Nanoseconds(index) * 250_000_000
      let bracket = map.bracket(
        Bracket(before: bridgeTime(begin), after: bridgeTime(begin + 400_000)))
      #expect(bracket.before <= begin)
      #expect(bracket.after >= begin + 400_000)
      #expect(bracket.after - bracket.before < 3_000_000)
    }
  }
}
