import Clocks
import Devices
import Samples
import Synchronization

/// Counts the calls that reach a circuit, by name.
final class CallCounter: Sendable {
  private let counts = Mutex<[String: Int]>([:])

  func note(_ call: String) { counts.withLock { $0[call, default: 0] += 1 } }

  var all: [String: Int] { counts.withLock { $0 } }
}

/// A circuit whose calls are counted, and some of them refused while it runs.
final class CountedCircuit: Circuit {
  private let circuit: any Circuit
  private let calls: CallCounter
  private let refused: Set<String>
  private var isRunning = false

  init(_ circuit: any Circuit, _ calls: CallCounter = CallCounter(), refusing: Set<String> = []) {
    self.circuit = circuit
    self.calls = calls
    refused = refusing
  }

  var deviceDescription: String { circuit.deviceDescription }
  var rate: Double { circuit.rate }
  var tags: [TagInfo] { circuit.tags }

  func run() throws(DeviceError) {
    try note("run")
    isRunning = true
    try circuit.run()
  }

  private func note(_ call: String) throws(DeviceError) {
    calls.note(call)
    guard isRunning, refused.contains(call) else { return }
    throw DeviceError(device: deviceDescription, call: call, code: .driver, message: "refused")
  }

  func halt() throws(DeviceError) {
    try note("halt")
    try circuit.halt()
  }

  func health() throws(DeviceError) -> (status: CircuitStatus, cycleUsage: Int) {
    try note("health")
    return try circuit.health()
  }

  func values(of tags: [String]) throws(DeviceError) -> [Float] {
    try note("values")
    return try circuit.values(of: tags)
  }

  func set(_ tag: String, to value: Float) throws(DeviceError) {
    try note("set")
    try circuit.set(tag, to: value)
  }

  func fire(_ trigger: Trigger, mode: TriggerMode) throws(DeviceError) -> Bracket {
    try note("fire")
    return try circuit.fire(trigger, mode: mode)
  }

  func poll(_ poll: inout Poll) throws(DeviceError) {
    try note("poll")
    try circuit.poll(&poll)
  }

  func write(
    _ words: UnsafeBufferPointer<UInt32>, to ring: RingTags, size: Int, from: Int64
  ) throws(DeviceError) -> (position: RingPosition, bracket: Bracket) {
    try note("write")
    return try circuit.write(words, to: ring, size: size, from: from)
  }

  func reconnect() throws(DeviceError) {
    try note("reconnect")
    try circuit.reconnect()
  }

  func close() { circuit.close() }
}
