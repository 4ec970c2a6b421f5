import Devices
import Samples
import Testing

@testable import Recording

@Suite struct SimulateSectionTests {
  private func circuit(_ simulate: String) throws -> CircuitSimulationSettings {
    let session = try SessionText(
      "circuits: [{ name: \"rz\", tags: {}, simulate: {\n\(simulate)\n} }],"
    ).load()
    return try #require(session.circuits.first?.simulation)
  }

  @Test func `every value of a simulated circuit can be given`() throws {
    let simulation = try circuit(
      """
      rate: 97656.25, ppm: 35.5, drift_ppm_per_h: -2, wander_ppm: 0.1, speed: 4, seed: 9,
      latency: "usb", overflow: "wrap",
      stores: { lfp: { size_max: 5000, sf: 0, dec: 4, tags_absent: ["lfp_c", "lfp_d"],
        gate: { trigger: "A", length: 1000, resets: false } } },
      tags: { done: 0, on: { value: 1, type: "logic" }, count: { type: "integer" } },
      programs: [{ trigger: 3, tag: "done", at_trigger: 0, ticks: 500, afterwards: "toggle" }],
      """)
    #expect(simulation.device.rate == 97656.25)
    #expect(simulation.device.partsPerMillion == 35.5)
    #expect(simulation.device.driftPerHour == -2)
    #expect(simulation.device.wander == 0.1)
    #expect(simulation.device.speed == 4)
    #expect(simulation.device.seed == 9)
    #expect(simulation.device.latency == .usb)
    #expect(simulation.device.overflow == .wrap)
    var store = StoreSimulation()
    store.maximumSize = 5000
    store.scalingFactor = 0
    store.decimation = 4
    store.absentTags = ["lfp_c", "lfp_d"]
    store.gate = .init(trigger: .zBusA, length: .ticks(1000), resets: false)
    #expect(simulation.stores == ["lfp": store])
    #expect(simulation.tags == ["done": 0, "on": 1, "count": 0])
    #expect(simulation.tagTypes == ["on": .logic, "count": .integer])
    let program = try #require(simulation.programs.first)
    #expect(program.trigger == .software(3))
    #expect(program.tag == "done")
    #expect(program.atTrigger == .value(0))
    #expect(program.ticks == 500)
    #expect(program.afterwards == .toggle)
  }

