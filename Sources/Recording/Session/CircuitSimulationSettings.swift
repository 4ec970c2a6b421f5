public import Devices

/// `simulate` of a circuit: what the simulated processor is like, and what its circuit file holds.
public struct CircuitSimulationSettings: Sendable {
  /// Rate, clock, latency, signals and faults.
  public var device = CircuitSimulation()
  /// How rings differ from what their buffers ask for, by data tag.
  public var stores: [String: StoreSimulation] = [:]
  /// Scalar tags, besides those that the session sets or watches, and their values after loading.
  public var tags: [String: Double] = [:]
  /// What those are that are not float.
  public var tagTypes: [String: TagType] = [:]
  /// What triggers do to scalar tags.
  public var programs: [TagProgramSimulation] = []
  /// As given; see ``Session/speed``.
  var speed: Double?

  public init() {}

  init(reading reader: ObjectReader, in folder: SessionFolder) {
    device.rate = reader.number("rate", in: .above(0), default: device.rate)
    let part = Bounds.within(-10_000...10_000)
    device.partsPerMillion = reader.number("ppm", in: part, default: device.partsPerMillion)
    device.driftPerHour = reader.number("drift_ppm_per_h", in: part, default: device.driftPerHour)
    device.wander = reader.number("wander_ppm", in: .within(0...1000), default: device.wander)
    speed = reader["speed"]?.speed()
    device.seed = UInt64(reader.integer("seed", in: 0...(1 << 53), default: 1))
    device.latency = reader.choice("latency", default: device.latency)
    device.overflow = reader.choice("overflow", default: device.overflow)
    for (tag, value) in reader["signals"]?.entries() ?? [] {
      device.signals[tag] = value.signalModel(in: folder)
    }
    device.faults = reader.list("faults") { $0.circuitFault() }
    for (tag, value) in reader["stores"]?.entries() ?? [] {
      stores[tag] = value.object { StoreSimulation(reading: $0) }
    }
    for (tag, value) in reader["tags"]?.entries() ?? [] { readTag(tag, value) }
    programs = reader.list("programs") { value in
      value.object { TagProgramSimulation(reading: $0) }
    }
  }
}

extension CircuitSimulationSettings {
  private enum ScalarType: String, CaseIterable {
    case float, integer, logic
  }

  /// A number, or `{ value: 0, type: "logic" }`.
  private mutating func readTag(_ tag: String, _ value: ValueReader) {
    guard case .object = value.node.content else {
      tags[tag] = value.number()
      return
    }
    _ = value.object { section in
      tags[tag] = section.number("value", default: 0)
      switch section.choice("type", default: ScalarType.float) {
      case .integer: tagTypes[tag] = .integer
      case .logic: tagTypes[tag] = .logic
      case .float: break
      }
    }
  }
}

/// How a simulated ring is made.
public struct StoreSimulation: Sendable, Equatable {
  /// Ticks or other ends of an enabled store.
  public enum Length: Sendable, Equatable {
    case ticks(Int)
    /// Once through the ring.
    case ring
    case unlimited
  }

  /// A store that runs from a trigger on, not always.
  public struct Gate: Sendable, Equatable {
    public var trigger: Trigger
    public var length: Length
    /// Whether index and cycle return to 0 at the trigger.
    public var resets: Bool
  }

  /// Samples per channel that the circuit allocated; nil: the buffer's `size`, else one second.
  public var maximumSize: Int?
  /// value = code / sf.
  public var scalingFactor = 1.0
  /// Ticks per frame after loading.
  public var decimation = 1
  /// Tags that the circuit does not have.
  public var absentTags: [String] = []
  public var gate: Gate?

  public init() {}

  init(reading reader: ObjectReader) {
    maximumSize = reader.integer("size_max", in: 1...(1 << 28))
    // Not limited to what is sensible: a circuit may hold a factor of 0, which is to be found out.
    scalingFactor = reader.number("sf", default: scalingFactor)
    decimation = reader.integer("dec", in: 1...(1 << 24), default: decimation)
    absentTags = reader.texts("tags_absent")
    gate = reader.object("gate") { section in
      Gate(
        trigger: section.required("trigger", "a trigger")?.trigger() ?? .software(1),
        length: section["length"]?.gateLength() ?? .unlimited,
        resets: section.flag("resets", default: true))
    }
  }
}

extension ValueReader {
  fileprivate func gateLength() -> StoreSimulation.Length? {
    switch node.content {
    case .text("ring"): return .ring
    case .text("unlimited"): return .unlimited
    case .number: return integer(in: 1...Int(Int32.max)).map { .ticks($0) }
    default:
      refuse(allowed: "a number of ticks, \"ring\", \"unlimited\"")
      return nil
    }
  }

  /// Above 0, or "max": virtual time, as fast as the computer can.
  func speed() -> Double? {
    if case .text("max") = node.content { return .infinity }
    guard case .number(let value) = node.content, value.isFinite, value > 0 else {
      refuse(allowed: "a finite number above 0, or \"max\"")
      return nil
    }
    return value
  }
}

/// What a simulated circuit does to a scalar tag when a trigger comes: the "running", "complete",
/// toggling and time-stamp tags that experiments wait for.
public struct TagProgramSimulation: Sendable, Equatable {
  public enum Change: Sendable, Equatable {
    case none
    case value(Double)
    /// 0 becomes 1, anything else 0.
    case toggle
    /// The number of the tick.
    case tick
  }

  public var trigger: Trigger
  public var tag: String
  public var atTrigger: Change
  /// Ticks from the trigger to the second change.
  public var ticks: Int
  public var afterwards: Change

  init(reading reader: ObjectReader) {
    trigger = reader.required("trigger", "a trigger")?.trigger() ?? .software(1)
    tag = reader.requiredText("tag")
    atTrigger = reader["at_trigger"]?.tagChange() ?? .none
    ticks = reader.integer("ticks", in: 0...Int(Int32.max), default: 0)
    afterwards = reader["afterwards"]?.tagChange() ?? .none
  }
}

extension ValueReader {
  fileprivate func tagChange() -> TagProgramSimulation.Change? {
    switch node.content {
    case .text("toggle"): return .toggle
    case .text("tick"): return .tick
    case .number: return number().map { .value($0) }
    default:
      refuse(allowed: "a number, \"toggle\", \"tick\"")
      return nil
    }
  }
}
