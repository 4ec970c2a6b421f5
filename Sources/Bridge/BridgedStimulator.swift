public import Clocks
public import Devices
public import Samples

/// A stimulator behind a bridge: one round trip for each call, a feed included.
///
/// Owned by one thread; only ``emergency`` may be used by others. When it is let go the bridge
/// stops the stimulator.
public final class BridgedStimulator: Stimulator {
  public private(set) var info: StimulatorInfo
  /// Stops from any thread.
  public var emergency: EmergencySwitch { link.emergency }

  private let link: Link
  private let serial: String?
  private var token: String?
  private var mode = StimulusMode.current

  /// Starts or reaches the bridge and has it open the stimulator, silent.
  ///
  /// - Parameters:
  ///   - name: of the stimulator in the session.
  ///   - address: of the bridge.
  ///   - serial: of the stimulator; nil: the only one there is.
  ///   - timekeeper: of the session, in real time.
  ///   - listener: hears the bridge's log lines and the exchanges that its clock map is made of.
  /// - Throws: ``DeviceError``: what became of the command, or what the bridge refused.
  public init(
    name: String, address: BridgeAddress, serial: String? = nil, timekeeper: any Timekeeper,
    listener: LinkListener = LinkListener()
  ) throws(DeviceError) {
    let link = Link(
      device: name, kind: "stimulator", address: address, timekeeper: timekeeper,
      listener: listener)
    self.link = link
    self.serial = serial
    info = try Self.open(link, serial)
  }

  private static func open(_ link: Link, _ serial: String?) throws(DeviceError) -> StimulatorInfo {
    try link.open()
    let facts = try link.exchange(
      "stg.open", OpenStimulator(serial: serial), limit: TimeLimit.open, as: StimulatorFacts.self
    ).body
    guard let info = facts.info else {
      throw link.violation("stg.open", "the device says nonsense of itself: \(facts)")
    }
    return info
  }

  /// Finds the stimulator again after the link was lost, and stops it: it may still be
  /// stimulating. It stays silent until it is configured, armed and started again.
  public func reconnect() throws(DeviceError) {
    token = nil
    link.heartbeatInterval = nil
    info = try Self.open(link, serial)
    try stop(triggers: UInt32(1) << UInt32(info.triggers) &- 1, gracefully: false)
  }

  // MARK: - Stimulator

  public func configure(_ setup: StimulatorSetup) throws(DeviceError) -> StimulatorSetup {
    let found = try link.exchange(
      "stg.configure", StreamSetup(setup), limit: TimeLimit.configure, as: StreamSetup.self
    ).body
    guard let setup = found.setup else {
      throw link.violation("stg.configure", "there is no mode \(found.mode)")
    }
    mode = setup.mode
    return setup
  }

  public func arm(
    limits: [SignalLimits?], queueMilliseconds: Int, timeToLiveMilliseconds: Int
  ) throws(DeviceError) {
    let request = ArmRequest(
      timeToLiveMilliseconds: timeToLiveMilliseconds,
      limits: limits.enumerated().map { channel, limits in
        limits.map { .init($0, mode: mode, channel: channel) }
      }, queueMilliseconds: queueMilliseconds)
    token = try link.exchange("arm", request, limit: TimeLimit.short, as: Armed.self).body.token
    link.heartbeatInterval = Nanoseconds(timeToLiveMilliseconds) * 1_000_000 / 3
  }

  public func feed(_ chunks: [FeedChunk], _ reply: inout FeedReply) throws(DeviceError) {
    let request = FeedRequest(
      token: token,
      chunks: chunks.map { chunk in
        .init(
          channel: chunk.channel, kind: chunk.kind == .signal ? "signal" : "sync",
          from: chunk.from, count: chunk.samples.count)
      })
    let answer = try link.exchange(
      "stg.feed", request, blob: chunks.map { UnsafeRawBufferPointer($0.samples) },
      limit: TimeLimit.feed, as: Fed.self)
    let fed = answer.body
    guard fed.accepted.count == chunks.count, fed.space.count == chunks.count,
      zip(fed.accepted, chunks).allSatisfy({ 0...$1.samples.count ~= $0 }),
      fed.framesBuffered.count == info.channels, fed.framesDone >= 0
    else { throw link.violation("stg.feed", "impossible numbers: \(fed)") }
    reply.accepted = fed.accepted
    reply.space = fed.space
    reply.framesDone = fed.framesDone
    reply.framesBuffered = fed.framesBuffered
    reply.isClockReading = fed.steady ?? true
    reply.underrun = fed.underrun || link.hasUnderrun
    link.hasUnderrun = false
    reply.bracket = try link.bracket(fed.at, answer, "stg.feed")
    try link.burstIfDue()
  }

  public func start(triggers: UInt32) throws(DeviceError) -> Bracket {
    let answer = try link.exchange(
      "stg.start", StartTriggers(token: token, triggers: triggers), limit: TimeLimit.start,
      as: At.self)
    return try link.bracket(answer.body.at, answer, "stg.start")
  }

  public func stop(triggers: UInt32, gracefully: Bool) throws(DeviceError) {
    let request = StopTriggers(triggers: triggers, graceful: gracefully)
    _ = try link.exchange(
      "stg.stop", request, limit: TimeLimit.stop, faults: .kept, as: Nothing.self)
  }

  public func heartbeat() throws(DeviceError) {
    _ = try link.exchange("clock", Nothing(), limit: TimeLimit.short, as: Nothing.self)
    try link.burstIfDue()
  }

  public func emergencyStop() throws(DeviceError) { try link.emergencyStop() }

  public func download(
    channel: Int, amplitudes: [Int], durations: [Int], repeats: Int
  ) throws(DeviceError) {
    let isCurrent = mode == .current
    let request = DownloadRequest(
      token: token, channel: channel, nanoamperes: isCurrent ? amplitudes : nil,
      microvolts: isCurrent ? nil : amplitudes, durations: durations, repeats: repeats)
    _ = try link.exchange("stg.download", request, limit: TimeLimit.download, as: Nothing.self)
  }

  public func close() { link.close() }
}
