import Foundation
import HDF5
@testable import NWB
import Samples
import Testing

@Suite("A recording read back")
struct RecordingReaderTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path("recording.nwb.h5")
  }

  /// A recording of 10 frames with 2 flushed log rows, and an eleventh and twelfth frame and a
  /// third row that were not flushed.
  private func unfinished() throws -> RecordingFile {
    let file = try RecordingFile(creating: path, exampleDescription())
    try file.series[0].appendCounter(0..<8)
    try file.series[1].append(values: [1, 2, 3, 4])
    file.log.append(at: 0, .start, "recording")
    file.log.append(at: 0.25, .note, "flushed")
    try file.circuits[0].append(
      time: 0, host: 0, sample: 0, bracket: (before: 10, after: 40),
      positions: Array(repeating: RingPosition(cycle: 0, index: 0), count: 2))
    try file.flush()
    try file.durable?.append(file.series.map { Int64($0.rowsInFile) })
    try file.flush()
    try file.series[0].appendCounter(8..<10)
    file.log.append(at: 0.5, .note, "not flushed")
    return file
  }

  @Test("is live while it is written and complete when it is closed")
  func states() throws {
    let file = try unfinished()
    #expect(try RecordingState(of: path) == .live)
    _ = try file.close()
    #expect(try RecordingState(of: path) == .complete)
  }

  @Test("that was left by a dead writer has everything that was flushed")
  func killed() throws {
    let file = try unfinished()
    let copy = folder.path("killed.nwb.h5")
    try copyFile(path, to: copy)
    _ = try file.close()
    let reader = try RecordingReader(reading: copy)
    #expect(reader.state == .killed)
    #expect(try reader.series().map(\.frames) == [8, 4])
    #expect(
      try reader.samples(of: "lfp", frames: 0..<8, as: Int16.self)
        == (0..<8).flatMap { [counter($0, 0), counter($0, 1)] })
    #expect(try reader.log().map(\.text) == ["recording", "flushed"])
    #expect(
      try reader.durable() == DurableContent(series: ["lfp", "monitor"], last: [8, 4], syncs: 1))
  }

  @Test("says how long every column is, so that unequal ones can be found")
  func columnLengths() throws {
    let file = try unfinished()
    _ = try file.close()
    let reader = try RecordingReader(reading: path)
    let log = try reader.columnLengths(of: "/events/recorder_log")
    #expect(log.map(\.name) == ["id", "timestamp", "kind", "annotation"])
    #expect(log.map(\.rows) == [3, 3, 3, 3])
    let clock = try reader.columnLengths(of: "/acquisition/rz_clock")
    #expect(
      clock.map(\.name) == [
        "data", "timestamps", "sync/cycle", "sync/host_after_ns", "sync/host_before_ns",
        "sync/index", "sync/sample",
      ])
    #expect(clock.allSatisfy { $0.rows == 1 })
  }

  @Test("that lost its writer is a normal file again once its flags are cleared")
  func rescued() throws {
    let file = try unfinished()
    let copy = folder.path("killed.nwb.h5")
    try copyFile(path, to: copy)
    _ = consume file
    let rescued = try EditFile(rescuing: copy)
    try rescued.close()
    let reader = try RecordingReader(reading: copy)
    #expect(reader.state == .complete)
    #expect(try reader.log().count == 2)
  }

  @Test("is summarised in a few numbers")
  func summary() throws {
    let file = try unfinished()
    try file.series[0].setStartingTime(0.5)
    try file.series[0].skip(rows: 10)
    file.invalidTimes.append(
      start: 0.51, stop: 0.52, series: "lfp", frames: 10..<20, reason: "overrun")
    file.log.append(at: 0.6, .stop, "asked to")
    _ = try file.close()
    let reader = try RecordingReader(reading: path)
    let summary = try reader.summary()
    #expect(summary.state == .complete)
    #expect(summary.sessionID == "m42-icms")
    #expect(summary.startTime == "2026-03-01T09:30:00.125+01:00")
    #expect(summary.subject == "m42")
    #expect(summary.generatedBy == ["daqrec 1.0", "libhdf5 1.10.8"])
    #expect(summary.devices == ["rz", "stg"])
    // 20 frames at 1000 Hz from 0.5 s on end before the last log row.
    #expect(summary.duration == 0.6)
    #expect(summary.series.map(\.series.frames) == [20, 4])
    #expect(summary.series.map(\.invalidFrames) == [10, 0])
    #expect(summary.series[0].series.comments == ["device": "rz", "data_tag": "lfp"])
    #expect((summary.logRows, summary.changes, summary.trials) == (4, 0, 0))
    #expect(summary.stopReason == "asked to")
    #expect(!summary.isAligned)
    let clock = try #require(summary.clocks.first)
    #expect((clock.name, clock.readings, clock.medianBracket) == ("rz", 1, 30))
    #expect(summary.bytes > 4096)
    #expect(try reader.framesNeverStored(of: summary.series[0].series) == [12..<20])
  }

  @Test("gives samples in their unit, factors of channels included")
  func values() throws {
    let file = try unfinished()
    _ = try file.close()
    let reader = try RecordingReader(reading: path)
    let series = try #require(try reader.series().first)
    #expect(series.channelConversion == [1, 1.5])
    // Frame 1: codes 1 and 1001, 1 µV each, the second channel's times 1.5.
    let values = try reader.values(of: series, frames: 1..<2)
    #expect(abs(values[0] - 1e-6) < 1e-15)
    #expect(abs(values[1] - 1.5015e-3) < 1e-12)
  }

  @Test("has no tables without rows and no series without samples")
  func tidied() throws {
    let file = try RecordingFile(creating: path, exampleDescription())
    try file.series[0].appendCounter(0..<1)
    file.log.append(at: 0, .start, "recording")
    #expect(try file.close() == nil)
    let reader = try RecordingReader(reading: path)
    #expect(try reader.tables() == ["/events/recorder_log"])
    #expect(try reader.series().map(\.name) == ["lfp"])
    let raw = try ReadFile(reading: path)
    #expect(try raw.children(of: "/intervals").isEmpty)
    #expect(try raw.children(of: "/acquisition").map(\.name) == ["lfp"])
    #expect(try folder.names == ["recording.nwb.h5"])
  }

  @Test(
    "is refused if it is no HDF5 file, no NWB file, or not there", arguments: ["x", "h5", "no"])
  func foreign(what: String) throws {
    let path = folder.path(what)
    switch what {
    case "x":
      try "a text of more than twelve bytes".write(toFile: path, atomically: false, encoding: .utf8)
    case "h5": try LayoutFile(creating: path).close()
    default: break
    }
    #expect(throws: NWBError.self) {
      let reader = try RecordingReader(reading: path)
      _ = consume reader
    }
  }
}
