import Clocks
import Devices
import Samples
import Testing

@testable import Bridge
@testable import Simulator

/// Host, bridge and device are owners of one virtual time, with real sockets between them.
@Suite struct ContractTests {
  @Test(
    "A circuit behind the protocol, once or twice, keeps the contract of circuits",
    .timeLimit(.minutes(1)), arguments: [false, true])
  func circuit(isRelayed: Bool) throws {
    let timekeeper = VirtualTimekeeper()
    let server = ServerThread.device(timekeeper) {
      .circuit { attach throws(DeviceError) in
        try simulatedCircuit(attach: attach, timekeeper: timekeeper)
      }
    }
    let relay =
      isRelayed
      ? ServerThread.bridges(timekeeper) { [path = server.path] in
        bridgedCircuit(path, timekeeper)
      } : nil
    let ear = Ear()
    let circuit = try BridgedCircuit(
      name: "rz", address: .socket(relay?.path ?? server.path),
      opening: CircuitOpening(model: "RZ2"), timekeeper: timekeeper, listener: ear.listener)
    try CircuitContract(circuit: circuit, timekeeper: timekeeper).check()
    #expect(ear.exchanges.count > 30)
    #expect(ear.exchanges.allSatisfy { $0.hostSend <= $0.bridgeReceive })
    #expect(ear.exchanges.allSatisfy { $0.bridgeSend <= $0.hostReceive })
  }

  @Test(
    "A stimulator behind the protocol, once or twice, keeps the contract of stimulators",
    .timeLimit(.minutes(1)), arguments: [false, true])
  func stimulator(isRelayed: Bool) throws {
    let timekeeper = VirtualTimekeeper()
    let server = ServerThread.device(timekeeper) {
      .stimulator {
        SimulatedStimulator(world: SimulatedWorld(timekeeper: timekeeper))
      }
    }
    let relay =
      isRelayed
      ? ServerThread.bridges(timekeeper) { [path = server.path] in
        bridgedStimulator(path, timekeeper)
      } : nil
    let stimulator = try BridgedStimulator(
      name: "stg", address: .socket(relay?.path ?? server.path), timekeeper: timekeeper)
    try StimulatorContract(stimulator: stimulator, timekeeper: timekeeper).check()
  }
}

/// The circuit of ``CircuitContract``.
func simulatedCircuit(
  attach: Bool, slots: Int = 4000, timekeeper: any Timekeeper = RealTimekeeper()
) throws(DeviceError) -> SimulatedCircuit {
  guard !attach else {
    throw DeviceError(device: "rz", call: "open", code: .notRunning, message: "nothing runs")
  }
  var settings = CircuitSimulation()
  settings.rate = CircuitContract.rate
  var data = SimulatedStore(
    data: "data", format: SlotFormat(source: .int16, destination: .float32, channels: 4),
    slots: slots, scalingFactor: 100)
  data.maximumSlots = slots
  let float = SlotFormat(source: .float32, destination: .float32, channels: 1)
  let slow = SimulatedStore(data: "slow", format: float, slots: 1000, ticksPerFrame: 10)
  let out = SimulatedStore(.output, data: "out", format: float, slots: 500)
  return try SimulatedCircuit(
    name: "rz", settings: settings, stores: [data, slow, out], scalars: ["gain": 2],
    latchTrigger: 1, world: SimulatedWorld(timekeeper: timekeeper))
}

/// One in real time, that answers at once.
func simulatedStimulator() -> SimulatedStimulator {
  var settings = StimulatorSimulation()
  settings.latency = .none
  return SimulatedStimulator(
    settings: settings, world: SimulatedWorld(timekeeper: RealTimekeeper()))
}
