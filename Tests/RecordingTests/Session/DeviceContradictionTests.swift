import Devices
import Testing

@testable import Recording

@Suite struct DeviceContradictionTests {
  @Test(arguments: [
    Wrong(
      #"circuits: [{ name: "rz" }, { name: ¦"rz" }],"#,
      #"circuits.1.name: "rz" is the name of circuits.0 already; names must differ"#),
    Wrong(
      #"stimulator: { name: ¦"rz" },"#,
      #"stimulator.name: "rz" is the name of circuits.0 already; names must differ"#),
    Wrong(
      #"circuits: [{ name: "rz" }, { name: ¦"models" }],"#,
      #"circuits.1.name: "models" is taken in the file; choose another name"#),
    Wrong(
      #"circuits: [¦{ name: "rz", driver: "bridge" }],"#,
      "circuits.0.command: is missing; a bridge's command is required"),
    Wrong(
      #"circuits: [{ name: "rz", driver: "bridge", command: ["b"], simulate: ¦{} }],"#,
      "circuits.0.simulate: a bridge is not simulated; leave simulate out, or use driver: "
        + "\"simulator\""),
    Wrong(
      #"circuits: [{ name: "rz", driver: ¦"tdt" }],"#,
      #"circuits.0.driver: "tdt" is not allowed; allowed: "simulator", "bridge""#),
    Wrong(
      #"circuits: [{ name: "rz", latch_trigger: ¦11 }],"#,
      "circuits.0.latch_trigger: 11 is not allowed; allowed: a whole number from 1 to 10"),
    Wrong(
      #"circuits: [{ name: "rz", start_trigger: ¦"C" }],"#,
      #"circuits.0.start_trigger: "C" is not allowed; allowed: a trigger: 1 to 10, "A" or "B""#),
    Wrong(
      #"circuits: [{ name: "rz", start_trigger: ¦0 }],"#,
      #"circuits.0.start_trigger: 0 is not allowed; allowed: a trigger: 1 to 10, "A" or "B""#),
    Wrong(
      #"circuits: [{ name: "rz", latch_trigger: 2, start_trigger: ¦2 }],"#,
      "circuits.0.start_trigger: 2 is the latch_trigger, which every poll fires"),
    Wrong(
      #"circuits: [{ name: "rz", poll_ms: ¦0 }],"#,
      "circuits.0.poll_ms: 0 is not allowed; allowed: a finite number above 0 and up to 60000"),
    Wrong(
      #"circuits: [{ name: "rz", tags: { gain: ¦"2" } }],"#,
      #"circuits.0.tags.gain: "2" is not allowed; allowed: a finite number"#),
  ])
  func `circuits must fit`(wrong: Wrong) { wrong.check() }

  @Test(arguments: [
    Wrong(
      #"circuits: [{ name: "rz", simulate: { rate: ¦0 } }],"#,
      "circuits.0.simulate.rate: 0 is not allowed; allowed: a finite number above 0"),
    Wrong(
      #"circuits: [{ name: "rz", simulate: { speed: ¦"fast" } }],"#,
      #"circuits.0.simulate.speed: "fast" is not allowed; allowed: a finite number above 0, or "max""#
    ),
    Wrong(
      #"circuits: [{ name: "rz", simulate: { speed: ¦0 } }],"#,
      #"circuits.0.simulate.speed: 0 is not allowed; allowed: a finite number above 0, or "max""#),
    Wrong(
      """
      circuits: [{ name: "rz", simulate: { speed: 2 } }, { name: "rx" },
        { name: "ry", simulate: { speed: ¦"max" } }],
      """,
      "circuits.2.simulate.speed: differs from circuits.0.simulate.speed; devices of a session "
        + "share one time: give it once"),
    Wrong(
      """
      circuits: [{ name: "rz", simulate: { speed: 2 } }],
      stimulator: { simulate: { speed: ¦3 } },
      """,
      "stimulator.simulate.speed: differs from circuits.0.simulate.speed; devices of a session "
        + "share one time: give it once"),
    Wrong(
      """
      circuits: [{ name: "rz", simulate: { speed: ¦"max" } }],
      stimulator: { driver: "bridge", command: ["b"],
        limits: [{ channels: [0], max_mA: 1, max_charge_nC: 1 }] },
      """,
      "circuits.0.simulate.speed: a session with a real device runs in real time; allowed: 1"),
    Wrong(
      #"circuits: [{ name: "rz", simulate: { signals: { lpf: ¦{ counter: true } } } }],"#,
      "circuits.0.simulate.signals.lpf: no buffer or output of the circuit has this data tag; did "
        + "you mean lfp?"),
    Wrong(
      #"circuits: [{ name: "rz", simulate: { stores: { spikes: ¦{} } } }],"#,
      "circuits.0.simulate.stores.spikes: no buffer or output of the circuit has this data tag; "
        + "allowed: lfp"),
    Wrong(
      #"circuits: [{ name: "rz", simulate: { stores: { lfp: { tags_absent: [¦"c"] } } } }],"#,
      "circuits.0.simulate.stores.lfp.tags_absent.0: \"c\" is not allowed; allowed: lfp_i, lfp_n, "
        + "lfp_sf, lfp_c, lfp_d"),
    Wrong(
      """
      circuits: [{ name: "rz", simulate: { stores: { x: { size_max: ¦100 } } } }],
      buffers: [{ name: "x", circuit: "rz", channels: 1, size: 101 }],
      """,
      "circuits.0.simulate.stores.x.size_max: 100 is less than the size of buffer x; allowed: from "
        + "101"),
    Wrong(
      """
      circuits: [{ name: "rz", simulate: { stores: { x: { size_max: ¦101 } } } }],
      buffers: [{ name: "x", circuit: "rz", channels: 1, src_type: "int16" }],
      """,
      "circuits.0.simulate.stores.x.size_max: 101 samples do not fill whole slots; allowed: "
        + "multiples of 2"),
  ])
  func `what is simulated must fit`(wrong: Wrong) { wrong.check() }

  @Test func `speed is the session's, wherever it is given`() throws {
    let session = try SessionText(
      """
      circuits: [{ name: "rz" }, { name: "rx", simulate: { speed: "max" } }],
      """
    ).load()
    #expect(session.speed == .infinity)
    #expect(session.circuits.map(\.simulation.device.speed) == [.infinity, .infinity])
    let stimulator = try SessionText("stimulator: { simulate: { speed: 10 } },").load()
    #expect(stimulator.speed == 10)
    #expect(stimulator.circuits.first?.simulation.device.speed == 10)
  }

  @Test(arguments: [
    Wrong(
      """
      stimulator: ¦{ driver: "bridge",
        limits: [{ channels: [0], max_mA: 1, max_charge_nC: 1 }] },
      """,
      "stimulator.command: is missing; a bridge's command is required"),
    Wrong(
      #"stimulator: { mode: ¦"charge" },"#,
      #"stimulator.mode: "charge" is not allowed; allowed: "current", "voltage""#),
    Wrong(
      "stimulator: { output_rate_in_hz: ¦20000 },",
      "stimulator.output_rate_in_hz: 20000 is not allowed; allowed: 50000, 10000"),
    Wrong(
      "stimulator: { capacity_in_s: ¦1 },",
      "stimulator.capacity_in_s: 1 is not allowed; allowed: a finite number from 0.001 to 0.25"),
    Wrong(
      "stimulator: { buffer_in_s: 0.1, capacity_in_s: ¦0.2 },",
      "stimulator.capacity_in_s: with buffer_in_s 0.1 more than is safe could be queued ahead; "
        + "allowed: 0.25 s for both"),
    Wrong(
      "stimulator: { callback_percent: ¦101 },",
      "stimulator.callback_percent: 101 is not allowed; allowed: a whole number from 0 to 100"),
    Wrong(
      "stimulator: { limits: [{ channels: [0, ¦8], max_mA: 1, max_charge_nC: 1 }] },",
      "stimulator.limits.0.channels.1: 8 is not allowed; allowed: a channel from 0 to 7"),
    Wrong(
      """
      stimulator: { simulate: { channels: 2 },
        limits: [{ channels: [¦2], max_mA: 1, max_charge_nC: 1 }] },
      """,
      "stimulator.limits.0.channels.0: 2 is not allowed; allowed: a channel from 0 to 1"),
    Wrong(
      "stimulator: { limits: [{ channels: [0, ¦0], max_mA: 1, max_charge_nC: 1 }] },",
      "stimulator.limits.0.channels.1: channel 0 has limits already; one entry for each is allowed"),
    Wrong(
      "stimulator: { limits: [¦{ channels: [0], max_mA: 1 }] },",
      "stimulator.limits.0.max_charge_nC: is missing; a number is required"),
    Wrong(
      "stimulator: { limits: [{ channels: [0], max_mA: ¦0, max_charge_nC: 1 }] },",
      "stimulator.limits.0.max_mA: 0 is not allowed; allowed: a finite number above 0"),
    Wrong(
      #"stimulator: { mode: "voltage", limits: [{ channels: [0], max_mV: 1, ¦max_charge_nC: 1 }] },"#,
      "stimulator.limits.0.max_charge_nC: unknown key; allowed: channels, max_mV"),
    Wrong(
      #"stimulator: { sync: { buffer: ¦"lpf" } },"#,
      #"stimulator.sync.buffer: there is no buffer "lpf"; did you mean "lfp"?"#),
    Wrong(
      #"stimulator: { sync: { buffer: "lfp", channel: ¦16 } },"#,
      "stimulator.sync.channel: 16 is not allowed; allowed: a channel of lfp, from 0 to 15"),
    Wrong(
      #"stimulator: { sync: { buffer: "lfp", output: ¦8 } },"#,
      "stimulator.sync.output: 8 is not allowed; allowed: a channel from 0 to 7"),
    Wrong(
      """
      buffers: [{ name: "licks", circuit: "rz", kind: "events" }],
      stimulator: { sync: { buffer: ¦"licks" } },
      """,
      #"stimulator.sync.buffer: "licks" holds tick stamps; a buffer of samples is wanted"#),
    Wrong(
      "stimulator: { simulate: ¦{ range_nA: 1, resolution_nA: 2 } },",
      "stimulator.simulate: a resolution of 2.0 and a range of 1.0 are no DAC's"),
  ])
  func `the stimulator must fit`(wrong: Wrong) { wrong.check() }

  @Test func `a real stimulator without limits is refused`() {
    let start = #"stimulator: ¦{ driver: "bridge", command: ["b"] },"#
    Wrong(
      start, "stimulator.limits: are missing; a real stimulator does not start without"
    ).check()
    Wrong(
      """
      stimulator: { driver: "bridge", command: ["b"], limits: ¦[] },
      """,
      "stimulator.limits: are missing; a real stimulator does not start without"
    ).check()
    Wrong(
      """
      stimulator: { driver: "bridge", command: ["b"],
        limits: ¦[{ channels: [0], max_mA: 1, max_charge_nC: 1000 }] },
      stimulus: { signals: [{ channel: 3,
        amplitudes_in_mA: [0.1, -0.1, 0], durations_in_ms: [1, 1, 8] }] },
      """,
      "stimulator.limits: there are none for channel 3, which the stimulus uses"
    ).check()
  }

  @Test(arguments: [
    Wrong(
      #"outputs: [¦{ name: "s", circuit: "rz" }],"#,
      "outputs.0.source: is missing; a .wav or .npy file is required"),
    Wrong(
      #"outputs: [{ name: "s", circuit: ¦"rx", source: "two.npy", channels: 2 }],"#,
      #"outputs.0.circuit: there is no circuit "rx"; did you mean "rz"?"#),
    Wrong(
      #"outputs: [{ name: ¦"lfp", circuit: "rz", source: "two.npy", channels: 2 }],"#,
      #"outputs.0.name: "lfp" is the name of buffers.0 already; names must differ"#),
    Wrong(
      #"outputs: [{ name: "s", circuit: "rz", source: "two.npy", channels: 2, trigger: ¦11 }],"#,
      #"outputs.0.trigger: 11 is not allowed; allowed: a trigger: 1 to 10, "A" or "B""#),
    Wrong(
      """
      circuits: [{ name: "rz", latch_trigger: 1 }],
      outputs: [{ name: "s", circuit: "rz", source: "two.npy", channels: 2, trigger: ¦1 }],
      """,
      "outputs.0.trigger: 1 is the circuit's latch_trigger, which every poll fires"),
    Wrong(
      """
      outputs: [{ name: "s", circuit: "rz", source: "two.npy", channels: 2, src_type: "int16",
        mode: ¦"loop" }],
      """,
      #"outputs.0.mode: "loop" is not allowed; allowed: "epoch", "continuous""#),
    Wrong(
      #"outputs: [{ name: "s", circuit: "rz", data_tag: ¦"lfp", source: "two.npy", channels: 2 }],"#,
      "outputs.0.data_tag: lfp is the data tag of buffer lfp already; an output has a store of its "
        + "own"),
    Wrong(
      """
      outputs: [{ name: "s", circuit: "rz", source: "two.npy", channels: 2 },
        { name: "t", circuit: "rz", data_tag: ¦"s", source: "two.npy", channels: 2 }],
      """,
      "outputs.1.data_tag: s is the data tag of output s already; an output has a store of its own"),
    Wrong(
      #"outputs: [{ name: "s", circuit: "rz", source: "two.npy", channels: 2, pack_order: ¦"big" }],"#,
      #"outputs.0.pack_order: "big" is not allowed; allowed: "lsb", "msb""#),
  ])
  func `outputs must fit`(wrong: Wrong) throws {
    let folder = try TemporaryFolder(["two.npy": npy(frames: 2, channels: 2)])
    wrong.check(folder: folder.path)
  }

  @Test func `the source of an output must be a sound of its channels`() throws {
    let folder = try TemporaryFolder([
      "two.npy": npy(frames: 2, channels: 2), "tone.wav": Array("RIFX".utf8),
      "odd.npy": npy(frames: 5, channels: 1), "none.npy": npy(frames: 0, channels: 1),
    ])
    func wrong(_ source: String, _ message: String, type: String = "float32") {
      Wrong(
        #"outputs: [{ name: "s", circuit: "rz", src_type: "\#(type)", source: ¦"\#(source)" }],"#,
        "outputs.0.source: \(message)"
      ).check(folder: folder.path)
    }
    wrong(
      "none.wav",
      "there is no file \(folder.path)/none.wav; a path relative to the session file is wanted")
    wrong("two.npy", "\(folder.path)/two.npy has 2 channels, the output 1")
    wrong("tone.wav", "\(folder.path)/tone.wav: not a RIFF WAVE file")
    wrong(
      "odd.npy",
      "\(folder.path)/odd.npy has 5 samples, which do not fill whole slots of int16; allowed: "
        + "multiples of 2", type: "int16")
    wrong(
      "none.npy", "\(folder.path)/none.npy has no samples; at least 1 per channel are wanted")
  }
}