  @Test(arguments: [
    ("{ counter: true }", "counter"),
    (
      "{ sine: { amplitude: 100, frequency: 10, phase_step: 0.1 } }",
      "sine(amplitude: 100.0, frequency: 10.0, phaseStep: 0.1)"
    ),
    ("{ noise: { deviation: 20, correlation: 0.9 } }", "noise(deviation: 20.0, correlation: 0.9)"),
    (
      "{ spikes: { amplitude: 80, rate: 5, noise: 10 } }",
      "spikes(amplitude: 80.0, rate: 5.0, noise: 10.0)"
    ),
    (
      "{ evoked: { channel: 1, gain: 50, latency_ms: 3, time_constant_ms: 2 } }",
      "evoked(stimulusChannel: 1, gain: 50.0, latency: 0.003, timeConstant: 0.002)"
    ),
    ("{ output: { channel: 2 } }", "output(stimulusChannel: 2)"),
    ("{ sync: { output: 1, level: 1000 } }", "sync(output: 1, level: 1000.0)"),
    (#"{ played_by: "speaker" }"#, #"playedBy(dataTag: "speaker")"#),
    ("{ stamps: { period: 100 } }", "stamps(period: 100)"),
  ])
  func `every signal can be given`(text: String, expected: String) throws {
    let model = try #require(try circuit("signals: { lfp: \(text) }").device.signals["lfp"])
    #expect("\(model)".replacing("Devices.SignalModel.", with: "") == expected)
  }

  @Test func `signals add up, and channels differ`() throws {
    let signals = try circuit(
      """
      signals: { lfp: { channels: {
        "0": { counter: true },
        "3": { sum: [{ noise: { deviation: 1 } }, { output: { channel: 0 } }] },
        else: { sine: { amplitude: 2, frequency: 1 } },
      } } }
      """
    ).device.signals
    guard
      case .channel(0, .counter, else: .channel(3, .sum(let parts), else: let rest))? =
        signals["lfp"]
    else {
      Issue.record("another model")
      return
    }
    #expect(parts.count == 2)
    guard case .sine(2, 1, 0) = rest else {
      Issue.record("another model for the rest")
      return
    }
  }

  @Test func `a stored array is played from beside the session`() throws {
    let folder = try TemporaryFolder(["x.npy": npy(frames: 4, channels: 16)])
    let session = try SessionText(
      """
      circuits: [{ name: "rz", simulate: { signals: {
        lfp: { playback: { file: "x.npy", scale: 2, loop: true } } } } }],
      """
    ).load(folder: folder.path)
    guard
      case .playback(let path, 2, true)? = session.circuits.first?.simulation.device.signals["lfp"]
    else {
      Issue.record("another model")
      return
    }
    #expect(path == folder.path + "/x.npy")
  }

  @Test func `a signal without a kind is refused`() {
    Wrong(
      "circuits: [{ name: \"rz\", simulate: { signals: { lfp: ¦{} } } }],",
      "circuits.0.simulate.signals.lfp: an object is not allowed; allowed: one of counter, sine, "
        + "noise, spikes, playback, evoked, output, sync, played_by, stamps, sum, channels"
    ).check()
  }

  @Test(arguments: [
    Wrong(
      "circuits: [{ name: \"rz\", simulate: { signals: { lfp: { ¦wave: {} } } } }],",
      "circuits.0.simulate.signals.lfp.wave: unknown key; allowed: counter, sine, noise, spikes, "
        + "playback, evoked, output, sync, played_by, stamps, sum, channels"),
    Wrong(
      "circuits: [{ name: \"rz\", simulate: { signals: { lfp: { counter: true, sine: ¦{} } } } }],",
      "circuits.0.simulate.signals.lfp.sine: counter stands here already; allowed: one, or { sum: [ "
        + "… ] }"),
    Wrong(
      "circuits: [{ name: \"rz\", simulate: { signals: { lfp: { channels: { a: ¦{ counter: true } } } } } }],",
      "circuits.0.simulate.signals.lfp.channels.a: unknown key; allowed: a channel's number in "
        + "quotes, else"),
    Wrong(
      "circuits: [{ name: \"rz\", simulate: { faults: [¦{ kind: \"halt\" }] } }],",
      "circuits.0.simulate.faults.0.at_s: is missing; a time, or a probability instead, is required"
    ),
    Wrong(
      "circuits: [{ name: \"rz\", simulate: { faults: [{ kind: ¦\"explode\", at_s: 1 }] } }],",
      "circuits.0.simulate.faults.0.kind: \"explode\" is not allowed; allowed: \"latency\", "
        + "\"error\", \"disconnect\", \"torn\", \"stall\", \"reset\", \"halt\", \"lap\", \"set_tag\""
    ),
    Wrong(
      "circuits: [{ name: \"rz\", simulate: { faults: [{ kind: \"halt\", at_s: 1, ¦for_s: 2 }] } }],",
      "circuits.0.simulate.faults.0.for_s: unknown key; allowed: kind, at_s, probability"),
    Wrong(
      """
      circuits: [{ name: "rz", simulate: { programs: [
        { trigger: 2, tag: "done", at_trigger: 1 },
        { trigger: 2, tag: ¦"lfp_sf", at_trigger: 1 }] } }],
      """,
      "circuits.0.simulate.programs.1.tag: is a tag of a store, which no program changes; a fault of "
        + "kind \"set_tag\" can"),
    Wrong(
      """
      circuits: [{ name: "rz", tags: { gain: 2 }, simulate: {
        stores: { lfp: { tags_absent: ["lfp_d"] } }, tags: { done: 0 },
        faults: [{ kind: "set_tag", at_s: 1, tag: ¦"lfp_sff", value: 3 },
          { kind: "set_tag", at_s: 1, tag: ¦"lfp_i", value: 3 },
          { kind: "set_tag", at_s: 1, tag: ¦"lfp_d", value: 3 },
          { kind: "set_tag", at_s: 1, tag: "gain", value: 3 }] } }],
      """,
      "circuits.0.simulate.faults.0.tag: the circuit has no tag \"lfp_sff\" that can be set; "
        + "allowed: lfp_n, lfp_sf, gain, done",
      "circuits.0.simulate.faults.1.tag: the circuit has no tag \"lfp_i\" that can be set; "
        + "allowed: lfp_n, lfp_sf, gain, done",
      "circuits.0.simulate.faults.2.tag: the circuit has no tag \"lfp_d\" that can be set; "
        + "allowed: lfp_n, lfp_sf, gain, done"),
  ])
  func `what cannot be simulated is refused`(wrong: Wrong) { wrong.check() }

  @Test func `every fault can be given`() throws {
    let faults = try circuit(
      """
      faults: [
        { kind: "latency", at_s: 1, for_s: 0.5 }, { kind: "error", probability: 0.01 },
        { kind: "disconnect", at_s: 2 }, { kind: "disconnect", at_s: 2, for_s: 3 },
        { kind: "torn", at_s: 3 }, { kind: "stall", at_s: 4, for_s: 2 },
        { kind: "reset", at_s: 5 }, { kind: "halt", at_s: 6 },
        { kind: "lap", at_s: 7, times: 1.5 },
        { kind: "set_tag", at_s: 8, tag: "lfp_sf", value: 2 },
      ]
      """
    ).device.faults
    #expect(
      faults.map(\.kind) == [
        .latency(seconds: 0.5), .error, .disconnect(seconds: .infinity), .disconnect(seconds: 3),
        .torn, .stall(seconds: 2), .reset, .halt, .lap(times: 1.5),
        .setTag(name: "lfp_sf", value: 2),
      ])
    #expect(faults.map(\.at) == [1, nil, 2, 2, 3, 4, 5, 6, 7, 8])
    #expect(faults[1].probability == 0.01)
  }

