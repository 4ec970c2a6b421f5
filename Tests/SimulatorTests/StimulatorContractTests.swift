import Clocks
import Devices
import Testing

@testable import Simulator

@Suite struct StimulatorContractTests {
  @Test(
    "The simulated stimulator keeps the contract of stimulators",
    arguments: LatencyModel.allCases, [UInt64(1), 2, 3])
  func contract(latency: LatencyModel, seed: UInt64) throws {
    let timekeeper = VirtualTimekeeper()
    var settings = StimulatorSimulation()
    settings.latency = latency
    settings.seed = seed
    settings.partsPerMillion = -40
    let stimulator = SimulatedStimulator(
      settings: settings, world: SimulatedWorld(timekeeper: timekeeper))
    try StimulatorContract(stimulator: stimulator, timekeeper: timekeeper).check()
  }
}
