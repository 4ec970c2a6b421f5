import Clocks
import NWB
import Recording
import Testing

/// RMS, minimum, maximum and clipped codes of each channel and second.
@Suite struct LevelsTests {
  /// Channel 0 a sine of amplitude 100 that clips at −12.8 and 12.7, channel 1 dead, channel 2 a
  /// sine of amplitude 5.
  static let text = """
    {
      session: { id: "levels", description: "channels good and bad" },
      circuits: [{
        name: "rz", latch_trigger: 1,
        simulate: {
          rate: 6400, speed: "max",
          signals: { x: { channels: {
            "0": { sine: { amplitude: 100, frequency: 64 } },
            "2": { sine: { amplitude: 5, frequency: 64 } },
            else: { sum: [] },
          } } },
          stores: { x: { sf: 10 } },
        },
      }],
      buffers: [
        { name: "x", circuit: "rz", channels: 4, src_type: "int8", dest_type: "float32" },
      ],
      run: { duration_s: 5 },
    }
    """

  /// The lists of a row, by name: `x rms 1.0 2.0 minimum …`.
  private func lists(_ row: String) -> [String: [Double]] {
    var lists: [String: [Double]] = [:]
    var name = ""
    for word in row.split(separator: " ").dropFirst() {
      if let number = Double(word) {
        lists[name, default: []].append(number)
      } else {
        name = String(word)
      }
    }
    return lists
  }

  @Test func `every second has a row in the log with the levels of every channel`() throws {
    let test = try TestSession(Self.text)
    defer { test.remove() }
    _ = try test.recorder().run { _ in }
    let reader = try RecordingReader(reading: test.path)
    let rows = try reader.log().filter { $0.kind == .levels }
    let clipping = try reader.samples(of: "x", frames: 0..<12800, as: Float.self)
    try reader.close()
    // The last is what is left of a second.
    #expect((5...7).contains(rows.count))
    for (row, next) in zip(rows, rows.dropFirst()).dropLast() {
      #expect(abs(next.time - row.time - 1) < 0.1)
    }
    for row in rows.dropLast() {
      let lists = lists(row.text)
      #expect(lists["minimum"] == [-12.8, 0, -5, 0])
      #expect(lists["maximum"] == [12.7, 0, 5, 0])
      let rms = try #require(lists["rms"])
      #expect(rms.count == 4)
      // Rounded to codes.
      #expect(abs(rms[2] - 5 / 2.0.squareRoot()) < 0.02)
      #expect(rms[1] == 0)
      #expect(lists["clipped"]?[1...] == [0, 0, 0])
    }
    // Of a period of 100 frames all but those within the limits are clipped.
    let perPeriod = (0..<100).count { [-12.8, 12.7].contains(clipping[4 * $0]) }
    let clipped = try #require(lists(rows[2].text)["clipped"]?[0])
    #expect(abs(clipped - Double(64 * perPeriod)) < Double(4 * perPeriod))
  }

  @Test func `the status and the report tell which channels are dead and which clip`() throws {
    let test = try TestSession(Self.text)
    defer { test.remove() }
    let report = try test.recorder().run { status in
      guard status.time > 2.5, status.state == "recording" else { return }
      #expect(status.buffers[0].levels.map(\.isConstant) == [false, true, false, true])
      #expect(status.buffers[0].levels.map(\.maximum) == [12.7, 0, 5, 0])
    }
    let buffer = report.final.buffers[0]
    #expect(buffer.clippedCodes[0] > 0)
    #expect(buffer.clippedCodes[1...] == [0, 0, 0])
    #expect(buffer.clipped == buffer.clippedCodes[0])
    #expect(buffer.constantSeconds[0] == 0 && buffer.constantSeconds[2] == 0)
    #expect((4...5.1).contains(buffer.constantSeconds[1]))
    // Neither is a loss.
    #expect(report.exitCode == 0)
  }
}
