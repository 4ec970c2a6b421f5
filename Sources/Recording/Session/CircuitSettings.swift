public import Devices

/// How a device is reached.
public enum DeviceDriver: String, Sendable, CaseIterable {
  case simulator
  /// A child process that speaks the bridge protocol on its stdio.
  case bridge
}

/// One of `circuits`.
public struct CircuitSettings: Sendable {
  public var name = ""
  public var driver = DeviceDriver.simulator
  /// The processor: RP2, RX6, RZ2 …
  public var model: String?
  /// The number among processors of its model, from 1.
  public var index = 1
  /// The connection of the rack, as the driver names it; nil: the driver's own choice.
  public var interface: String?
  /// Path of the circuit file on the rig.
  public var circuit: String?
  /// 0 … 6: the rate as TDT codes it; nil: as the circuit says.
  public var rateCode: Int?
  /// The software trigger, 1 … 10, that latches every position; nil: none.
  public var latchTrigger: Int?
  /// The bridge's command and its arguments.
  public var command: [String] = []
  /// Milliseconds between polls; nil: chosen from the buffers.
  public var pollMilliseconds: Double?
  /// What a simulated circuit is like; not used otherwise.
  public var simulation = CircuitSimulationSettings()
  /// Scalar tags set after loading and before running, in the session's order.
  public var tags: [(name: String, value: Double)] = []
  /// Scalar tags read with every poll and stored when they change.
  public var watchTags: [String] = []
  /// Fired when everything is ready.
  public var startTrigger: Trigger?

  init(reading reader: ObjectReader, in folder: SessionFolder) {
    name = reader.requiredText("name")
    driver = reader.choice("driver", default: driver)
    model = reader.text("model")
    index = reader.integer("index", in: 1...64, default: index)
    interface = reader.text("interface")
    circuit = reader.text("circuit")
    rateCode = reader.integer("rate_code", in: 0...6)
    latchTrigger = reader.integer("latch_trigger", in: 1...10)
    command = reader.texts("command")
    pollMilliseconds = reader.number("poll_ms", in: .above(0, atMost: 60_000))
    simulation =
      reader.object("simulate") { CircuitSimulationSettings(reading: $0, in: folder) }
      ?? simulation
    tags = (reader["tags"]?.entries() ?? []).compactMap { name, value in
      value.number().map { (name, $0) }
    }
    watchTags = reader.texts("watch_tags")
    startTrigger = reader["start_trigger"]?.trigger()
    reader.checkDriver(driver, command)
  }
}

extension ObjectReader {
  /// A bridge needs a command; only a simulator is simulated.
  func checkDriver(_ driver: DeviceDriver, _ command: [String]) {
    guard driver == .bridge else { return }
    if command.isEmpty { report("is missing; a bridge's command is required", at: "command") }
    if has("simulate") {
      report(
        "a bridge is not simulated; leave simulate out, or use driver: \"simulator\"",
        at: "simulate")
    }
  }
}

extension ValueReader {
  /// 1 … 10 for a software trigger, "A" or "B" for the rack's.
  func trigger() -> Trigger? {
    switch node.content {
    case .text("A"): return .zBusA
    case .text("B"): return .zBusB
    case .number(let value):
      if let number = Int(exactly: value), (1...10).contains(number) { return .software(number) }
    default: break
    }
    refuse(allowed: "a trigger: 1 to 10, \"A\" or \"B\"")
    return nil
  }
}
