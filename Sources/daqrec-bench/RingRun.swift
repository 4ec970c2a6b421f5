import Clocks
import Devices
import Foundation
import Recording
import Samples
import Simulator
import Synchronization

/// A simulated circuit under observation: what each poll was asked and what it answered.
final class ObservedCircuit: Circuit {
  /// One poll that was answered.
  struct Observation {
    var first: Bracket
    var second: Bracket
    /// Of each ring, in the order of the circuit's buffers.
    var rings: [(first: RingPosition, second: RingPosition, from: Int64, count: Int)]
    /// Host time at which the owner had the answer.
    var end: Nanoseconds
  }

  let circuit: SimulatedCircuit
  private let timekeeper: any Timekeeper
  /// Seconds after the run at which the gates' trigger is fired, those still to come.
  private var triggers: [Double]
  private var began: Nanoseconds?
  private(set) var polls: [Observation] = []
  /// Host times of polls that failed.
  private(set) var failures: [Nanoseconds] = []
  /// When the gates' trigger was fired.
  private(set) var fired: [Bracket] = []

  init(_ circuit: SimulatedCircuit, triggers: [Double], timekeeper: any Timekeeper) {
    self.circuit = circuit
    self.triggers = triggers
    self.timekeeper = timekeeper
  }

  var deviceDescription: String { circuit.deviceDescription }
  var rate: Double { circuit.rate }
  var tags: [TagInfo] { circuit.tags }

  func run() throws(DeviceError) {
    began = began ?? timekeeper.now
    try circuit.run()
  }

  func halt() throws(DeviceError) { try circuit.halt() }

  func health() throws(DeviceError) -> (status: CircuitStatus, cycleUsage: Int) {
    try circuit.health()
  }

  func values(of tags: [String]) throws(DeviceError) -> [Float] { try circuit.values(of: tags) }

  func set(_ tag: String, to value: Float) throws(DeviceError) { try circuit.set(tag, to: value) }

  func fire(_ trigger: Trigger, mode: TriggerMode) throws(DeviceError) -> Bracket {
    try circuit.fire(trigger, mode: mode)
  }

  func poll(_ poll: inout Poll) throws(DeviceError) {
    do throws(DeviceError) {
      try fireTriggersDue()
      try circuit.poll(&poll)
    } catch {
      failures.append(timekeeper.now)
      throw error
    }
    polls.append(
      Observation(
        first: poll.firstLatch, second: poll.secondLatch,
        rings: poll.rings.map { ($0.first, $0.second, $0.from, $0.count) }, end: timekeeper.now))
  }

  func write(
    _ words: UnsafeBufferPointer<UInt32>, to ring: RingTags, size: Int, from: Int64
  ) throws(DeviceError) -> (position: RingPosition, bracket: Bracket) {
    try circuit.write(words, to: ring, size: size, from: from)
  }

  func reconnect() throws(DeviceError) { try circuit.reconnect() }

  func close() { circuit.close() }

  /// The experiment's triggers come from elsewhere; here they come before a poll.
  private func fireTriggersDue() throws(DeviceError) {
    guard let began, let next = triggers.first,
      timekeeper.now - began >= Nanoseconds(next * 1e9)
    else { return }
    triggers.removeFirst()
    let before = timekeeper.now
    try circuit.fire(.software(RingScenario.SimulatedGate.trigger), mode: .pulse)
    fired.append(Bracket(before: before, after: timekeeper.now))
  }
}

/// What a scenario left behind: the report, the file, and the devices with their truth.
struct RingRun {
  let scenario: RingScenario
  let report: Report
  let path: String
  /// In the order of the scenario.
  let circuits: [ObservedCircuit]
  /// What the person at the rig was told, and when.
  let warnings: [(time: Nanoseconds, text: String)]
  /// The host's clock at the recording clock's zero.
  let origin: Nanoseconds

  /// Records a scenario in virtual time. The calling thread owns the time.
  init(_ scenario: RingScenario, folder: String) throws {
    let timekeeper = VirtualTimekeeper()
    let world = SimulatedWorld(timekeeper: timekeeper)
    let session = try Session.load(text: scenario.sessionText)
    let opened = Opened()
    let openers = DeviceOpeners(
      circuit: { settings, _ in
        guard let wanted = scenario.circuits.first(where: { $0.name == settings.name }) else {
          throw RingProblem("there is no circuit \(settings.name)")
        }
        let circuit = try SimulatedCircuit(
          name: wanted.name, settings: wanted.simulation, stores: wanted.buffers.map(\.store),
          latchTrigger: wanted.latch, world: world)
        let observed = ObservedCircuit(
          circuit, triggers: wanted.gateTriggers, timekeeper: timekeeper)
        opened.add(observed, name: wanted.name)
        return observed
      },
      stimulator: { _, _ in throw RingProblem("there is no stimulator") })
    path = "\(folder)/ring-\(scenario.seed).nwb.h5"
    let plan = SessionPlan(
      session, openers: openers, output: path, software: [("daqrec-bench", "campaign")],
      now: Date(timeIntervalSince1970: 1_700_000_000))
    origin = timekeeper.now
    let recorder = Recorder(plan, timekeeper: timekeeper) { text in
      opened.warn(text, at: timekeeper.now)
    }
    report = try recorder.run { _ in }
    circuits = try scenario.circuits.map { circuit in
      guard let observed = opened.circuit(circuit.name) else {
        throw RingProblem("\(circuit.name) was not opened")
      }
      return observed
    }
    warnings = opened.warnings
    self.scenario = scenario
  }

  /// Unchecked: the owners' threads fill it, each its own circuit; it is read when they have ended.
  private final class Opened: @unchecked Sendable {
    private let lock = Mutex(())
    private var circuits: [String: ObservedCircuit] = [:]
    private(set) var warnings: [(time: Nanoseconds, text: String)] = []

    func add(_ circuit: ObservedCircuit, name: String) {
      lock.withLock { _ in circuits[name] = circuit }
    }

    func circuit(_ name: String) -> ObservedCircuit? { lock.withLock { _ in circuits[name] } }

    func warn(_ text: String, at time: Nanoseconds) {
      lock.withLock { _ in warnings.append((time, text)) }
    }
  }
}

/// Why a scenario failed.
struct RingProblem: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

extension RingScenario.Buffer {
  /// The ring as the circuit has it.
  var store: SimulatedStore {
    var store = SimulatedStore(
      data: name, format: format, slots: Int(format.slots(ofFrames: Int64(size))),
      scalingFactor: scalingFactor, ticksPerFrame: decimation,
      gate: gate.map { gate in
        SimulatedStore.Gate(
          trigger: .software(RingScenario.SimulatedGate.trigger),
          length: gate.ticks.map { .ticks($0) } ?? .unlimited, resetsPosition: gate.resets)
      })
    if !hasCycle { store.cycle = nil }
    return store
  }
}
