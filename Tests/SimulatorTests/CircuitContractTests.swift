import Clocks
import Devices
import Samples
import Testing

@testable import Simulator

@Suite struct CircuitContractTests {
  @Test(
    "The simulated circuit keeps the contract of circuits",
    arguments: LatencyModel.allCases, [UInt64(1), 2, 3])
  func contract(latency: LatencyModel, seed: UInt64) throws {
    let timekeeper = VirtualTimekeeper()
    var settings = CircuitSimulation()
    settings.rate = CircuitContract.rate
    settings.latency = latency
    settings.seed = seed
    settings.partsPerMillion = 40
    var data = SimulatedStore(
      data: "data", format: SlotFormat(source: .int16, destination: .float32, channels: 4),
      slots: 4000, scalingFactor: 100)
    data.maximumSlots = 4000
    let out = SimulatedStore(
      .output, data: "out",
      format: SlotFormat(source: .float32, destination: .float32, channels: 1), slots: 500)
    let circuit = try SimulatedCircuit(
      name: "rz", settings: settings,
      stores: [data, .float("slow", slots: 1000, every: 10), out], scalars: ["gain": 2],
      latchTrigger: 1, world: SimulatedWorld(timekeeper: timekeeper))
    try CircuitContract(circuit: circuit, timekeeper: timekeeper).check()
  }
}
