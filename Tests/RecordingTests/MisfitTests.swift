import NWB
import Recording
import Synchronization
import Testing

/// Float samples that an integer destination cannot hold, and stores that give none.
@Suite struct MisfitTests {
  @Test func onlyFramesThatDoNotFitAreLeftOut() throws {
    let test = try TestSession(
      """
      {
        session: { id: "misfit", description: "a test" },
        circuits: [{
          name: "rz", latch_trigger: 1,
          simulate: {
            rate: 1000, speed: "max", signals: { x: { channels: {
              "1": { sine: { amplitude: 33000, frequency: 1 } }, else: { counter: true } } } },
          },
        }],
        buffers: [{ name: "x", circuit: "rz", channels: 2, dest_type: "int16" }],
        run: { duration_s: 3 },
      }
      """)
    defer { test.remove() }
    let warnings = Mutex<[String]>([])
    let report = try test.recorder { text in warnings.withLock { $0.append(text) } }.run { _ in }
    #expect(report.exitCode == 75)

    let reader = try RecordingReader(reading: test.path)
    let frames = try #require(try reader.series().first).frames
    let samples = try reader.samples(of: "x", frames: 0..<frames, as: Int16.self)
    var invalid = Set<Int>()
    for row in try reader.invalidFrames() {
      #expect(row.reason == "out of range")
      invalid.formUnion(Int(row.frames.lowerBound)..<Int(row.frames.upperBound))
    }
    // 33000 · sin x is beyond 32767.5 for 0.1187 rad around each crest: 37.8 ms, six times in 3 s.
    #expect((6 * 36...6 * 39).contains(invalid.count))
    #expect(report.lost == Int64(invalid.count))
    let kept = (0..<frames).filter { samples[2 * $0] != 0 }
    #expect(kept == (0..<frames).filter { !invalid.contains($0) })
    #expect(Set(kept.map { Int(samples[2 * $0]) - $0 }).count == 1)

    let log = try reader.log().filter { $0.kind == .error }
    #expect(log.count == report.final.buffers[0].gaps)
    let text = try #require(log.first).text
    #expect(text.hasPrefix("x: frame \(invalid.min() ?? -1), channel 1: "))
    #expect(text.hasSuffix(" frames are left out"))
    #expect(warnings.withLock { $0.count } == 1)
    try reader.close()
  }

  @Test func aGatedStoreThatIsNeverEnabledIsSaidAtTheEnd() throws {
    let test = try TestSession(
      """
      {
        session: { id: "gate", description: "a test" },
        circuits: [{
          name: "rz", latch_trigger: 1,
          simulate: { rate: 1000, speed: "max", stores: { x: { gate: { trigger: 2 } } } },
        }],
        buffers: [{ name: "x", circuit: "rz", channels: 1, gated: true }],
        run: { duration_s: 1 },
      }
      """)
    defer { test.remove() }
    let report = try test.recorder().run { _ in }
    #expect(report.exitCode == 0)
    #expect(
      report.remarks == [
        "x: no samples: the circuit never enabled its store"
      ])
  }
}
