import Clocks
import Devices
import Samples
import Simulator

/// A simulated circuit in virtual time, for the thread that makes it.
struct SimulatedRig {
  let timekeeper = VirtualTimekeeper()
  let circuit: SimulatedCircuit

  init(
    _ stores: [SimulatedStore], scalars: [String: Float] = [:], programs: [TagProgram] = [],
    latch: Int? = nil, change: (inout CircuitSimulation) -> Void = { _ in }
  ) throws {
    var settings = CircuitSimulation()
    change(&settings)
    circuit = try SimulatedCircuit(
      name: "rz", settings: settings, stores: stores, scalars: scalars, programs: programs,
      latchTrigger: latch, world: SimulatedWorld(timekeeper: timekeeper))
  }

  func wait(_ seconds: Double) {
    timekeeper.sleep(until: timekeeper.now + Int64(seconds * 1e9))
  }

  func input(
    _ format: SlotFormat, blockSize: Int? = nil, isGated: Bool = false, latch: Int? = nil
  ) throws -> InputBuffer {
    try InputBuffer(
      opening: BufferRequest(
        name: "lfp", dataTag: "lfp", format: format, blockSize: blockSize, isGated: isGated),
      on: circuit, latch: latch)
  }
}
