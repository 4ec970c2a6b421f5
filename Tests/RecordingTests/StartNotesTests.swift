import Clocks
import Devices
import NWB
import Recording
import Simulator
import Synchronization
import Testing

/// What is said of devices when a session starts and while it runs.
@Suite struct StartNotesTests {
  private func text(absent: [String] = [], channels: Int = 2, seconds: Double = 2) -> String {
    """
    {
      session: { id: "notes", description: "what is said" },
      circuits: [{
        name: "rz", latch_trigger: 3,
        simulate: {
          rate: 6400, speed: "max", signals: { x: { counter: true } },
          stores: { x: { tags_absent: [\(absent.map { "\"\($0)\"" }.joined(separator: ", "))] } },
        },
      }],
      buffers: [
        { name: "x", circuit: "rz", channels: \(channels), src_type: "int16", dest_type: "int16" },
        { name: "stamps", kind: "events", circuit: "rz" },
      ],
      run: { duration_s: \(seconds) },
    }
    """
  }

  private func warnings(of test: TestSession) throws -> [String] {
    let said = Mutex<[String]>([])
    _ = try test.recorder { line in said.withLock { $0.append(line) } }.run { _ in }
    return said.withLock { $0 }
  }

  @Test func `a buffer without a cycle tag is said once, and stands in the file`() throws {
    let test = try TestSession(text(absent: ["x_c"]))
    defer { test.remove() }
    let said = try warnings(of: test)
    #expect(said.count == 1)
    let line = try #require(said.first)
    #expect(line.hasPrefix("x: index only (no cycle tag)"))
    let reader = try RecordingReader(reading: test.path)
    #expect(try reader.log().filter { $0.kind == .note }.map(\.text) == [line])
    let series = try #require(try reader.series().first)
    #expect(series.comments["mode"]?.hasPrefix("index only") == true)
    #expect(series.comments["cycle_tag"] == nil)
    try reader.close()
  }

  @Test func `a buffer with a cycle tag needs no word`() throws {
    let test = try TestSession(text())
    defer { test.remove() }
    #expect(try warnings(of: test).isEmpty)
  }

  @Test func `the file has every attribute of a buffer`() throws {
    let test = try TestSession(text(absent: ["x_d"]))
    defer { test.remove() }
    _ = try test.recorder().run { _ in }
    let reader = try RecordingReader(reading: test.path)
    let comments = try #require(try reader.series().first).comments
    try reader.close()
    // A ring of one second: 6400 frames of two int16 in a slot each.
    let expected = [
      "device": "rz", "data_tag": "x", "idx_tag": "x_i", "size_tag": "x_n", "sf_tag": "x_sf",
      "cycle_tag": "x_c", "src_type": "int16", "dest_type": "int16", "compression": "2",
      "sf": "1.0", "resolution": "1.0", "dec_factor": "1", "dec": "1", "fs": "6400.0",
      "circuit_fs": "6400.0", "channels": "2", "block_size": "1", "n_slots": "6400",
      "n_samples": "12800", "size": "6400", "sample_time": "1.0", "n_slots_max": "6400",
      "n_samples_max": "12800", "size_max": "6400", "max_sample_time": "1.0",
      "latch_trigger": "3", "pack_order": "lsb", "layout": "channels", "phase": "known to 1 ticks",
    ]
    #expect(comments == expected)
  }

  @Test func `a circuit that uses nearly all of its tick is said once, and its worst is told`()
    throws
  {
    // The simulator takes half a percent for a channel.
    let test = try TestSession(text(channels: 180, seconds: 12))
    defer { test.remove() }
    let said = Mutex<[String]>([])
    let report = try test.recorder { line in said.withLock { $0.append(line) } }.run { _ in }
    #expect(
      said.withLock { $0 }
        == ["rz: 95 % of the tick is used; above 100 % the circuit cannot keep up"])
    #expect(report.final.circuits.map(\.name) == ["rz"])
    #expect(report.final.circuits[0].worstCycleUsage == 95)
    #expect(report.exitCode == 0)
  }

  @Test func `a circuit that does not tell how busy it is records all the same`() throws {
    let test = try TestSession(text(seconds: 12))
    defer { test.remove() }
    let calls = CallCounter()
    let openers = DeviceOpeners(
      circuit: { [session = test.session, world = test.world] settings, _ in
        CountedCircuit(
          try SimulatedCircuit(settings, of: session, in: world), calls, refusing: ["health"])
      },
      stimulator: DeviceOpeners.simulated(test.session, in: test.world).stimulator)
    let plan = SessionPlan(
      test.session, openers: openers, output: test.path, software: [("daqrec", "test")])
    let report = try Recorder(plan, timekeeper: test.timekeeper) { _ in }.run { _ in }
    #expect(report.exitCode == 0)
    #expect(report.final.circuits[0].worstCycleUsage == nil)
    // When it was opened, and once while it ran.
    #expect(calls.all["health"] == 2)
  }
}
