import Clocks
import Devices
import Samples

/// The operations `stg.*` on any stimulator.
final class StimulatorService: Service {
  let kind = "stimulator"
  let operations: Set<String> = [
    "stg.open", "stg.configure", "stg.start", "stg.stop", "stg.feed", "stg.download",
  ]
  let refusedAfterStop: Set<String> = ["stg.start", "stg.feed", "stg.download"]

  /// Beyond what is queued, a graceful stop waits this long, ms.
  private static let grace: Int64 = 50
  private static let mostPoints = 100_000

  private let make: () throws(DeviceError) -> any Stimulator
  private let timekeeper: any Timekeeper
  private var stimulator: (any Stimulator)?
  private var mode = StimulusMode.current
  private var token: String?
  private var queueMilliseconds = 0
  private var running: UInt32 = 0
  private var reply = FeedReply()

  init(
    _ timekeeper: any Timekeeper, _ make: @escaping () throws(DeviceError) -> any Stimulator
  ) {
    self.timekeeper = timekeeper
    self.make = make
  }

  // MARK: - What the server asks of every device

  var mustStop: Bool { running != 0 }

  func arm(_ request: ArmRequest) throws(DeviceError) -> Armed {
    guard let stimulator else {
      throw error("arm", .notOpen, "no stimulator is open")
    }
    guard let queue = request.queueMilliseconds, 1...250 ~= queue else {
      throw error("arm", .badArgument, "queue_max_ms is 1 … 250")
    }
    let limits = try limits(request.limits ?? [], channels: stimulator.info.channels)
    try stimulator.arm(
      limits: limits, queueMilliseconds: queue,
      timeToLiveMilliseconds: request.timeToLiveMilliseconds)
    queueMilliseconds = queue
    token = String(UInt64.random(in: .min ... .max), radix: 16)
    return Armed(token: token)
  }

  private func limits(
    _ asked: [ArmRequest.Limit?], channels: Int
  ) throws(DeviceError) -> [SignalLimits?] {
    var limits = [SignalLimits?](repeating: nil, count: channels)
    for (place, limit) in asked.enumerated() {
      guard let limit else { continue }
      guard let most = mode == .current ? limit.milliamperes : limit.millivolts else {
        throw error("arm", .badArgument, "limits[\(place)] has no bound for \(mode.rawValue)")
      }
      for channel in limit.channels ?? [place] {
        guard limits.indices.contains(channel) else {
          throw error("arm", .badArgument, "there is no channel \(channel)")
        }
        limits[channel] = SignalLimits(
          maximumAmplitude: most, maximumPhaseCharge: limit.phaseCharge,
          maximumNetCharge: limit.netCharge)
      }
    }
    return limits
  }

  func heartbeat() throws(DeviceError) { try stimulator?.heartbeat() }

  func emergencyStop() throws(DeviceError) {
    token = nil
    running = 0
    try stimulator?.emergencyStop()
  }

  func safeStop() {
    token = nil
    guard let stimulator, running != 0 else { return }
    let every = everyTrigger(of: stimulator)
    running = 0
    // Each step is tried whatever became of the one before.
    if (try? stimulator.stop(triggers: every, gracefully: true)) != nil {
      let wait = Int64(queueMilliseconds) + Self.grace
      timekeeper.sleep(until: timekeeper.now + wait * 1_000_000)
    }
    if (try? stimulator.stop(triggers: every, gracefully: false)) == nil {
      try? stimulator.emergencyStop()
    }
  }

  private func everyTrigger(of stimulator: some Stimulator) -> UInt32 {
    UInt32(truncatingIfNeeded: UInt64(1) << UInt64(stimulator.info.triggers) &- 1)
  }

  func perform(_ op: String, _ frame: Frame) throws -> ServiceAnswer {
    if op == "stg.open" { return ServiceAnswer(try open()) }
    guard let stimulator else {
      throw ServiceError(code: .notOpen, message: "no stimulator is open")
    }
    switch op {
    case "stg.configure": return ServiceAnswer(try configure(frame.request(), stimulator))
    case "stg.start": return ServiceAnswer(try start(frame.request(), stimulator))
    case "stg.stop": return ServiceAnswer(try stop(frame.request(), stimulator))
    case "stg.feed": return ServiceAnswer(try feed(frame.request(), frame, stimulator))
    case "stg.download": return ServiceAnswer(try download(frame.request(), stimulator))
    default: throw ServiceError(code: .unknownOperation, message: "no operation \(op)")
    }
  }

  // MARK: - Operations

