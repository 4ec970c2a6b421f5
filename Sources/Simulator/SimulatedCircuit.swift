public import Clocks
public import Devices
import Foundation
import Samples

/// A TDT circuit in memory: tick-exact rings whose slots are made when they are read.
///
/// Every call takes the time its latency model gives it: the moments at which it touches the device
/// are laid out first, then the owner sleeps until the last of them, then the words are made. A
/// device ticks on by itself in between, as its ``Oscillator`` says. Owned by one thread.
public final class SimulatedCircuit: Circuit {
  public let deviceDescription: String
  public let rate: Double
  public let tags: [TagInfo]

  let world: SimulatedWorld
  let settings: CircuitSimulation
  let stores: [CircuitStore]
  let programs: [TagProgram]
  let latchTrigger: Int?
  /// Where each tag leads.
  let directory: [String: TagPlace]

  var latency: Latency
  var random: SplitMix64
  /// nil: not loaded any more.
  var oscillator: Oscillator?
  var isRunning = false
  var isClosed = false
  var scalars: [String: Float]
  /// Trigger lines that are held high.
  var highLines: Set<String> = []
  /// What will happen by itself, soonest first.
  var agenda: [Happening] = []
  var pending = PendingFaults()
  /// The link is down before this host time.
  var downUntil = Nanoseconds.min
  /// Transfers of the poll under way; kept to save its memory.
  var transfers: [Transfer] = []

  var timekeeper: any Timekeeper { world.timekeeper }

  /// Opens the circuit: halted, cleared, loaded.
  ///
  /// - Parameters:
  ///   - name: of the circuit in the session.
  ///   - model: the processor (`RZ2`), which bounds the bus speed.
  ///   - settings: rates, latencies, signals and faults.
  ///   - stores: the circuit's rings.
  ///   - scalars: further tags and their values.
  ///   - types: of those scalars that are not float.
  ///   - programs: what triggers do to scalar tags.
  ///   - latchTrigger: the software trigger whose rising edge latches every index and cycle of
  ///     samples and events stores; nil: they are read live.
  ///   - world: of the session.
  /// - Throws: ``DeviceError`` where a store has no possible shape, a signal names an output store
  ///   or a file that cannot be used, or a fault sets what cannot be set.
  public init(
    name: String, model: String = "RZ2", settings: CircuitSimulation = CircuitSimulation(),
    stores: [SimulatedStore], scalars: [String: Float] = [:], types: [String: TagType] = [:],
    programs: [TagProgram] = [],
    latchTrigger: Int? = nil, world: SimulatedWorld
  ) throws(DeviceError) {
    deviceDescription = "\(name) (simulated \(model))"
    rate = settings.rate
    self.world = world
    self.settings = settings
    self.programs = programs
    self.latchTrigger = latchTrigger
    latency = Latency(settings.latency, device: model, seed: seed(settings.seed, for: "latency"))
    random = SplitMix64(seed: seed(settings.seed, for: "faults"))

    var scalars = scalars
    for program in programs where scalars[program.tag] == nil { scalars[program.tag] = 0 }
    self.scalars = scalars
    (tags, directory) = Self.list(stores, scalars, types, isLatched: latchTrigger != nil)
    self.stores = try Self.make(
      stores, settings: settings, world: world, name: deviceDescription)
    for fault in settings.faults {
      if case .setTag(let tag, let value) = fault.kind,
        let refusal = refusal(of: value, for: tag)
      {
        throw error("set_tag fault", refusal.code, refusal.message)
      }
    }
  }

  // MARK: - Circuit

  public func run() throws(DeviceError) {
    var call = try begin("Run")
    let moment = call.takes(latency.scalar())
    advance(to: moment)
    if !isRunning { start(at: moment) }
    try end(call)
    timekeeper.sleep(until: timekeeper.now + 250_000_000)
  }

  public func halt() throws(DeviceError) {
    var call = try begin("Halt")
    let moment = call.takes(latency.scalar())
    advance(to: moment)
    stop(at: moment)
    try end(call)
  }

