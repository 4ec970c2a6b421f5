import Devices
import NWB
import Samples
import Testing

@testable import Recording

@Suite struct SessionDefaultsTests {
  @Test func `file and run have the documented defaults`() throws {
    let session = try SessionText("").load()
    #expect(session.file.path == "{id}_{date}_{time}.nwb.h5")
    #expect(session.file.flushSeconds == 1)
    #expect(session.file.syncSeconds == 5)
    #expect(session.file.compression == .none)
    #expect(session.file.compressionLevel == 1)
    #expect(session.file.reserveMegabytes == 256)
    #expect(session.run.duration == nil)
    #expect(session.control.trialColumns == [])
    #expect(session.speed == 1)
    #expect(session.subject == nil)
    #expect(session.texts == SessionTexts(id: "a", description: "b"))
    #expect(session.outputs == [])
    #expect(session.stimulator == nil)
    #expect(session.stimulus.isEmpty)
    #expect(session.stimulus.startAfter == 0)
  }

  @Test func `a circuit has the documented defaults`() throws {
    let circuit = try #require(try SessionText("").load().circuits.first)
    #expect(circuit.name == "rz")
    #expect(circuit.driver == .simulator)
    #expect(circuit.model == nil)
    #expect(circuit.index == 1)
    #expect(circuit.interface == nil)
    #expect(circuit.circuit == nil)
    #expect(circuit.rateCode == nil)
    #expect(circuit.latchTrigger == nil)
    #expect(circuit.command == [])
    #expect(circuit.pollMilliseconds == nil)
    #expect(circuit.tags.isEmpty)
    #expect(circuit.watchTags == [])
    #expect(circuit.startTrigger == nil)
    let simulation = circuit.simulation
    #expect(simulation.device.rate == 24414.0625)
    #expect(simulation.device.partsPerMillion == 0)
    #expect(simulation.device.driftPerHour == 0)
    #expect(simulation.device.wander == 0)
    #expect(simulation.device.speed == 1)
    #expect(simulation.device.seed == 1)
    #expect(simulation.device.latency == .optical)
    #expect(simulation.device.overflow == .saturate)
    #expect(simulation.device.signals.isEmpty)
    #expect(simulation.device.faults.isEmpty)
    #expect(simulation.stores.isEmpty)
    #expect(simulation.tags.isEmpty)
    #expect(simulation.programs.isEmpty)
  }

