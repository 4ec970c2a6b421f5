import Clocks
import Devices
import Samples
import Testing

@testable import Bridge
@testable import Simulator

/// A recorder, a bridge that comes and goes, and a device that does neither.
@Suite(.timeLimit(.minutes(1))) struct ReconnectingTests {
  /// Bridges to a device process, each new as a process would be, until `cut` is set.
  private func relays(to device: String, cut: Flag) -> ServerThread {
    ServerThread { path, isAskedToEnd, ready in
      let timekeeper = RealTimekeeper()
      do {
        let listener = try UnixSocket.listen(at: path)
        ready()
        while !isAskedToEnd() {
          Descriptors.wait(reading: [listener], nanoseconds: 20_000_000)
          guard let (input, output) = try UnixSocket.accept(on: listener) else { continue }
          cut.clear()
          var options = BridgeServer.Options()
          options.isAskedToEnd = { cut.isSet || isAskedToEnd() }
          let served = ServedDevice.circuit { attach throws(DeviceError) in
            try BridgedCircuit(
              name: "rz", address: .socket(device), opening: CircuitOpening(model: "RZ2"),
              attach: attach, timekeeper: timekeeper)
          }
          _ = BridgeServer(served, options: options).run(input: input, output: output)
        }
      } catch {
        Issue.record(error)
      }
    }
  }

  @Test("No sample is lost when a bridge goes away and a new one attaches")
  func nothingIsLost() throws {
    let device = ServerThread.device {
      .circuit { attach throws(DeviceError) in
        try simulatedCircuit(attach: attach)
      }
    }
    let cut = Flag()
    let relay = relays(to: device.path, cut: cut)
    let timekeeper = RealTimekeeper()
    let circuit = try BridgedCircuit(
      name: "rz", address: .socket(relay.path), opening: CircuitOpening(model: "RZ2"),
      timekeeper: timekeeper)
    let contract = CircuitContract(circuit: circuit, timekeeper: timekeeper)
    try circuit.run()
    var cursor = try contract.poll(
      CircuitContract.data, size: 4000, from: .max, room: 0
    ).0.rings[0].first.slots(size: 4000)
    var losses = 0
    for turn in 0..<30 {
      if turn == 10 || turn == 20 { cut.set() }
      contract.wait(milliseconds: 10)
      do {
        let (poll, words) = try contract.poll(
          CircuitContract.data, size: 4000, from: cursor, room: 4000)
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
