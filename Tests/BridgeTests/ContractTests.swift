import Clocks
import Devices
import Samples
import Testing

@testable import Bridge
@testable import Simulator

@Suite struct ContractTests {
  @Test("A circuit behind the protocol keeps the contract of circuits", .timeLimit(.minutes(1)))
  func circuit() throws {
    let server = ServerThread.device {
      .circuit { attach throws(DeviceError) in
        try simulatedCircuit(attach: attach)
      }
    }
    let timekeeper = RealTimekeeper()
    let ear = Ear()
    let circuit = try BridgedCircuit(
      name: "rz", address: .socket(server.path), opening: CircuitOpening(model: "RZ2"),
      timekeeper: timekeeper, listener: ear.listener)
    try CircuitContract(circuit: circuit, timekeeper: timekeeper).check()
    #expect(ear.exchanges.count > 30)
    #expect(ear.exchanges.allSatisfy { $0.hostSend <= $0.bridgeReceive })
    #expect(ear.exchanges.allSatisfy { $0.bridgeSend <= $0.hostReceive })
  }

  @Test(
    "A stimulator behind the protocol keeps the contract of stimulators", .timeLimit(.minutes(1)))
  func stimulator() throws {
    let server = ServerThread.device { .stimulator { simulatedStimulator() } }
    let timekeeper = RealTimekeeper()
    let stimulator = try BridgedStimulator(
      name: "stg", address: .socket(server.path), timekeeper: timekeeper)
    try StimulatorContract(stimulator: stimulator, timekeeper: timekeeper).check()
  }
}

/// The circuit of ``CircuitContract``, in real time.
func simulatedCircuit(attach: Bool) throws(DeviceError) -> SimulatedCircuit {
  guard !attach else {
    throw DeviceError(device: "rz", call: "open", code: .notRunning, message: "nothing runs")
  }
  var settings = CircuitSimulation()
  settings.rate = CircuitContract.rate
  var data = SimulatedStore(
    data: "data", format: SlotFormat(source: .int16, destination: .float32, channels: 4),
    slots: 4000, scalingFactor: 100)
  data.maximumSlots = 4000
  let float = SlotFormat(source: .float32, destination: .float32, channels: 1)
  let slow = SimulatedStore(data: "slow", format: float, slots: 1000, ticksPerFrame: 10)
  let out = SimulatedStore(.output, data: "out", format: float, slots: 500)
  return try SimulatedCircuit(
    name: "rz", settings: settings, stores: [data, slow, out], scalars: ["gain": 2],
    latchTrigger: 1, world: SimulatedWorld(timekeeper: RealTimekeeper()))
}

/// One that answers at once: the contract feeds 20 ms at a time, on whatever machine.
func simulatedStimulator() -> SimulatedStimulator {
  var settings = StimulatorSimulation()
  settings.latency = .none
  return SimulatedStimulator(
    settings: settings, world: SimulatedWorld(timekeeper: RealTimekeeper()))
}
