public import Clocks
public import Devices
public import Samples

/// An STG4000 in memory: two rings for each channel, moved by the time that passes.
///
/// Owned by one thread. Its state lives in the world, where circuits look at what it puts out.
public final class SimulatedStimulator: Stimulator {
  public let info: StimulatorInfo

  private let world: SimulatedWorld
  private let settings: StimulatorSimulation
  private var latency: Latency
  private var random: SplitMix64
  private var isClosed = false

  private var timekeeper: any Timekeeper { world.timekeeper }

  /// Opens the stimulator of a world; an earlier one is gone.
  ///
  /// - Parameters:
  ///   - name: of the stimulator in the session.
  ///   - serial: what it says its serial number is.
  ///   - settings: channels, ranges, clock, latencies and faults.
  ///   - world: of the session.
  public init(
    name: String = "stg", serial: String = "SIM-1",
    settings: StimulatorSimulation = StimulatorSimulation(), world: SimulatedWorld
  ) {
    self.world = world
    self.settings = settings
    let channels = settings.channels
    func all(_ value: Double) -> [Double] { Array(repeating: value, count: channels) }
    info = StimulatorInfo(
      name: "\(name) (simulated STG400\(channels))", serial: serial, version: "1",
      dacBits: settings.dacBits, channels: channels, triggers: channels,
      rangeNanoamperes: all(settings.rangeNanoamperes),
      rangeMicrovolts: all(settings.rangeMicrovolts),
      resolutionNanoamperes: all(settings.resolutionNanoamperes),
      resolutionMicrovolts: all(settings.resolutionMicrovolts),
      memoryBytes: settings.memoryBytes)
    latency = Latency(settings.latency, seed: seed(settings.seed, for: "latency"))
    random = SplitMix64(seed: seed(settings.seed, for: "faults"))
    world.setStimulator(
      StimulatorCore(name: info.name, settings: settings, at: world.timekeeper.now))
  }

  // MARK: - Stimulator

  public func configure(_ setup: StimulatorSetup) throws(DeviceError) -> StimulatorSetup {
    try perform("configure") { core, _ throws(DeviceError) in try core.configure(setup) }
  }

  public func arm(
    limits: [SignalLimits?], queueMilliseconds: Int, timeToLiveMilliseconds: Int
  ) throws(DeviceError) {
    try perform("arm") { core, _ throws(DeviceError) in
      try core.arm(
        limits: limits, queueMilliseconds: queueMilliseconds,
        timeToLiveMilliseconds: timeToLiveMilliseconds)
    }
  }

  public func feed(_ chunks: [FeedChunk], _ reply: inout FeedReply) throws(DeviceError) {
    for fault in settings.faults where fault.at == nil && fault.probability > 0 {
      guard random.nextUnit() < fault.probability else { continue }
      try change("feed") { core, truth in core.befall(fault.kind, &truth) }
    }
    try perform("feed") { core, _ throws(DeviceError) in try core.feed(chunks, &reply) }
    // The counters are read twice around the reading of the clock.
    reply.bracket.before = timekeeper.now
    let first = try change("feed") { core, _ in core.framesDone }
    timekeeper.sleep(until: reply.bracket.before + latency.glance())
    try change("feed") { core, _ in
      reply.framesDone = core.framesDone
      reply.framesBuffered.removeAll(keepingCapacity: true)
      for channel in core.lanes.indices {
        reply.framesBuffered.append(core.framesBuffered(channel))
      }
      reply.isClockReading = core.framesDone == first && core.isRunning
      reply.underrun = core.hadUnderrun
      core.hadUnderrun = false
    }
    reply.bracket.after = timekeeper.now
  }

