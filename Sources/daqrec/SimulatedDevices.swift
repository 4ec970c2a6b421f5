import Clocks
import Devices
import Recording
import Samples
import Simulator

extension DeviceOpeners {
  /// The simulated devices of a session, in one world: what the stimulator puts out is what the
  /// circuits record.
  static func simulated(_ session: Session, in world: SimulatedWorld) -> DeviceOpeners {
    DeviceOpeners(
      circuit: { settings, _ in try SimulatedCircuit(settings, of: session, in: world) },
      stimulator: { settings, _ in
        SimulatedStimulator(
          name: settings.name, serial: settings.serial ?? "SIM-1", settings: settings.simulation,
          world: world)
      })
  }
}

extension SimulatedCircuit {
  /// The circuit that a session asks for: a store for each of its buffers and outputs, with the
  /// tags they name.
  convenience init(
    _ settings: CircuitSettings, of session: Session, in world: SimulatedWorld
  ) throws(DeviceError) {
    let simulation = settings.simulation
    var stores: [SimulatedStore] = []
    for buffer in session.buffers(of: settings.name)
    where !stores.contains(where: { $0.data == buffer.dataTag }) {
      stores.append(SimulatedStore(buffer, simulation))
    }
    for output in session.outputs where output.circuit == settings.name {
      stores.append(SimulatedStore(output, simulation))
    }
    var scalars: [String: Float] = [:]
    for tag in settings.watchTags { scalars[tag] = 0 }
    for (tag, value) in settings.tags { scalars[tag] = Float(value) }
    for (tag, value) in simulation.tags { scalars[tag] = Float(value) }
    for store in stores {
      for tag in store.tags { scalars[tag] = nil }
    }
    for store in simulation.stores.values {
      for tag in store.absentTags { scalars[tag] = nil }
    }
    try self.init(
      name: settings.name, model: settings.model ?? "RZ2", settings: simulation.device,
      stores: stores, scalars: scalars, types: simulation.tagTypes,
      programs: simulation.programs.map(TagProgram.init),
      latchTrigger: settings.latchTrigger, world: world)
  }
}

extension SimulatedStore {
  /// The store of a buffer: as large as its `size`, else one second.
  fileprivate init(_ buffer: BufferSettings, _ simulation: CircuitSimulationSettings) {
    let asked = simulation.stores[buffer.dataTag] ?? StoreSimulation()
    let rate = simulation.device.rate / Double(asked.decimation)
    let size = asked.maximumSize ?? buffer.size ?? max(1, Int(rate.rounded()))
    self.init(
      buffer.kind == .events ? .events : .samples, data: buffer.dataTag, format: buffer.format,
      slots: Self.slots(size, buffer.format), scalingFactor: asked.scalingFactor,
      ticksPerFrame: asked.decimation, gate: asked.gate.map(Gate.init))
    index = buffer.indexTag ?? index
    cycle = buffer.cycleTag ?? cycle
    self.size = buffer.sizeTag ?? self.size
    scaling = buffer.scalingTag ?? scaling
    decimation = buffer.decimationTag ?? decimation
    remove(asked.absentTags)
  }

  fileprivate init(_ output: OutputSettings, _ simulation: CircuitSimulationSettings) {
    let asked = simulation.stores[output.dataTag] ?? StoreSimulation()
    let size = asked.maximumSize ?? max(1, Int(simulation.device.rate.rounded()))
    self.init(
      .output, data: output.dataTag, format: output.format,
      slots: Self.slots(size, output.format), scalingFactor: asked.scalingFactor,
      ticksPerFrame: asked.decimation, gate: asked.gate.map(Gate.init))
    index = output.indexTag ?? index
    cycle = output.cycleTag ?? cycle
    self.size = output.sizeTag ?? self.size
    scaling = output.scalingTag ?? scaling
    decimation = output.decimationTag ?? decimation
    remove(asked.absentTags)
  }

  /// Slots of at least `size` samples per channel, whole ones.
  private static func slots(_ size: Int, _ format: SlotFormat) -> Int {
    let unit = format.framesPerUnit
    return (size + unit - 1) / unit * format.slotsPerUnit
  }

  private mutating func remove(_ tags: [String]) {
    if let tag = index, tags.contains(tag) { index = nil }
    if let tag = cycle, tags.contains(tag) { cycle = nil }
    if let tag = size, tags.contains(tag) { size = nil }
    if let tag = scaling, tags.contains(tag) { scaling = nil }
    if let tag = decimation, tags.contains(tag) { decimation = nil }
  }

  /// Every tag of the store.
  fileprivate var tags: [String] {
    [data] + [index, cycle, size, scaling, decimation].compactMap(\.self)
  }
}

extension SimulatedStore.Gate {
  fileprivate init(_ gate: StoreSimulation.Gate) {
    let length: Length =
      switch gate.length {
      case .ticks(let ticks): .ticks(ticks)
      case .ring: .ring
      case .unlimited: .unlimited
      }
    self.init(trigger: gate.trigger, length: length, resetsPosition: gate.resets)
  }
}

extension TagProgram {
  fileprivate init(_ program: TagProgramSimulation) {
    func change(_ change: TagProgramSimulation.Change) -> Change {
      switch change {
      case .none: .none
      case .value(let value): .value(Float(value))
      case .toggle: .toggle
      case .tick: .tick
      }
    }
    self.init(
      trigger: program.trigger, tag: program.tag, atTrigger: change(program.atTrigger),
      ticks: program.ticks, afterwards: change(program.afterwards))
  }
}
