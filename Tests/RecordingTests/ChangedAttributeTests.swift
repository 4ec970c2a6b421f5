import Clocks
import NWB
import Recording
import Testing

/// A scaling factor, size or decimation that the circuit changes while it is recorded.
@Suite struct ChangedAttributeTests {
  /// A sine of 100 frames a period, and a store `b` that nothing happens to. The tag takes its new
  /// value 1.5 s after the circuit began to run.
  private func session(changing tag: String, to value: Int, type: String) throws -> TestSession {
    try TestSession(
      """
      {
        session: { id: "changes", description: "an attribute changes" },
        circuits: [{
          name: "rz", latch_trigger: 1,
          simulate: {
            rate: 6400, speed: "max",
            signals: { a: { sine: { amplitude: 100, frequency: 64 } }, b: { counter: true } },
            stores: { a: { sf: 10 } },
            faults: [{ kind: "set_tag", at_s: 1.5, tag: "\(tag)", value: \(value) }],
          },
        }],
        buffers: [
          { name: "a", circuit: "rz", channels: 2, src_type: "int16", dest_type: "\(type)" },
          { name: "b", circuit: "rz", channels: 1, src_type: "int32", dest_type: "int32" },
        ],
        run: { duration_s: 3 },
      }
      """)
  }

  @Test func `a floating series goes on with the new scaling factor`() throws {
    let test = try session(changing: "a_sf", to: 20, type: "float32")
    defer { test.remove() }
    let report = try test.recorder().run { _ in }
    #expect(report.exitCode == 0)
    #expect(report.final.endedSeries.isEmpty)

    let reader = try RecordingReader(reading: test.path)
    let series = try #require(try reader.series().first { $0.name == "a" })
    let uncertain = try reader.invalidFrames().map { row in
      #expect(row.series == "a" && row.reason == "sf uncertain")
      return row.frames
    }
    let first = try #require(uncertain.first).lowerBound
    let end = try #require(uncertain.last).upperBound
    #expect(uncertain.reduce(0) { $0 + Int64($1.count) } == end - first)
    // Two polls of 50 ms and what they take.
    #expect(end - first < 6400 * 15 / 100)
    #expect(first > 6400 && end < series.frames)

    let values = try reader.samples(of: "a", frames: 0..<series.frames, as: Float.self)
    // Half a code of either factor: 0.05 and 0.025.
    let wrong = (0..<series.frames).filter { frame in
      abs(values[2 * frame] - values[2 * (frame % 100)]) > 0.11
    }
    #expect(wrong.allSatisfy { (first..<end).contains(Int64($0)) })
    // Steps of a tenth before, and of a twentieth from the first certain frame on.
    let tenths = { (frames: Range<Int>) in
      frames.allSatisfy { abs((values[2 * $0] * 10).rounded() - values[2 * $0] * 10) < 1e-3 }
    }
    #expect(tenths(0..<Int(first)))
    #expect(!tenths(Int(end)..<Int(end) + 50))
    let notes = try reader.log().filter { $0.kind == .note }.map(\.text)
    #expect(notes == ["a: a_sf changed to 20.0; from the next poll on it counts"])
    try reader.close()
  }

  @Test(
    arguments: [
      ("a_sf", 20, "int16"), ("a_n", 3200, "float32"), ("a_d", 2, "float32"),
    ])
  func `any other change ends the series and is the cause of exit code 75`(
    tag: String, value: Int, type: String
  ) throws {
    let test = try session(changing: tag, to: value, type: type)
    defer { test.remove() }
    let report = try test.recorder().run { _ in }
    #expect(report.exitCode == 75)
    #expect(report.losses == ["a series ended early"])
    let ended = try #require(report.final.endedSeries.first)
    #expect(report.final.endedSeries.count == 1)
    #expect(ended.name == "a")
    #expect(ended.reason == "\(tag) changed to \(value).0")

    let reader = try RecordingReader(reading: test.path)
    let series = try reader.series()
    let a = try #require(series.first { $0.name == "a" })
    let b = try #require(series.first { $0.name == "b" })
    #expect(abs(a.endTime - ended.time) < 0.1)
    #expect(b.endTime > 3)
    #expect(try reader.invalidFrames().isEmpty)
    // Every frame of it was stored under the attributes that the file tells.
    let values = try reader.samples(of: "a", frames: 0..<a.frames, as: Float.self)
    #expect((100..<a.frames).allSatisfy { abs(values[2 * $0] - values[2 * ($0 - 100)]) <= 1 })
    let errors = try reader.log().filter { $0.kind == .error }.map(\.text)
    #expect(errors == ["a: \(tag) changed to \(value).0: the series ends here"])
    try reader.close()
  }
}
