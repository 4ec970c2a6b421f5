import Clocks
import Devices
import Foundation
import NWB
import Recording
import Testing

/// Whole sessions in virtual time, from the session's text to the closed file.
@Suite struct RecorderTests {
  /// Two buffers at different rates and a planned protocol on one circuit that is 40 ppm fast.
  static let text = """
    {
      session: { id: "test", description: "a test" },
      circuits: [{
        name: "rz", latch_trigger: 1,
        simulate: {
          rate: 6103.515625, ppm: 40, seed: 3, speed: "max",
          signals: { lfp: { counter: true }, slow: { sine: { amplitude: 1, frequency: 2 } } },
          stores: { slow: { dec: 50, sf: 1000 } },
        },
      }],
      buffers: [
        { name: "lfp", circuit: "rz", channels: 4, src_type: "int16", dest_type: "int16" },
        { name: "slow", circuit: "rz", channels: 2, src_type: "int16" },
      ],
      stimulator: { simulate: { speed: "max", ppm: -30 } },
      stimulus: {
        changes: [
          { at_s: 0.5, channel: 1, amplitudes_in_mA: [0.1, -0.1, 0], durations_in_ms: [0.2, 0.2, 9.6], repeat: 5 },
          { at_s: 1.25, channel: 0, amplitudes_in_mA: [0.1, -0.1, 0], durations_in_ms: [0.2, 0.2, 9.6], repeat: 3 },
        ],
      },
      run: { duration_s: 3 },
    }
    """

  @Test func everySampleOfTheCounterIsInItsPlace() throws {
    let test = try TestSession(Self.text)
    defer { test.remove() }
    let report = try test.recorder().run { _ in }
    #expect(report.exitCode == 0)
    #expect(report.lost == 0)

    let reader = try RecordingReader(reading: test.path)
    let series = try reader.series()
    let lfp = try #require(series.first { $0.name == "lfp" })
    #expect(lfp.frames >= 18310)
    let samples = try reader.samples(of: "lfp", frames: 0..<lfp.frames, as: Int16.self)
    let first = Int(samples[0])
    let expected = (0..<lfp.frames * 4).map { index in
      Int16(truncatingIfNeeded: first + index / 4 + 1000 * (index % 4))
    }
    #expect(samples == expected)
    #expect(try reader.invalidFrames().isEmpty)
    try reader.close()
  }

  @Test func seriesOfOneCircuitAreTicksApart() throws {
    let test = try TestSession(Self.text)
    defer { test.remove() }
    _ = try test.recorder().run { _ in }
    let reader = try RecordingReader(reading: test.path)
    let series = try reader.series()
    let lfp = try #require(series.first { $0.name == "lfp" })
    let slow = try #require(series.first { $0.name == "slow" })
    // Frame n of a buffer was stored at tick (n + 1) · dec: the difference is whole ticks.
    let ticks = (slow.startingTime - lfp.startingTime) * 6103.515625
    #expect(abs(ticks - ticks.rounded()) < 1e-6)
    #expect(ticks >= 0 && ticks < 51)
    try reader.close()
  }

  @Test func plannedChangesStandInTheLedgerAtTheirTime() throws {
    let test = try TestSession(Self.text)
    defer { test.remove() }
    let report = try test.recorder().run { _ in }
    #expect(report.final.stimulator?.changes == 2)
    let reader = try RecordingReader(reading: test.path)
    let ledger = try #require(try reader.ledger()).changes
    let start = try #require(try reader.series().first { $0.name == "lfp" }).startingTime
    #expect(ledger.map(\.channel) == [1, 0])
    #expect(ledger.map(\.repeats) == [5, 3])
    for (change, at) in zip(ledger, [0.5, 1.25]) {
      // The stream sample nearest the planned time, and what the maps knew by then.
      #expect(abs(change.requested - start - at) < 1e-9)
      #expect(abs(change.onset - change.requested) < 10e-6 + change.uncertainty)
      #expect(change.amplitudes == [0.1, -0.1, 0])
    }
    try reader.close()
  }

  @Test func twoRunsAreTheSame() throws {
    var ledgers: [[SignalChange]] = []
    var frames: [[Int]] = []
    for _ in 0..<2 {
      let test = try TestSession(Self.text)
      defer { test.remove() }
      _ = try test.recorder().run { _ in }
      let reader = try RecordingReader(reading: test.path)
      ledgers.append(try #require(try reader.ledger()).changes)
      frames.append(try reader.series().map(\.frames))
      try reader.close()
    }
    #expect(ledgers[0] == ledgers[1])
    #expect(frames[0] == frames[1])
  }

  @Test func anExistingFileStaysAsItIs() throws {
    let test = try TestSession(Self.text)
    defer { test.remove() }
    try Data("mine".utf8).write(to: URL(fileURLWithPath: test.path))
    let error = #expect(throws: Recorder.StartError.self) {
      try test.recorder().run { _ in }
    }
    #expect(error?.exitCode == 73)
    #expect(
      error?.description
        == "cannot create \(test.path): \(test.path) exists already and is not replaced")
    #expect(try String(contentsOfFile: test.path, encoding: .utf8) == "mine")
    #expect(try FileManager.default.contentsOfDirectory(atPath: test.folder.path).count == 1)
  }

  @Test func aStopIsReportedWithItsReason() throws {
    let test = try TestSession(Self.text)
    defer { test.remove() }
    let recorder = test.recorder()
    let report = try recorder.run { status in
      if status.state == "recording", status.time > 1 { recorder.stop.request(.signal(15)) }
    }
    #expect(report.exitCode == 143)
    let reader = try RecordingReader(reading: test.path)
    #expect(reader.state == .complete)
    #expect(try reader.log().last { $0.kind == .stop }?.text == "signal 15")
    try reader.close()
  }
}