  public func start(triggers: UInt32) throws(DeviceError) -> Bracket {
    let needsLoop = try perform("start") { core, _ throws(DeviceError) in
      try core.mayStart(triggers)
    }
    if needsLoop {
      // The loop needs a second before the first trigger; the host is not silent meanwhile.
      let settled = timekeeper.now + 1_000_000_000
      try change("start") { core, _ in
        core.isLooping = true
        core.lastHeard = settled
      }
      timekeeper.sleep(until: settled)
    }
    let before = timekeeper.now
    try perform("start", latency.trigger()) { core, _ throws(DeviceError) in
      _ = try core.mayStart(triggers)
      core.start(channels: core.channels(of: triggers))
    }
    return Bracket(before: before, after: timekeeper.now)
  }

  public func stop(triggers: UInt32, gracefully: Bool) throws(DeviceError) {
    try perform("stop") { core, truth in
      let channels = core.channels(of: triggers)
      if gracefully {
        core.drain(channels: channels, &truth)
      } else {
        core.silence(channels: channels, &truth)
      }
    }
  }

  public func heartbeat() throws(DeviceError) {
    try perform("heartbeat") { core, _ throws(DeviceError) in
      if core.lock != nil { try core.requireArmed("heartbeat") }
    }
  }

  public func emergencyStop() throws(DeviceError) {
    try perform("estop") { core, truth in
      core.silence(channels: core.lanes.indices, &truth)
      core.lock = .emergencyStop
      core.arming = nil
    }
  }

  public func download(
    channel: Int, amplitudes: [Int], durations: [Int], repeats: Int
  ) throws(DeviceError) {
    // Writing to the device's memory takes 200 to 250 ms.
    let duration =
      settings.latency == .none ? 0 : Nanoseconds(200_000_000 + 50_000_000 * random.nextUnit())
    try perform("download", Latency.Ways(there: duration, back: 0)) {
      core, _ throws(DeviceError) in
      try core.download(
        channel: channel, amplitudes: amplitudes, durations: durations, repeats: repeats)
    }
  }

  public func close() {
    guard !isClosed else { return }
    // What cannot be reached any more stops by its own watchdog.
    _ = try? world.withStimulator { core, truth in
      if core.isLinked { core.silence(channels: core.lanes.indices, &truth) }
      core.setup = nil
      core.arming = core.isLinked ? nil : core.arming
    }
    isClosed = true
  }

  // MARK: - Calls

  /// One exchange with the device: it takes its time, and the device's watchdog hears it.
  private func perform<Result: Sendable>(
    _ call: String, _ ways: Latency.Ways? = nil,
    _ body: (inout StimulatorCore, inout OutputTruth) throws(DeviceError) -> Result
  ) throws(DeviceError) -> Result {
    guard !isClosed else { throw error(call, .notOpen, "the stimulator was closed") }
    let ways = ways ?? latency.scalar()
    let (delay, isError) = try change(call) { core, _ in
      defer {
        core.pendingDelay = 0
        core.pendingError = false
      }
      return (core.pendingDelay, core.pendingError)
    }
    timekeeper.sleep(until: timekeeper.now + delay + ways.there)
    let result = try change(call) { core, truth throws(DeviceError) in
      guard !isError else { throw error(call, .driver, "the driver reported an error (scripted)") }
      guard core.isLinked else {
        throw error(call, .disconnected, "the device does not answer")
      }
      core.lastHeard = max(core.lastHeard, core.time)
      return try body(&core, &truth)
    }
    timekeeper.sleep(until: timekeeper.now + ways.back)
    return result
  }

  /// Looks at the device, or changes it, in no time.
  @discardableResult
  private func change<Result: Sendable>(
    _ call: String,
    _ body: (inout StimulatorCore, inout OutputTruth) throws(DeviceError) -> Result
  ) throws(DeviceError) -> Result {
    guard let result = try world.withStimulator(body) else {
      throw error(call, .notOpen, "another stimulator was opened")
    }
    return result
  }

  private func error(_ call: String, _ code: DeviceError.Code, _ message: String) -> DeviceError {
    DeviceError(device: info.name, call: call, code: code, message: message)
  }
}
