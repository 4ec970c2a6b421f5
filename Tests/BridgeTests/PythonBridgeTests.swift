import Clocks
import Devices
import Foundation
import Glibc
import Samples
import Testing

@testable import Bridge

private let python = ProcessInfo.processInfo.environment["DAQREC_PYTHON"]

/// The program of the rig PC, over behaving fakes of the vendors' libraries (`DAQREC_PYTHON`).
@Suite(
  .enabled(if: python != nil, "DAQREC_PYTHON names no interpreter"),
  .timeLimit(.minutes(2)))
struct PythonBridgeTests {
  private func command(_ device: String, _ options: String...) -> [String] {
    let tests = URL(filePath: #filePath).resolvingSymlinksInPath()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let program = tests.appending(path: "tools/bridge/tests/run_with_fakes.py").path
    return [python ?? "python3", "-u", program, "--device", device] + options
  }

  /// 16 channels of int16, channel c stores n + 1000 · c at tick n.
  private func expectedWord(_ slot: Int64) -> UInt32 {
    let (frame, pair) = (slot / 8, slot % 8)
    let low = UInt16(truncatingIfNeeded: frame + 2000 * pair)
    let high = UInt16(truncatingIfNeeded: frame + 2000 * pair + 1000)
    return UInt32(high) << 16 | UInt32(low)
  }

  private let lfp = RingTags(data: "lfp", index: "lfp_i", cycle: "lfp_c")

  @Test("A circuit of TDT is opened, run, polled and halted")
  func circuit() throws {
    let ear = Ear()
    let timekeeper = RealTimekeeper()
    let circuit = try BridgedCircuit(
      name: "rz", address: .command(command("tdt", "--fs", "2000")),
      opening: CircuitOpening(model: "RZ2", interface: "GB", circuit: "C:\\icms.rcx"),
      timekeeper: timekeeper, listener: ear.listener)
    let contract = CircuitContract(circuit: circuit, timekeeper: timekeeper)
    #expect(circuit.rate == 2000)
    #expect(circuit.tags.contains(TagInfo(name: "lfp", type: .buffer, size: 65_536)))
    #expect(circuit.tags.contains(TagInfo(name: "amp_gain", type: .float, size: 1)))
    try circuit.set("amp_gain", to: 0.1)
    let values = try circuit.values(of: ["amp_gain", "nothing", "lfp_n"])
    #expect(values[0] == 0.1 && values[1].isNaN && values[2] == 65_536)
    #expect(throws: DeviceError.self) { try circuit.set("nothing", to: 1) }
    #expect(throws: DeviceError.self) { try circuit.fire(.software(11), mode: .pulse) }
    try circuit.run()
    #expect(try circuit.health().status == [.connected, .loaded, .running])
    var cursor: Int64 = 0
    for _ in 0..<5 {
      contract.wait(milliseconds: 20)
      let before = timekeeper.now
      let (poll, words) = try contract.poll(
        lfp, size: 65_536, from: cursor, room: 65_536, scalars: ["amp_gain"])
      #expect(poll.rings[0].start == cursor)
      #expect(words.count >= 8 * 20)
      for (place, word) in words.enumerated() where word != expectedWord(cursor + Int64(place)) {
        Issue.record("slot \(cursor + Int64(place)) is \(word)")
        break
      }
      #expect(poll.values == [0.1])
      #expect(before <= poll.firstLatch.before)
      #expect(poll.firstLatch.before <= poll.firstLatch.after)
      #expect(poll.secondLatch.after <= timekeeper.now)
      cursor += Int64(words.count)
    }
    // An output ring takes words that are no floats of a sensible size, bit by bit.
    let speaker = RingTags(data: "speaker", index: "speaker_i", cycle: "speaker_c")
    let words: [UInt32] = [0, 1, 0x8000_0000, 0x3F80_0000]
    let from =
      try contract.poll(speaker, size: 4096, from: .max, room: 0, latch: nil)
      .0.rings[0].first.slots(size: 4096) + 1000
    let (_, bracket) = try words.withUnsafeBufferPointer {
      try circuit.write($0, to: speaker, size: 4096, from: from)
    }
    #expect(bracket.before <= bracket.after)
    circuit.close()
    circuit.close()
    #expect(throws: DeviceError.self) { try circuit.health() }
    #expect(ear.exchanges.count > 15)
    #expect(ear.lines.contains { $0.contains("a stray line of the vendor") })
  }

  @Test("No sample is lost when the program is killed and started again")
  func killed() throws {
    let state = NSTemporaryDirectory() + "state-\(UInt32.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: state) }
    let ear = Ear()
    let timekeeper = RealTimekeeper()
    let circuit = try BridgedCircuit(
      name: "rz",
      address: .command(command("tdt", "--fs", "1000", "--slots", "65536", "--state", state)),
      opening: CircuitOpening(model: "RZ2", circuit: "C:\\icms.rcx"), timekeeper: timekeeper,
      listener: ear.listener)
    let contract = CircuitContract(circuit: circuit, timekeeper: timekeeper)
    try circuit.run()
    var cursor: Int64 = 0
    var causes: [DeviceError.Code] = []
    for turn in 0..<10 {
      if turn == 5 {
        let line = try #require(ear.lines.first { $0.contains("serving tdt, process ") })
        let process = try #require(line.split(separator: " ").last.flatMap { pid_t($0) })
        kill(process, SIGKILL)
        contract.wait(milliseconds: 50)
      }
      do {
        contract.wait(milliseconds: 10)
        let (poll, words) = try contract.poll(lfp, size: 65_536, from: cursor, room: 65_536)
        #expect(poll.rings[0].start == cursor)
        for (place, word) in words.enumerated() where word != expectedWord(cursor + Int64(place)) {
          Issue.record("slot \(cursor + Int64(place)) is \(word)")
          return
        }
        cursor += Int64(words.count)
      } catch let error as DeviceError {
        causes.append(error.code)
        #expect(
          error.message.hasSuffix("was ended by signal 9: " + (ear.lines.last ?? "").afterColon))
        try circuit.reconnect()
      }
    }
    #expect(causes == [.disconnected])
    #expect(cursor > 8 * 300)
    circuit.close()
  }

