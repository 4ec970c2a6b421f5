import Clocks
import Devices
import Samples
import Simulator
import Synchronization

/// Counts the calls that reach a circuit, by name.
final class CallCounter: Sendable {
  private let counts = Mutex<[String: Int]>([:])

  func note(_ call: String) { counts.withLock { $0[call, default: 0] += 1 } }

  var all: [String: Int] { counts.withLock { $0 } }
}

/// A simulated circuit whose calls are counted.
final class CountedCircuit: Circuit {
  private let circuit: SimulatedCircuit
  private let calls: CallCounter
  /// Whether it tells its status and cycle usage while it runs.
  private let tellsHealth: Bool
  private var isRunning = false

  init(_ circuit: SimulatedCircuit, _ calls: CallCounter, tellsHealth: Bool = true) {
    self.circuit = circuit
    self.calls = calls
    self.tellsHealth = tellsHealth
  }

  var deviceDescription: String { circuit.deviceDescription }
  var rate: Double { circuit.rate }
  var tags: [TagInfo] { circuit.tags }

  func run() throws(DeviceError) {
    calls.note("run")
    isRunning = true
    try circuit.run()
  }

  func halt() throws(DeviceError) {
    calls.note("halt")
    try circuit.halt()
  }

  func health() throws(DeviceError) -> (status: CircuitStatus, cycleUsage: Int) {
    calls.note("health")
    guard tellsHealth || !isRunning else {
      throw DeviceError(
        device: deviceDescription, call: "GetCycUse", code: .driver, message: "no such call")
    }
    return try circuit.health()
  }

  func values(of tags: [String]) throws(DeviceError) -> [Float] {
    calls.note("values")
    return try circuit.values(of: tags)
  }

  func set(_ tag: String, to value: Float) throws(DeviceError) {
    calls.note("set")
    try circuit.set(tag, to: value)
  }

  func fire(_ trigger: Trigger, mode: TriggerMode) throws(DeviceError) -> Bracket {
    calls.note("fire")
    return try circuit.fire(trigger, mode: mode)
  }

  func poll(_ poll: inout Poll) throws(DeviceError) {
    calls.note("poll")
    try circuit.poll(&poll)
  }

  func write(
    _ words: UnsafeBufferPointer<UInt32>, to ring: RingTags, size: Int, from: Int64
  ) throws(DeviceError) -> (position: RingPosition, bracket: Bracket) {
    calls.note("write")
    return try circuit.write(words, to: ring, size: size, from: from)
  }

  func reconnect() throws(DeviceError) {
    calls.note("reconnect")
    try circuit.reconnect()
  }

  func close() { circuit.close() }
}
