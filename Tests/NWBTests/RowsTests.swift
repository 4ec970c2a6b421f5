import HDF5
@testable import NWB
import Samples
import Testing

@Suite("Rows of tables")
struct RowsTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path("rows.nwb.h5")
  }

  /// Writes with `body`, closes, and reads back.
  private func written(
    _ change: (inout RecordingDescription) -> Void = { _ in },
    _ body: (borrowing RecordingFile) throws -> Void
  ) throws -> RecordingReader {
    var description = exampleDescription()
    change(&description)
    let file = try RecordingFile(creating: path, description)
    try body(file)
    #expect(try file.close() == nil)
    return try RecordingReader(reading: path)
  }

  private func change(_ amplitudes: [Double], _ durations: [Double]) -> SignalChange {
    SignalChange(
      onset: 2.5, uncertainty: 0.0001, basis: .clockMap, requested: 2.25, queued: 2.375,
      channel: 1, repeats: 3, streamSample: 125_000, amplitudes: amplitudes, durations: durations)
  }

  @Test("ledger rows come back as they were, lists of any length included")
  func ledger() throws {
    let changes = [
      change([0.25, -0.25, 0], [0.2, 0.2, 49.6]), change([], []), change([1], [2]),
    ]
    let reader = try written { file in
      for change in changes { try file.ledger?.append(change) }
      #expect(file.ledger?.rows == 3)
    }
    #expect(try reader.ledger() == LedgerContent(unit: .milliamperes, changes: changes))
    let raw = try ReadFile(reading: path)
    let table = "/events/stimulus_changes"
    #expect(try raw.read("\(table)/amplitudes_in_mA_index", as: UInt64.self) == [3, 3, 4])
    #expect(try raw.read("\(table)/amplitudes_in_mA", as: Double.self) == [0.25, -0.25, 0, 1])
    #expect(try raw.read("\(table)/id", as: Int64.self) == [0, 1, 2])
    #expect(
      try raw.attribute("target", of: "\(table)/amplitudes_in_mA_index")?.references
        == ["\(table)/amplitudes_in_mA"])
  }

  @Test("amplitudes of a voltage source are in millivolts")
  func voltage() throws {
    let reader = try written({ $0.stimulator?.amplitudeUnit = .millivolts }) { file in
      try file.ledger?.append(change([500, 0], [1, 9]))
    }
    #expect(try reader.ledger()?.unit == .millivolts)
    #expect(try reader.ledger()?.changes.first?.amplitudes == [500, 0])
  }

  @Test("a signal of unequal lists is refused and leaves no trace")
  func unequal() throws {
    let reader = try written { file in
      try file.ledger?.append(change([1], [2]))
      #expect(throws: NWBError.self) { try file.ledger?.append(change([1, 2], [1])) }
    }
    #expect(try reader.ledger()?.changes.count == 1)
  }

  @Test("a log text that is too long continues in further rows, cut between characters' scalars")
  func longText() throws {
    // 239 bytes of ASCII, then scalars of two bytes: the first row ends before the first of them.
    let text = String(repeating: "a", count: 239) + String(repeating: "µ", count: 150)
    let reader = try written { file in
      file.log.append(at: 0, .start, "")
      file.log.append(at: 1.5, .note, text)
      file.log.append(at: 1.5, .note, "another\nnote")
      #expect(file.log.rows == 5)
    }
    #expect(
      try reader.log() == [
        LogEntry(time: 0, kind: .start, text: "start"),
        LogEntry(time: 1.5, kind: .note, text: text),
        LogEntry(time: 1.5, kind: .note, text: "another note"),
      ])
    let raw = try ReadFile(reading: path)
    let rows = try raw.readStrings("/events/recorder_log/annotation")
    #expect(rows.map(\.utf8.count) == [5, 239, 240, 60, 12])
    #expect(
      try raw.info(of: "/events/recorder_log/annotation").type == .fixed(.text(bytes: 240, .utf8)))
    #expect(try raw.info(of: "/events/recorder_log/kind").type == .fixed(.text(bytes: 16, .utf8)))
  }

  @Test("clock readings come back raw and in seconds")
  func readings() throws {
    let reader = try written { file in
      for poll in 0..<3 {
        try file.circuits[0].append(
          time: Double(poll), host: Double(poll) + 0.5, sample: Int64(poll) * 24_414,
          bracket: (before: Int64(poll) * 10, after: Int64(poll) * 10 + 7),
          positions: [
            RingPosition(cycle: poll, index: 5 + poll), RingPosition(cycle: 2, index: 9),
          ])
      }
      try file.stimulator?.append(
        time: 1, host: 2, framesDone: 1 << 40, framesBuffered: [2500, 2501],
        bracket: (before: 3, after: 4))
      file.links[0].append(
        time: 1,
        .init(
          hostSend: 1_000, bridgeReceive: 5_002_000, bridgeSend: 5_003_000, hostReceive: 4_000))
    }
    let circuit = try reader.readings(ofCircuit: "rz")
    #expect(circuit.times == [0, 1, 2])
    #expect(circuit.hostTimes == [0.5, 1.5, 2.5])
    #expect(circuit.samples == [0, 24_414, 48_828])
    #expect((circuit.before, circuit.after) == ([0, 10, 20], [7, 17, 27]))
    #expect(circuit.buffers == ["lfp", "monitor"])
    #expect(circuit.indices == [5, 9, 6, 9, 7, 9])
    #expect(circuit.cycles == [0, 2, 1, 2, 2, 2])
    #expect(try reader.readings(ofCircuit: "rz", rows: 1..<9).times == [1, 2])
    let stimulator = try reader.readings(ofStimulator: "stg")
    #expect(stimulator.framesDone == [1 << 40])
    #expect((stimulator.channels, stimulator.framesBuffered) == (2, [2500, 2501]))
    #expect(try reader.exchanges(ofLink: "stg").map(\.hostReceive) == [4_000])
    // Both ways take 1 µs if the bridge is 5 ms ahead: (5001 + 4999) / 2 = 5000 µs.
    let raw = try ReadFile(reading: path)
    #expect(try raw.read("/acquisition/stg_link/data", as: Double.self) == [0.005])
    #expect(try reader.circuits() == ["rz"])
    #expect(try reader.stimulator() == "stg")
  }

  @Test("a reading without every buffer's position, or every channel's fill, is refused")
  func incompleteReadings() throws {
    let file = try RecordingFile(creating: path, exampleDescription())
    let position = RingPosition(cycle: 0, index: 0)
    #expect(throws: NWBError.self) {
      try file.circuits[0].append(
        time: 0, host: 0, sample: 0, bracket: (before: 0, after: 0), positions: [position])
    }
    #expect(throws: NWBError.self) {
      try file.stimulator?.append(
        time: 0, host: 0, framesDone: 0, framesBuffered: [], bracket: (before: 0, after: 0))
    }
    #expect(throws: NWBError.self) { try file.durable?.append([1]) }
  }

  @Test("the last durable row counts the frames of every series")
  func durable() throws {
    let reader = try written { file in
      try file.durable?.append([4, 0])
      try file.durable?.append([8, 4])
    }
    // Without clock readings the clock is removed, and durable with it.
    #expect(try reader.durable() == nil)
  }

  @Test("stamps, tags, trials and invalid times come back as they were")
  func others() throws {
    let reader = try written { file in
      try file.circuits[0].append(
        time: 0, host: 0, sample: 0, bracket: (before: 0, after: 0),
        positions: Array(repeating: RingPosition(cycle: 0, index: 0), count: 2))
      try file.durable?.append([4, 0])
      try file.durable?.append([8, 4])
      file.eventBuffers[0].append(at: 0.25, tick: 1 << 33)
      file.tags?.append(at: 0.5, tag: "amp_gain", value: 2)
      try file.trials.append(
        start: 1, stop: 2, frames: 10..<30, ["level": .number(60), "stim": .text("tone")])
      try file.trials.append(start: 2, stop: 2.5, frames: 30..<40, [:])
      file.invalidTimes.append(
        start: 3, stop: 3.5, series: "lfp", frames: 100..<600, reason: "overrun")
    }
    #expect(try reader.table("/events/licks")?.integers("tick") == [1 << 33])
    #expect(try reader.table("/events/tags")?.texts("tag") == ["amp_gain"])
    #expect(try reader.table("/events/tags")?.numbers("value") == [2])
    let trials = try #require(try reader.table("/intervals/trials"))
    #expect(trials.numbers("start_time") == [1, 2])
    #expect(trials.numbers("stop_time") == [2, 2.5])
    #expect(trials.integers("first_sample") == [10, 30])
    #expect(trials.integers("n_samples") == [20, 10])
    #expect(trials.texts("stim") == ["tone", "n/a"])
    #expect(trials.numbers("level")[0] == 60)
    #expect(trials.numbers("level")[1].isNaN)
    #expect(
      try reader.invalidFrames() == [
        InvalidFrames(series: "lfp", frames: 100..<600, start: 3, stop: 3.5, reason: "overrun")
      ])
    #expect(
      try reader.durable() == DurableContent(series: ["lfp", "monitor"], last: [8, 4], syncs: 2))
  }

  @Test("a trial with an undeclared column or a value of the wrong kind is refused")
  func wrongTrial() throws {
    let reader = try written { file in
      #expect(throws: NWBError.refused("trials have no column pitch")) {
        try file.trials.append(start: 0, stop: 1, frames: 0..<1, ["pitch": .number(1)])
      }
      #expect(throws: NWBError.refused("column level of the trials holds numbers")) {
        try file.trials.append(start: 0, stop: 1, frames: 0..<1, ["level": .text("loud")])
      }
      #expect(file.trials.rows == 0)
    }
    #expect(try reader.table("/intervals/trials") == nil)
  }

  @Test("more rows than a chunk holds stay in order")
  func manyRows() throws {
    let reader = try written { file in
      for row in 0..<1500 {
        file.log.append(at: Double(row), .note, "row \(row)")
        if row.isMultiple(of: 400) { try file.flush() }
      }
    }
    let log = try reader.log()
    #expect(log.count == 1500)
    #expect(log.indices.allSatisfy { log[$0].text == "row \($0)" && log[$0].time == Double($0) })
  }
}
