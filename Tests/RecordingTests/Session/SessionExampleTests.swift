import Devices
import NWB
import Samples
import Testing

@testable import Recording

/// The sessions that people begin with.
@Suite struct SessionExampleTests {
  @Test func `the session that init writes is valid`() throws {
    let session = try Session.load(text: SessionTemplate.text)
    #expect(session.buffers.map(\.name) == ["lfp", "sync"])
    #expect(session.buffers.first?.format.channels == 16)
    #expect(session.buffers.first?.electrodes?.electrodes.count == 16)
    #expect(session.stimulator?.sync == .init(output: 0, buffer: "sync", channel: 0))
    #expect(session.run.duration == 60)
    #expect(session.stimulus.plan?.schedule.repeats == 20)
    #expect(session.circuits.first?.driver == .simulator)
    let signals = session.circuits.first?.simulation.device.signals
    #expect(signals?.keys.sorted() == ["lfp", "sync"])
  }

  @Test func `the lines of that session are short and begin at the left`() {
    let lines = SessionTemplate.text.split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 100 })
    #expect(lines.first?.hasPrefix("// ") == true)
    #expect(SessionTemplate.text.hasSuffix("}\n"))
  }

  /// The session of the specification, its placeholders filled.
  static let documented = #"""
    {
      session: {
        id: "m42-icms",                        // required
        description: "Evoked LFP to cortical microstimulation",   // required
        experimenter: ["Last, First"], lab: "L", institution: "I", experiment_description: "E", keywords: ["icms"],
        subject: { id: "m42", species: "Mus musculus", sex: "F", age: "P90D" },
      },
      file: {
        path: "{id}_{date}_{time}.nwb.h5",
        flush_s: 1.0, sync_s: 5.0,
        compression: "none", compression_level: 1,   // or "gzip"
        reserve_MB: 256,
      },
      circuits: [{
        name: "rz",                            // required
        driver: "simulator",                   // or "bridge"
        model: "RZ2", index: 1, interface: null, circuit: "icms.rcx" /* bridge: a path on the rig */, rate_code: null, latch_trigger: 1,
        command: ["ssh", "-T", "-oBatchMode=yes", "rig", "python", "-u", "-m", "daqrec_bridge", "--device", "tdt"],   // bridge
        poll_ms: null,
        simulate: { rate: 24414.0625, ppm: 0, speed: 1, seed: 1, latency: "optical", signals: { /* per data tag */ }, faults: [] },
        tags: { amp_gain: 2.0 },
        watch_tags: ["amp_gain"],
        start_trigger: null,
      }],
      buffers: [{
        name: "lfp", circuit: "rz", channels: 16,       // required
        kind: "samples",
        data_tag: "lfp", idx_tag: null, size_tag: null, sf_tag: null, cycle_tag: null, dec_tag: null,
        src_type: "int16", dest_type: "float32", block_size: 1, dec_factor: null, size: null,
        pack_order: "lsb", layout: "channels", gated: false,
        unit: "volts", gain: 1e-6,
        electrodes: { location: "SSp" /* Allen term for a mouse */, group: "probe1", table: "map.csv" },
        on_overrun: "gap",
      }, { name: "sync", circuit: "rz", channels: 1 }],
      outputs: [{ name: "speaker", circuit: "rz", data_tag: "speaker", channels: 1, src_type: "float32", source: "tone.wav", mode: "epoch", trigger: 2 }],
      stimulator: {
        name: "stg", driver: "simulator", command: null, serial: null, mode: "current",
        output_rate_in_hz: 50000, buffer_in_s: 0.05, capacity_in_s: 0.1, callback_percent: 10, continuous: true,
        limits: [{ channels: [0], max_mA: 0.2, max_charge_nC: 20, max_net_charge_nC: null }],
        sync: { output: 0, buffer: "sync", channel: 0 },
      },
      stimulus: {
        start_after_s: 2.0,
        signals: [{ channel: 0, amplitudes_in_mA: [0.1, -0.1, 0], durations_in_ms: [0.2, 0.2, 49.6] }],
        changes: [{ at_s: 5.0 /* after sample 0, recording clock */, channel: 0, amplitudes_in_mA: [0.1, -0.1, 0], durations_in_ms: [0.2, 0.2, 9.6], repeat: 3 }],
        protocol: {
          conditions: [{ name: "low", channel: 0, pulse: { intensity_in_mA: 0.05, mode: "biphasic", pulsewidth_in_ms: 0.2, interphase_in_ms: 0, burstcount: 1, isi_in_ms: 9.6 }, repeat: 10, columns: { level: 1 } }],
          repeats: 20, isi_s: { uniform: [0.8, 1.2] },
          order: "shuffled",
          seed: 7,
        },
      },
      control: { trial_columns: { level: "number", stim: "text" } },
      run: { duration_s: 60 },
    }
    """#

  /// Two samples of one channel at 44.1 kHz, PCM of 16 bits.
  static let tone: [UInt8] =
    Array("RIFF".utf8) + [40, 0, 0, 0] + Array("WAVEfmt ".utf8)
    + [16, 0, 0, 0, 1, 0, 1, 0, 0x44, 0xAC, 0, 0, 0x88, 0x58, 1, 0, 2, 0, 16, 0]
    + Array("data".utf8) + [4, 0, 0, 0, 0, 0, 1, 0]

  @Test func `the documented session is valid and read as documented`() throws {
    let rows = (0..<16).map { "A\($0),\($0 * 20)\n" }.joined()
    let folder = try TemporaryFolder([
      "map.csv": Array("name,rel_y\n\(rows)".utf8), "tone.wav": Self.tone,
    ])
    let session = try Session.load(text: Self.documented, folder: folder.path)
    #expect(session.texts.experimenters == ["Last, First"])
    #expect(session.subject?.age == "P90D")
    let circuit = try #require(session.circuits.first)
    #expect(circuit.command.count == 10)
    #expect(circuit.tags.map(\.name) == ["amp_gain"])
    #expect(circuit.tags.map(\.value) == [2])
    #expect(circuit.watchTags == ["amp_gain"])
    let buffer = try #require(session.buffers.first)
    #expect(
      buffer.format == SlotFormat(source: .int16, destination: .float32, channels: 16))
    #expect(buffer.gains == Array(repeating: 1e-6, count: 16))
    #expect(
      buffer.electrodes?.electrodes.last == .init(name: "A15", group: "probe1", location: "SSp"))
    #expect(session.outputs.first?.trigger == .software(2))
    #expect(
      session.stimulator?.limits
        == [0: SignalLimits(maximumAmplitude: 0.2, maximumPhaseCharge: 20, maximumNetCharge: nil)])
    #expect(session.stimulus.changes.first?.time == 5)
    #expect(session.stimulus.changes.first?.signal.repeats == 3)
    let plan = try #require(session.stimulus.plan)
    #expect(session.trialColumns.map(\.name) == ["condition", "repeat", "level", "stim"])
    #expect(plan.schedule.interval == .uniform(0.8, 1.2))
    #expect(plan.schedule.seed == 7)
    #expect(plan.conditions.first?.columns.map(\.value) == [.number(1)])
    #expect(session.control.trialColumns.map(\.kind) == [.number, .text])
  }

  @Test func `paths are relative to the session file but for the recording's`() throws {
    let folder = try TemporaryFolder([
      "tone.npy": npy(frames: 10, channels: 1),
      "s.json5": Array(
        SessionText(
          """
          file: { path: "here.nwb" },
          outputs: [{ name: "speaker", circuit: "rz", source: "tone.npy" }],
          """
        ).text.utf8),
    ])
    let session = try Session.load(path: folder.path + "/s.json5")
    #expect(session.file.path == "here.nwb")
    #expect(session.outputs.first?.source == folder.path + "/tone.npy")
    #expect(session.path == folder.path + "/s.json5")
  }
}
