import Clocks
import Devices
import Samples
import Testing

@testable import Bridge
@testable import Simulator

/// A recorder, a bridge that comes and goes, and a device that does neither.
@Suite(.timeLimit(.minutes(1))) struct ReconnectingTests {
  /// Slots of 4 s.
  private static let ring = 200_000

  @Test("No sample is lost when a bridge goes away and a new one attaches")
  func nothingIsLost() throws {
    let device = ServerThread.device {
      .circuit { attach throws(DeviceError) in
        try simulatedCircuit(attach: attach, slots: Self.ring)
      }
    }
    let cut = Flag()
    let relay = ServerThread.bridges(cut: cut) { [path = device.path] in bridgedCircuit(path) }
    let timekeeper = RealTimekeeper()
    let circuit = try BridgedCircuit(
      name: "rz", address: .socket(relay.path), opening: CircuitOpening(model: "RZ2"),
      timekeeper: timekeeper)
    let contract = CircuitContract(circuit: circuit, timekeeper: timekeeper)
    try circuit.run()
    var cursor = try contract.poll(
      CircuitContract.data, size: Self.ring, from: .max, room: 0
    ).0.rings[0].first.slots(size: Self.ring)
    var losses = 0
    for turn in 0..<30 {
      if turn == 10 || turn == 20 { cut.set() }
      contract.wait(milliseconds: 10)
      do {
        let (poll, words) = try contract.poll(
          CircuitContract.data, size: Self.ring, from: cursor, room: Self.ring)
        #expect(poll.rings[0].start == cursor)
        for (place, word) in words.enumerated()
        where word != contract.expectedWord(slot: cursor + Int64(place)) {
          Issue.record("slot \(cursor + Int64(place)) is \(word)")
          return
        }
        cursor += Int64(words.count)
      } catch let error as DeviceError {
        losses += 1
        #expect(error.code == .disconnected || error.code == .driver, "\(error)")
        try circuit.reconnect()
      }
    }
    #expect((1...4).contains(losses))
    #expect(cursor > 10_000)
    #expect(try circuit.health().status.contains(.running))
    circuit.close()
  }

  @Test("Attaching to a circuit that does not run is refused")
  func nothingToAttachTo() throws {
    let device = ServerThread.device {
      .circuit { attach throws(DeviceError) in
        try simulatedCircuit(attach: attach)
      }
    }
    let circuit = try BridgedCircuit(
      name: "rz", address: .socket(device.path), opening: CircuitOpening(model: "RZ2"),
      timekeeper: RealTimekeeper())
    do {
      try circuit.reconnect()
      Issue.record("it attached")
    } catch {
      #expect(error.code == .notRunning)
    }
  }

  @Test("A stimulator found again is stopped first, and not started")
  func stimulatorIsStopped() throws {
    let device = ServerThread.device { .stimulator { simulatedStimulator() } }
    let timekeeper = RealTimekeeper()
    let stimulator = try BridgedStimulator(
      name: "stg", address: .socket(device.path), timekeeper: timekeeper)
    let contract = StimulatorContract(stimulator: stimulator, timekeeper: timekeeper)
    _ = try stimulator.configure(contract.setup())
    try contract.arm()
    try contract.feed(from: 0, contract.zeros(2500))
    _ = try stimulator.start(triggers: 1)
    try stimulator.reconnect()
    #expect(contract.code { try contract.feed(from: 2500, contract.zeros(1)) } == .notArmed)
    #expect(try stimulator.configure(contract.setup()) == contract.setup(), "it is idle")
    stimulator.close()
  }

  @Test("A device whose bridge vanishes runs dry and stays silent; the next one finds it stopped")
  func bridgeVanishes() throws {
    let timekeeper = RealTimekeeper()
    let world = SimulatedWorld(timekeeper: timekeeper, keepsTruth: true)
    let device = ServerThread.device {
      .stimulator {
        var settings = StimulatorSimulation()
        settings.latency = .none
        return SimulatedStimulator(settings: settings, world: world)
      }
    }
    func connect() throws -> StimulatorContract {
      let stimulator = try BridgedStimulator(
        name: "stg", address: .socket(device.path), timekeeper: timekeeper)
      return StimulatorContract(stimulator: stimulator, timekeeper: timekeeper)
    }
    /// 5 ms of 0.1 mA and −0.1 mA, and as much of nothing.
    let period =
      Array(repeating: Int16(200), count: 50) + Array(repeating: -200, count: 50)
      + Array(repeating: 0, count: 150)
    do {
      let contract = try connect()
      _ = try contract.stimulator.configure(contract.setup())
      try contract.arm(timeToLive: 5000)
      let prefill = Array((0..<10).map { _ in period }.joined())
      #expect(try contract.feed(from: 0, prefill).accepted == [2500])
      _ = try contract.stimulator.start(triggers: 1)
      // The object goes, and its connection with it: nobody says goodbye.
    }
    let gone = timekeeper.now
    timekeeper.sleep(until: gone + 300_000_000)
    let runs = world.runs(of: .channel(0))
    #expect(runs.count { $0.code == 200 } == 10 && runs.count { $0.code == -200 } == 10)
    let last = try #require(runs.last)
    #expect(last.code == 0)
    #expect(last.time < gone + 250_000_000)
    let contract = try connect()
    _ = try contract.stimulator.configure(contract.setup())
    contract.stimulator.close()
    #expect(world.runs(of: .channel(0)).last == last, "nothing was put out since")
  }

  @Test("A socket on which nobody listens is refused with its path")
  func nobodyListens() {
    #expect {
      _ = try BridgedCircuit(
        name: "rz", address: .socket("/no/such.sock"), opening: CircuitOpening(model: "RZ2"),
        timekeeper: RealTimekeeper())
    } throws: { error in
      (error as? DeviceError)?.message
        == "cannot connect to /no/such.sock: No such file or directory"
    }
  }
}