  @Test func `every value of a simulated stimulator can be given`() throws {
    let session = try SessionText(
      """
      stimulator: { simulate: { ppm: -20, drift_ppm_per_h: 1, wander_ppm: 0.2, seed: 5,
        latency: "none", channels: 4, dac_bits: 16, range_nA: 1600000, resolution_nA: 50,
        range_uV: 2000000, resolution_uV: 100, memory_bytes: 1000000,
        faults: [{ kind: "latency", at_s: 1 }, { kind: "error", at_s: 2 },
          { kind: "disconnect", at_s: 3, for_s: 1 }, { kind: "underrun", probability: 0.5 },
          { kind: "over_current", at_s: 4 }] } },
      """
    ).load()
    let simulation = try #require(session.stimulator?.simulation)
    #expect(simulation.partsPerMillion == -20)
    #expect(simulation.driftPerHour == 1)
    #expect(simulation.wander == 0.2)
    #expect(simulation.seed == 5)
    #expect(simulation.latency == .none)
    #expect(simulation.channels == 4)
    #expect(simulation.dacBits == 16)
    #expect(simulation.rangeNanoamperes == 1_600_000)
    #expect(simulation.resolutionNanoamperes == 50)
    #expect(simulation.rangeMicrovolts == 2_000_000)
    #expect(simulation.resolutionMicrovolts == 100)
    #expect(simulation.memoryBytes == 1_000_000)
    #expect(
      simulation.faults.map(\.kind) == [
        .latency(seconds: 0.03), .error, .disconnect(seconds: 1), .underrun, .overCurrent,
      ])
  }
}