  public func health() throws(DeviceError) -> (status: CircuitStatus, cycleUsage: Int) {
    var call = try begin("GetStatus")
    let moment = call.takes(latency.scalar())
    advance(to: moment)
    try end(call)
    guard isRunning else { return ([.connected, .loaded], 0) }
    // Half a percent for a channel, as circuits of stores go.
    let channels = stores.reduce(0) { $0 + $1.store.format.channels }
    return ([.connected, .loaded, .running], min(95, 5 + channels / 2))
  }

  public func values(of tags: [String]) throws(DeviceError) -> [Float] {
    var call = try begin("GetTagVal", failing: .readFailed)
    var values: [Float] = []
    values.reserveCapacity(tags.count)
    for tag in tags { values.append(readScalar(tag, &call)) }
    try end(call)
    return values
  }

  public func set(_ tag: String, to value: Float) throws(DeviceError) {
    var call = try begin("SetTagVal \(tag)")
    let moment = call.takes(latency.scalar())
    advance(to: moment)
    let refusal = refusal(of: Double(value), for: tag)
    write(tag, Double(value), at: moment)
    try end(call)
    if let refusal { throw error(call.name, refusal.code, refusal.message) }
  }

  @discardableResult
  public func fire(_ trigger: Trigger, mode: TriggerMode) throws(DeviceError) -> Bracket {
    var call = try begin("trigger \(trigger.line)")
    if case .software(let number) = trigger, !(1...10).contains(number) {
      throw error(call.name, .badArgument, "software triggers are 1 … 10")
    }
    let before = call.time
    let isBus = trigger == .zBusA || trigger == .zBusB
    let moment = call.takes(isBus ? latency.zBusTrigger() : latency.trigger())
    advance(to: moment)
    fire(trigger, mode, at: moment)
    let after = call.time
    try end(call)
    return Bracket(before: before, after: after)
  }

  public func reconnect() throws(DeviceError) {
    try end(begin("reconnect"))
  }

  public func close() {
    guard !isClosed else { return }
    let now = timekeeper.now
    advance(to: now)
    stop(at: now)
    isClosed = true
  }

  // MARK: - Loading

  private static func make(
    _ stores: [SimulatedStore], settings: CircuitSimulation, world: SimulatedWorld, name: String
  ) throws(DeviceError) -> [CircuitStore] {
    func fail(_ message: String) -> DeviceError {
      DeviceError(device: name, call: "load", code: .badArgument, message: message)
    }
    // The longest time a ring reaches back, twice, because sizes and rates can be changed.
    let ticks = stores.map { store in
      store.format.frames(inSlots: Int64(store.maximumSlots))
        * Int64(Self.decimation(of: store, settings))
    }
    let memory = 2 * (ticks.max() ?? 0) + Int64(settings.rate)
    var made: [CircuitStore] = []
    for store in stores {
      guard store.format.isValid, store.slots > 0, store.slots <= store.maximumSlots,
        store.slots % store.format.slotsPerUnit == 0, store.ticksPerFrame > 0
      else { throw fail("store \(store.data) has an impossible shape") }
      made.append(
        CircuitStore(
          store, decimation: Self.decimation(of: store, settings), overflow: settings.overflow,
          memory: memory))
    }
    let players = Dictionary(
      made.compactMap { store in store.player.map { (store.store.data, $0) } },
      uniquingKeysWith: { first, _ in first })
    for store in made where store.player == nil {
      let context = SignalContext(
        rate: settings.rate, format: store.store.format, seed: settings.seed, world: world,
        memory: Nanoseconds(Double(memory) / settings.rate * 1e9),
        player: { data throws(DeviceError) in
          guard let player = players[data] else { throw fail("no output store is named \(data)") }
          return player
        },
        array: { path throws(DeviceError) in
          guard let data = FileManager.default.contents(atPath: path) else {
            throw fail("cannot read \(path)")
          }
          do { return try NumpyArray(parsing: Array(data)) } catch {
            throw fail("\(path): \(error)")
          }
        })
      try store.generate(settings.signals[store.store.data] ?? .counter, context)
    }
    return made
  }

  /// A store of stamps writes once a period; any other as its tag says.
  private static func decimation(
    of store: SimulatedStore, _ settings: CircuitSimulation
  ) -> Int {
    if case .stamps(let period) = settings.signals[store.data] { return max(1, period) }
    return store.ticksPerFrame
  }
}
