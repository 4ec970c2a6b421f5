import Foundation
import NWB
import Samples
import Testing

/// Files of ours, as pynwb, nwbinspector, SpikeInterface, h5py and h5dump see them.
@Suite("The readers people use", .serialized)
struct ReadersTests {
  static let python = ProcessInfo.processInfo.environment["DAQREC_PYTHON"]

  @Test(
    "find nothing to complain about in a full recording and in one without rows",
    .enabled(if: python != nil, "DAQREC_PYTHON names no interpreter with pynwb"),
    .timeLimit(.minutes(2)))
  func fullAndEmpty() throws {
    let folder = try TemporaryFolder()
    let full = folder.path("full.nwb.h5")
    try writeFullRecording(full)
    let bare = folder.path("bare.nwb.h5")
    try writeBareRecording(bare)
    let result = try run([script("check_file.py"), full, bare])
    #expect(result.status == 0, Comment(rawValue: result.output))
    #expect(result.output.components(separatedBy: ": OK, ").count == 13)
  }

  @Test(
    "see whole rows and right samples whenever they look at a growing file",
    .enabled(if: python != nil, "DAQREC_PYTHON names no interpreter with h5py"),
    .timeLimit(.minutes(2)))
  func live() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("live.nwb.h5")
    let file = try RecordingFile(creating: path, exampleDescription())
    let output = Pipe()
    let watcher = try start(
      [script("watch_live.py"), "--progress", "--period", "0", "--counter", "lfp", path], output)
    var lines = Lines(output.fileHandleForReading)
    #expect(lines.next() == "watching")
    var frames = 0
    for round in 1...12 {
      // Rows in plenty, so that chunks of every column are begun under the reader's eyes.
      for row in 0..<100 {
        try file.series[0].appendCounter(frames..<frames + 7)
        try file.series[0].skip(rows: row == 50 ? 30 : 0)
        frames = file.series[0].rows
        let time = Double(frames) / 1000
        try file.ledger?.append(
          SignalChange(
            onset: time, uncertainty: 1e-4, basis: .clockMap, requested: time, queued: time,
            channel: 0, repeats: 0, streamSample: Int64(frames),
            amplitudes: Array(repeating: 1, count: row), durations: Array(repeating: 2, count: row))
        )
        file.log.append(at: time, .note, "row \(row)")
        try file.circuits[0].append(
          time: time, host: time, sample: Int64(frames), bracket: (before: 0, after: 1),
          positions: Array(repeating: RingPosition(cycle: 0, index: row), count: 2))
        if row.isMultiple(of: 3) { try file.flush() }
      }
      #expect(lines.next()?.hasPrefix("round ") == true, "round \(round)")
    }
    _ = try file.close()
    var last: String?
    while let line = lines.next() { last = line }
    watcher.waitUntilExit()
    #expect(watcher.terminationStatus == 0)
    // 12 times 700 frames of the counter, and none lost.
    #expect(last?.hasPrefix("OK, ") == true, "\(last ?? "nothing said")")
    #expect(last?.contains(" 8400 frames of counters, ") == true, "\(last ?? "nothing said")")
  }

  /// Every dataset gets rows, one series has a gap and a part chunk at its end.
  private func writeFullRecording(_ path: String) throws {
    let file = try RecordingFile(creating: path, exampleDescription())
    file.log.append(at: 0, .start, "recording")
    try file.series[0].setStartingTime(0.5)
    try file.series[1].setStartingTime(0.5)
    try file.series[0].appendCounter(0..<30)
    try file.series[0].skip(rows: 11)
    try file.series[0].appendCounter(41..<63)
    try file.series[1].append(values: (0..<31).map { Float($0) / 4 })
    for poll in 0..<20 {
      let time = 0.5 + Double(poll * poll) / 1000
      try file.circuits[0].append(
        time: time, host: time, sample: Int64(poll), bracket: (before: 1, after: 2),
        positions: [RingPosition(cycle: 0, index: poll), RingPosition(cycle: 1, index: 0)])
      try file.stimulator?.append(
        time: time, host: time, framesDone: Int64(poll), framesBuffered: [5, 6],
        bracket: (before: 1, after: 2))
      file.links[0].append(
        time: time,
        .init(hostSend: 0, bridgeReceive: 1000, bridgeSend: 1500, hostReceive: 900))
      file.eventBuffers[0].append(at: time, tick: Int64(poll))
      file.tags?.append(at: time, tag: "amp_gain", value: 2 + time)
      try file.ledger?.append(
        SignalChange(
          onset: time, uncertainty: 1e-4, basis: .clockMap, requested: time - 0.1,
          queued: time - 0.05, channel: UInt8(poll % 2), repeats: Int32(poll),
          streamSample: Int64(poll) * 100, amplitudes: [0.25, -0.25, 0],
          durations: [0.2, 0.2, 49.6]))
      try file.trials.append(
        start: time, stop: time + 0.01, frames: Int64(poll)..<Int64(poll + 10),
        ["level": .number(Double(poll)), "stim": .text("tone µ")])
    }
    file.invalidTimes.append(
      start: 0.53, stop: 0.541, series: "lfp", frames: 30..<41, reason: "overrun")
    file.invalidTimes.append(
      start: 0.55, stop: 0.56, series: "lfp", frames: 50..<60, reason: "sf uncertain")
    try file.flush()
    try file.durable?.append(file.series.map { Int64($0.rowsInFile) })
    file.log.append(at: 1, .note, String(repeating: "long ", count: 100))
    file.log.append(at: 2, .stop, "planned end")
    #expect(try file.close() == nil)
  }

  private func writeBareRecording(_ path: String) throws {
    let file = try RecordingFile(creating: path, exampleDescription())
    try file.series[0].appendCounter(0..<10)
    file.log.append(at: 0, .start, "recording")
    file.log.append(at: 1, .stop, "planned end")
    #expect(try file.close() == nil)
  }

  private func script(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "tools/readers/\(name)").path
  }

  private func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let pipe = Pipe()
    let process = try start(arguments, pipe)
    let output = String(
      decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }

  private func start(_ arguments: [String], _ output: Pipe) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: Self.python ?? "")
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = output
    try process.run()
    return process
  }
}

/// The lines of a pipe as they come.
private struct Lines {
  private let handle: FileHandle
  private var rest = Data()

  init(_ handle: FileHandle) {
    self.handle = handle
  }

  /// Blocks until a line is complete; nil at the end.
  mutating func next() -> String? {
    while true {
      if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        defer { rest = Data(rest[(end + 1)...]) }
        return String(decoding: rest[..<end], as: UTF8.self)
      }
      let more = handle.availableData
      guard !more.isEmpty else { return nil }
      rest.append(more)
    }
  }
}
