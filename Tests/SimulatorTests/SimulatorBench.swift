import Clocks
import Devices
import Samples

@testable import Simulator

/// A circuit in virtual time, and what tests do with it.
final class SimulatorBench {
  let timekeeper = VirtualTimekeeper()
  let world: SimulatedWorld

  init(keepsTruth: Bool = true) {
    world = SimulatedWorld(timekeeper: timekeeper, keepsTruth: keepsTruth)
  }

  /// A circuit that answers at once unless told otherwise.
  func circuit(
    _ stores: [SimulatedStore], scalars: [String: Float] = [:], programs: [TagProgram] = [],
    latch: Int? = 1, _ change: (inout CircuitSimulation) -> Void = { _ in }
  ) throws -> SimulatedCircuit {
    var settings = CircuitSimulation()
    settings.latency = .none
    change(&settings)
    return try SimulatedCircuit(
      name: "rz", settings: settings, stores: stores, scalars: scalars, programs: programs,
      latchTrigger: latch, world: world)
  }

  func wait(_ milliseconds: Int64) {
    timekeeper.sleep(until: timekeeper.now + milliseconds * 1_000_000)
  }

  /// The position of a latched store.
  func position(_ circuit: SimulatedCircuit, _ data: String) throws -> RingPosition {
    try poll(circuit, data, size: 1, from: .max, room: 0).0.first
  }

  func poll(
    _ circuit: SimulatedCircuit, _ data: String, size: Int, from: Int64, room: Int,
    latch: Int? = 1, hasCycle: Bool = true
  ) throws -> (Poll.Ring, [UInt32]) {
    let memory = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: room)
    defer { memory.deallocate() }
    let tags = RingTags(data: data, index: data + "_i", cycle: hasCycle ? data + "_c" : nil)
    var poll = Poll(
      latch: latch, rings: [Poll.Ring(tags: tags, size: size, from: from, destination: memory)])
    try circuit.poll(&poll)
    return (poll.rings[0], Array(memory.prefix(poll.rings[0].count)))
  }
}

extension SimulatedStore {
  /// One channel of int32: slot and frame are the same.
  static func plain(_ data: String = "x", slots: Int = 1000, every ticks: Int = 1) -> SimulatedStore
  {
    SimulatedStore(
      data: data, format: SlotFormat(source: .int32, destination: .int32, channels: 1),
      slots: slots, ticksPerFrame: ticks)
  }

  /// One channel of float32.
  static func float(
    _ data: String = "x", slots: Int = 96_000, channels: Int = 1, every ticks: Int = 1
  ) -> SimulatedStore {
    SimulatedStore(
      data: data, format: SlotFormat(source: .float32, destination: .float32, channels: channels),
      slots: slots, ticksPerFrame: ticks)
  }
}