  private func open() throws -> StimulatorFacts {
    token = nil
    if let stimulator {
      // It may still be stimulating for a host that is gone.
      try stimulator.stop(triggers: everyTrigger(of: stimulator), gracefully: false)
      stimulator.close()
    }
    stimulator = nil
    running = 0
    let new = try make()
    stimulator = new
    return StimulatorFacts(new.info)
  }

  private func configure(
    _ request: StreamSetup, _ stimulator: some Stimulator
  ) throws -> StreamSetup {
    guard let setup = request.setup else {
      throw ServiceError.badArgument("mode \(request.mode) is neither current nor voltage")
    }
    let found = try stimulator.configure(setup)
    mode = found.mode
    return StreamSetup(found)
  }

  private func checkArmed(_ asked: String?) throws {
    guard let token else { throw ServiceError(code: .notArmed, message: "arm first") }
    guard asked == token else {
      throw ServiceError(code: .token, message: "not the token of the last arm")
    }
  }

  private func start(_ request: StartTriggers, _ stimulator: some Stimulator) throws -> At {
    try checkArmed(request.token)
    // Known as running before the call: a stop must not take it for idle.
    running |= request.triggers
    let bracket = try stimulator.start(triggers: request.triggers)
    return At(at: [bracket.before, bracket.after])
  }

  private func stop(_ request: StopTriggers, _ stimulator: some Stimulator) throws -> At {
    let before = timekeeper.now
    let isGraceful = request.graceful ?? false
    try stimulator.stop(triggers: request.triggers, gracefully: isGraceful)
    // What is queued still leaves after a graceful stop.
    if !isGraceful { running &= ~request.triggers }
    return At(at: [before, timekeeper.now])
  }

  private func feed(
    _ request: FeedRequest, _ frame: Frame, _ stimulator: some Stimulator
  ) throws -> Fed {
    try checkArmed(request.token)
    guard request.chunks.count <= Bounds.chunks,
      request.chunks.allSatisfy({
        0...1 << 20 ~= $0.count && 0...Bounds.position ~= $0.from
          && ($0.kind == "signal" || $0.kind == "sync")
      }), request.chunks.reduce(0, { $0 + 2 * $1.count }) == frame.blobCount
    else { throw ServiceError.badArgument("the chunks, or the blob's length") }
    // A blob need not begin at an even address.
    let samples = frame.withBlob { blob in
      [Int16](unsafeUninitializedCapacity: blob.count / 2) { samples, count in
        UnsafeMutableRawBufferPointer(samples).copyMemory(from: blob)
        count = blob.count / 2
      }
    }
    let result = samples.withUnsafeBufferPointer { samples in
      var place = 0
      let chunks = request.chunks.map { chunk in
        defer { place += chunk.count }
        return FeedChunk(
          channel: chunk.channel, kind: chunk.kind == "signal" ? .signal : .sync,
          from: chunk.from,
          samples: UnsafeBufferPointer(rebasing: samples[place..<place + chunk.count]))
      }
      return Result { () throws(DeviceError) in
        for chunk in chunks where chunk.kind == .sync {
          guard chunk.samples.allSatisfy({ 0...1 ~= $0 }) else {
            throw error("stg.feed", .badArgument, "a sync sample is 0 or 1")
          }
        }
        try stimulator.feed(chunks, &reply)
      }
    }
    try result.get()
    return Fed(
      accepted: reply.accepted, space: reply.space, framesDone: reply.framesDone,
      framesBuffered: reply.framesBuffered,
      at: [reply.bracket.before, reply.bracket.after], underrun: reply.underrun,
      steady: reply.isClockReading)
  }

  private func download(
    _ request: DownloadRequest, _ stimulator: some Stimulator
  ) throws -> At {
    try checkArmed(request.token)
    let amplitudes = mode == .current ? request.nanoamperes : request.microvolts
    guard let amplitudes, amplitudes.count <= Self.mostPoints,
      amplitudes.allSatisfy({ abs(Double($0)) < 1e12 }),
      request.durations.allSatisfy({ 0...1 << 40 ~= $0 }),
      1...0x7FFF_FFFF ~= request.repeats
    else { throw ServiceError.badArgument("amplitudes, durations or repeat") }
    let before = timekeeper.now
    try stimulator.download(
      channel: request.channel, amplitudes: amplitudes, durations: request.durations,
      repeats: request.repeats)
    return At(at: [before, timekeeper.now])
  }

  private func error(_ call: String, _ code: DeviceError.Code, _ message: String) -> DeviceError {
    DeviceError(device: "stimulator", call: call, code: code, message: message)
  }
}
