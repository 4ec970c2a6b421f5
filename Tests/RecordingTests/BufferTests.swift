import NWB
import Recording
import Testing

/// Every kind of buffer, from the simulated store to the closed file.
@Suite struct BufferTests {
  /// A session of two seconds on one circuit, whose calls cost nothing unless `simulate` says so.
  private static func text(_ buffers: String, circuit: String = "", simulate: String) -> String {
    """
    {
      session: { id: "buffers", description: "a test" },
      circuits: [{
        name: "rz", latch_trigger: 1, \(circuit)
        simulate: { rate: 6103.515625, speed: "max", \(simulate) },
      }],
      buffers: [\(buffers)],
      run: { duration_s: 2 },
    }
    """
  }

  private func record<Result>(
    _ text: String, _ body: (Report, borrowing RecordingReader) throws -> Result
  ) throws -> Result {
    let test = try TestSession(text)
    defer { test.remove() }
    let report = try test.recorder().run { _ in }
    let reader = try RecordingReader(reading: test.path)
    let result = try body(report, reader)
    try reader.close()
    return result
  }

  // MARK: - Events

  @Test func stampsAreAtTheTimeOfTheirTick() throws {
    let text = Self.text(
      """
      { name: "x", circuit: "rz", channels: 1, src_type: "int32", dest_type: "int32" },
      { name: "touch", data_tag: "X|", circuit: "rz", kind: "events" },
      """,
      simulate:
        #"signals: { "X|": { stamps: { period: 700 } } }, stores: { "X|": { size_max: 8 } }"#)
    try record(text) { report, reader in
      #expect(report.exitCode == 0)
      let series = try #require(try reader.series().first)
      let first = try reader.samples(of: "x", frames: 0..<1, as: Int32.self)[0]
      let table = try #require(try reader.table("/events/touch"))
      let ticks = table.integers("tick")
      // 2 s of 6103.5 ticks a second; those of the quarter of a second before sample 0 are there too.
      #expect(ticks.count >= 17)
      #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $1 - $0 == 700 })
      for (tick, time) in zip(ticks, table.numbers("timestamp")) {
        // Frame n of the counter is stored at tick n + 1.
        let frame = Double(tick - 1 - Int64(first))
        #expect(abs(time - series.startingTime - frame / series.rate) < 20e-6)
      }
    }
  }

  @Test func stampsThatWereOverwrittenAreCounted() throws {
    let text = Self.text(
      """
      { name: "x", circuit: "rz", channels: 1 },
      { name: "touch", data_tag: "X|", circuit: "rz", kind: "events" },
      """,
      circuit: "poll_ms: 100,",
      simulate:
        #"signals: { "X|": { stamps: { period: 30 } } }, stores: { "X|": { size_max: 10 } }"#)
    try record(text) { report, reader in
      #expect(report.exitCode == 75)
      // 203 stamps a second, of which each poll finds the last ten.
      let found = try #require(try reader.table("/events/touch")).rows
      #expect((190...230).contains(found))
      #expect((170...260).contains(report.final.lostEvents))
      #expect(
        try reader.log().contains { $0.kind == .overrun && $0.text.hasPrefix("touch: ") })
    }
  }

  // MARK: - Tags

  @Test func aWatchedTagHasARowForItsFirstValueAndEachChange() throws {
    let text = Self.text(
      #"{ name: "x", circuit: "rz", channels: 1 }"#,
      circuit: #"tags: { gain: 2 }, watch_tags: ["gain", "still"],"#,
      simulate: """
        faults: [{ kind: "set_tag", at_s: 1, tag: "gain", value: 7 },
          { kind: "set_tag", at_s: 1.5, tag: "gain", value: 0.1 }]
        """)
    try record(text) { _, reader in
      let table = try #require(try reader.table("/events/tags"))
      #expect(table.texts("tag") == ["rz.gain", "rz.still", "rz.gain", "rz.gain"])
      #expect(table.numbers("value") == [2, 0, 7, Double(Float(0.1))])
      // The circuit runs a quarter of a second before sample 0; polls are 50 ms apart at most.
      let start = try #require(try reader.series().first).startingTime
      let times = table.numbers("timestamp").map { $0 - start }
      #expect((0.74...0.85).contains(times[2]) && (1.24...1.35).contains(times[3]))
    }
  }

  // MARK: - Formats

  struct Format: Sendable, CustomTestStringConvertible {
    var source: String
    var channels: Int
    var order: String
    var layout: String
    var testDescription: String { "\(channels) x \(source), \(order), \(layout)" }
  }

  @Test(arguments: [
    Format(source: "int16", channels: 4, order: "msb", layout: "channels"),
    Format(source: "int16", channels: 1, order: "lsb", layout: "time"),
    Format(source: "int16", channels: 1, order: "msb", layout: "time"),
    Format(source: "int8", channels: 8, order: "msb", layout: "channels"),
    Format(source: "int8", channels: 1, order: "lsb", layout: "time"),
    Format(source: "int8", channels: 1, order: "msb", layout: "time"),
  ])
  func packedSamplesComeInTheirOrder(format: Format) throws {
    let text = Self.text(
      """
      { name: "x", circuit: "rz", channels: \(format.channels), src_type: "\(format.source)",
        dest_type: "int16", pack_order: "\(format.order)", layout: "\(format.layout)" }
      """,
      simulate: "signals: { x: { counter: true } }")
    try record(text) { report, reader in
      #expect(report.exitCode == 0)
      let frames = try #require(try reader.series().first).frames
      #expect(frames > 12000)
      let samples = try reader.samples(of: "x", frames: 0..<frames, as: Int16.self)
      let first = Int(samples[0])
      let isByte = format.source == "int8"
      let wrong = samples.indices.first { index in
        let (frame, channel) = index.quotientAndRemainder(dividingBy: format.channels)
        let code = first + frame + 1000 * channel
        return samples[index]
          != (isByte ? Int16(Int8(truncatingIfNeeded: code)) : Int16(truncatingIfNeeded: code))
      }
      #expect(wrong == nil)
    }
  }

  // MARK: - Polls

  struct Pace: Sendable, CustomTestStringConvertible {
    var says: String
    /// Frames of the ring.
    var size: Int
    var circuit = ""
    var store = ""
    var latency = "none"
    /// Clock readings in the file.
    var readings: ClosedRange<Int>
    var testDescription: String { says }
  }

  /// A second of the ring is 6104 frames; 2 s are recorded, and polls of no cost are counted.
  @Test(arguments: [
    Pace(says: "at most 50 ms", size: 6104, readings: 38...43),
    Pace(says: "an eighth of the ring: 25 ms", size: 1221, readings: 78...84),
    Pace(says: "not below 5 ms", size: 92, readings: 390...410),
    Pace(says: "as asked", size: 1221, circuit: "poll_ms: 40,", readings: 48...53),
    Pace(
      says: "a quarter of a ring without a cycle tag, whatever is asked: 5 ms", size: 122,
      circuit: "poll_ms: 40,", store: #"tags_absent: ["x_c"]"#, readings: 390...410),
    Pace(
      // Twice a poll of usb would be more than 30 ms.
      says: "a quarter of the ring though polls are dear: 25 ms", size: 610, latency: "usb",
      readings: 70...84),
  ])
  func theRingSaysHowOftenItIsPolled(pace: Pace) throws {
    let text = Self.text(
      #"{ name: "x", circuit: "rz", channels: 1 }"#, circuit: pace.circuit,
      simulate: """
        latency: "\(pace.latency)", stores: { x: { size_max: \(pace.size), \(pace.store) } }
        """)
    try record(text) { report, reader in
      #expect(report.lost == 0)
      let readings = try reader.readings(ofCircuit: "rz").samples.count
      #expect(pace.readings.contains(readings), "\(readings) readings")
    }
  }
}