  @Test func `a buffer has the documented defaults`() throws {
    let buffer = try #require(try SessionText("").load().buffers.first)
    #expect(buffer.name == "lfp")
    #expect(buffer.circuit == "rz")
    #expect(buffer.kind == .samples)
    #expect(
      buffer.request
        == BufferRequest(
          name: "lfp", dataTag: "lfp",
          format: SlotFormat(
            source: .float32, destination: .float32, channels: 16, packOrder: .lsb,
            layout: .channels),
          blockSize: 1))
    #expect(buffer.unit == "a.u.")
    #expect(buffer.gains == Array(repeating: 1, count: 16))
    #expect(buffer.electrodes == nil)
    #expect(buffer.onOverrun == .gap)
  }

  @Test func `the unit is volts with electrodes`() throws {
    let session = try SessionText(
      """
      buffers: [{ name: "lfp", circuit: "rz", channels: 2, electrodes: { location: "SSp" } }],
      """
    ).load()
    let buffer = try #require(session.buffers.first)
    #expect(buffer.unit == "volts")
    #expect(
      buffer.electrodes?.electrodes == [
        .init(name: "ch0", group: "lfp", location: "SSp"),
        .init(name: "ch1", group: "lfp", location: "SSp"),
      ])
    #expect(buffer.electrodes?.device == "rz")
    #expect(buffer.electrodes?.channelConversion == nil)
  }

  @Test func `tick stamps are int32 of one channel`() throws {
    let session = try SessionText(
      #"buffers: [{ name: "licks", circuit: "rz", kind: "events" }],"#
    ).load()
    #expect(
      session.buffers.first?.format
        == SlotFormat(source: .int32, destination: .int32, channels: 1))
  }

  @Test func `a compressed store of one channel is read by whole slots`() throws {
    let session = try SessionText(
      #"buffers: [{ name: "sync", circuit: "rz", channels: 1, src_type: "int16" }],"#
    ).load()
    #expect(session.buffers.first?.blockSize == 2)
    #expect(session.buffers.first?.format.layout == .time)
  }

  @Test func `a stimulator has the documented defaults`() throws {
    let stimulator = try #require(try SessionText("stimulator: {},").load().stimulator)
    #expect(stimulator.name == "stg")
    #expect(stimulator.driver == .simulator)
    #expect(stimulator.command == [])
    #expect(stimulator.serial == nil)
    #expect(stimulator.mode == .current)
    #expect(stimulator.outputRate == 50_000)
    #expect(stimulator.bufferSeconds == 0.05)
    #expect(stimulator.capacitySeconds == 0.1)
    #expect(stimulator.callbackPercent == 10)
    #expect(stimulator.isContinuous)
    #expect(stimulator.limits.isEmpty)
    #expect(stimulator.sync == nil)
    let simulation = stimulator.simulation
    #expect(simulation.partsPerMillion == 0)
    #expect(simulation.latency == .usb)
    #expect(simulation.channels == 8)
    #expect(simulation.dacBits == 14)
    #expect(simulation.rangeNanoamperes == 16_000_000)
    #expect(simulation.resolutionNanoamperes == 2000)
    #expect(simulation.rangeMicrovolts == 8_000_000)
    #expect(simulation.resolutionMicrovolts == 1000)
    #expect(simulation.memoryBytes == 134_217_728)
  }

  @Test func `an output has the documented defaults`() throws {
    let folder = try TemporaryFolder(["tone.npy": npy(frames: 3, channels: 1)])
    let session = try SessionText(
      #"outputs: [{ name: "speaker", circuit: "rz", source: "tone.npy" }],"#
    ).load(folder: folder.path)
    let output = try #require(session.outputs.first)
    #expect(output.dataTag == "speaker")
    #expect(output.format == SlotFormat(source: .float32, destination: .float32, channels: 1))
    #expect(output.mode == .epoch)
    #expect(output.trigger == nil)
    #expect(output.source == folder.path + "/tone.npy")
  }

  @Test func `a protocol has defaults besides its conditions and interval`() throws {
    let session = try SessionText(
      """
      stimulator: {},
      stimulus: { protocol: { isi_s: 1, conditions: [{ name: "x", channel: 2,
        amplitudes_in_mA: [0.1, -0.1, 0], durations_in_ms: [0.2, 0.2, 9.6] }] } },
      """
    ).load()
    let plan = try #require(session.stimulus.plan)
    #expect(
      plan.schedule
        == StimulusProtocol(
          conditions: 1, repeats: 1, interval: .fixed(1), order: .shuffled, seed: 1))
    let condition = try #require(plan.conditions.first)
    #expect(condition.channel == 2)
    #expect(
      condition.signal
        == Signal(amplitudes: [0.1, -0.1, 0], durations: [0.2, 0.2, 9.6], repeats: 0))
    #expect(condition.columns.isEmpty)
    #expect(plan.trialColumns == [])
  }

  @Test func `null is the same as missing`() throws {
    let session = try SessionText(
      """
      file: { flush_s: null, path: null },
      circuits: [{ name: "rz", driver: null, latch_trigger: null, command: null, tags: null }],
      buffers: [{ name: "lfp", circuit: "rz", channels: 16, data_tag: null, electrodes: null }],
      outputs: null, stimulator: null, stimulus: null, control: null, run: { duration_s: null },
      """
    ).load()
    #expect(session.file == FileSettings())
    #expect(session.buffers.first?.dataTag == "lfp")
    #expect(session.stimulator == nil)
  }
}

/// A .npy file of zeros.
func npy(frames: Int, channels: Int) -> [UInt8] {
  let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(frames), \(channels)), }\n"
  return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
    + [UInt8](repeating: 0, count: frames * channels * 4)
}