  @Test("An STG is armed with 500 ms to live, started over a second, fed, and stopped at once")
  func stimulator() throws {
    let timekeeper = RealTimekeeper()
    let stimulator = try BridgedStimulator(
      name: "stg", address: .command(command("stg")), timekeeper: timekeeper)
    let contract = StimulatorContract(stimulator: stimulator, timekeeper: timekeeper)
    #expect(stimulator.info.channels == 4)
    #expect(stimulator.info.dacBits == 14)
    #expect(stimulator.info.resolutionNanoamperes == [2000, 2000, 2000, 2000])
    #expect(try stimulator.configure(contract.setup()) == contract.setup())
    #expect(contract.code { try contract.feed(from: 0, [0]) } == .notArmed)
    try contract.arm(timeToLive: 500)
    #expect(try contract.feed(from: 0, contract.zeros(2500)).accepted == [2500])
    let bracket = try stimulator.start(triggers: 1)
    #expect(bracket.before <= bracket.after && bracket.after <= timekeeper.now)
    var fed: Int64 = 2500
    var reply = FeedReply()
    for _ in 0..<10 {
      contract.wait(milliseconds: 10)
      reply = try contract.feed(from: fed, contract.zeros(1000))
      fed += Int64(reply.accepted[0])
    }
    #expect(reply.framesDone > 0 && reply.framesDone <= fed)
    #expect(contract.code { try contract.feed(from: fed, [16_000]) } == .limit)
    #expect(contract.code { try contract.feed(from: fed + 1, [0]) } == .badArgument)
    try stimulator.emergencyStop()
    #expect(contract.code { try contract.feed(from: fed, [0]) } == .emergencyStop)
    stimulator.close()
    #expect(contract.code { try stimulator.heartbeat() } == .notOpen)
  }

  @Test("A missed heart-beat is a fault at the next call")
  func missedHeartbeat() throws {
    let timekeeper = RealTimekeeper()
    let stimulator = try BridgedStimulator(
      name: "stg", address: .command(command("stg", "--loop-start", "0.05")),
      timekeeper: timekeeper)
    let contract = StimulatorContract(stimulator: stimulator, timekeeper: timekeeper)
    _ = try stimulator.configure(contract.setup())
    try contract.arm(timeToLive: 200)
    try contract.feed(from: 0, contract.zeros(2500))
    _ = try stimulator.start(triggers: 1)
    contract.wait(milliseconds: 600)
    do {
      try stimulator.heartbeat()
      Issue.record("nothing was said of it")
    } catch {
      #expect(error.code == .heartbeat)
      #expect(error.message.hasPrefix("heartbeat: nothing heard for "))
    }
    #expect(contract.code { try stimulator.heartbeat() } == .heartbeat)
    try stimulator.reconnect()
    #expect(try stimulator.configure(contract.setup()) == contract.setup())
    stimulator.close()
  }

  @Test("A vendor's error keeps its text and its code")
  func vendorError() throws {
    let circuit = try BridgedCircuit(
      name: "rz", address: .command(command("tdt", "--fault", "Run=raise")),
      opening: CircuitOpening(model: "RZ2", circuit: "C:\\icms.rcx"), timekeeper: RealTimekeeper())
    do {
      try circuit.run()
      Issue.record("it ran")
    } catch {
      #expect(error.code == .driver)
      #expect(error.message.contains("the device is gone"))
    }
    circuit.close()
  }
}

extension String {
  fileprivate var afterColon: Substring { split(separator: ": ", maxSplits: 1).last ?? "" }
}
