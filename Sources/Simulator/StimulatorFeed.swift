import Clocks
import Devices
import Samples

/// What a host may ask of a simulated stimulator, without the time it takes.
extension StimulatorCore {
  /// Refuses what a latched stop, a missing arming or a lapsed heart-beat forbids.
  func requireArmed(_ call: String) throws(DeviceError) {
    switch lock {
    case .emergencyStop:
      throw error(call, .emergencyStop, "stopped in an emergency: arm again")
    case .heartbeat:
      throw error(call, .heartbeat, "nothing was heard for the time to live: arm again")
    case .overCurrent:
      throw error(call, .overCurrent, "an output drew too much current: arm again")
    case nil:
      guard arming != nil else { throw error(call, .notArmed, "the stimulator is not armed") }
    }
  }

  // MARK: - Setup

  mutating func configure(_ asked: StimulatorSetup) throws(DeviceError) -> StimulatorSetup {
    let call = "configure"
    guard !isRunning else { throw error(call, .busy, "the stimulator is running") }
    let triggers = settings.channels
    func bad(_ message: String) -> DeviceError { error(call, .badArgument, message) }
    let lists = [
      asked.capacityBytes.count, asked.channelMap.count, asked.syncMap.count,
      asked.digitalMap.count, asked.autostart.count,
    ]
    guard lists.allSatisfy({ $0 == triggers }) else {
      throw bad("every list has an entry for each of the \(triggers) triggers")
    }
    let most = settings.memoryBytes / triggers
    for (trigger, bytes) in asked.capacityBytes.enumerated() {
      guard bytes <= most else {
        throw error(
          call, .capacity,
          "capacity \(bytes) bytes of trigger \(trigger) is more than the \(most) it can have "
            + "(\(settings.memoryBytes) bytes for \(triggers) triggers)")
      }
      guard bytes >= 0 else { throw bad("capacity \(bytes) is negative") }
    }
    guard asked.ringSamples > 0 else { throw bad("a ring of \(asked.ringSamples) samples") }
    guard (1...100).contains(asked.callbackPercent) else {
      throw bad("callback at \(asked.callbackPercent) percent")
    }
    let outside: UInt32 = triggers >= 32 ? 0 : ~0 << UInt32(triggers)
    for map in asked.channelMap + asked.syncMap where map & outside != 0 {
      throw bad("the map \(map) names channels beyond the \(triggers) there are")
    }
    guard asked.rate > 0 else { throw bad("output rate \(asked.rate)") }

    var setup = asked
    // Two rates are there; whoever asked for another one reads back what it got.
    setup.rate = asked.rate == 10_000 ? 10_000 : 50_000
    clear(rate: setup.rate)
    mode = setup.mode
    for trigger in 0..<triggers {
      for channel in lanes.indices {
        if setup.channelMap[trigger] & 1 << UInt32(channel) != 0 {
          lanes[channel].capacity = Int64(setup.capacityBytes[trigger] / 2)
        }
        if setup.syncMap[trigger] & 1 << UInt32(channel) != 0 { lanes[channel].drivesSync = true }
      }
    }
    self.setup = setup
    return setup
  }

  mutating func arm(
    limits: [SignalLimits?], queueMilliseconds: Int, timeToLiveMilliseconds: Int
  ) throws(DeviceError) {
    guard queueMilliseconds > 0, timeToLiveMilliseconds > 0, timeToLiveMilliseconds < 86_400_000
    else { throw error("arm", .badArgument, "queue and time to live must be positive") }
    guard limits.count <= lanes.count else {
      throw error("arm", .badArgument, "limits for \(limits.count) of \(lanes.count) channels")
    }
    for channel in lanes.indices {
      lanes[channel].limits = channel < limits.count ? limits[channel] : nil
    }
    lock = nil
    arming = Arming(
      queueMilliseconds: queueMilliseconds,
      timeToLive: Nanoseconds(timeToLiveMilliseconds) * 1_000_000)
    lastHeard = time
  }

  // MARK: - Feeding

  mutating func feed(
    _ chunks: [FeedChunk], _ reply: inout FeedReply
  ) throws(DeviceError) {
    try requireArmed("feed")
    guard setup != nil else { throw notStreaming("feed") }
    // All of it is checked before any of it is taken.
    reply.accepted.removeAll(keepingCapacity: true)
    for (number, chunk) in chunks.enumerated() {
      guard
        !chunks[..<number].contains(where: { $0.channel == chunk.channel && $0.kind == chunk.kind })
      else { throw error("feed", .badArgument, "two chunks of channel \(chunk.channel)") }
      reply.accepted.append(try acceptable(chunk))
    }
    reply.space.removeAll(keepingCapacity: true)
    for (chunk, count) in zip(chunks, reply.accepted) {
      let samples = fresh(chunk).prefix(count)
      if chunk.kind == .signal {
        if let bounds = bounds(chunk.channel) {
          _ = lanes[chunk.channel].phase.add(
            samples, maximumCode: bounds.code, maximumSum: bounds.sum)
        }
        lanes[chunk.channel].signal.append(samples)
      } else {
        lanes[chunk.channel].sync.append(samples.lazy.map { $0 == 0 ? 0 : 1 })
      }
      reply.space.append(space(chunk))
    }
  }

  private func notStreaming(_ call: String) -> DeviceError {
    error(call, .badArgument, "the stimulator is not configured for streaming")
  }

  private func fed(_ chunk: FeedChunk) -> Int64 {
    chunk.kind == .signal ? lanes[chunk.channel].signal.end : lanes[chunk.channel].sync.end
  }

  /// The part of a chunk that was not accepted before.
  private func fresh(_ chunk: FeedChunk) -> Slice<UnsafeBufferPointer<Int16>> {
    chunk.samples.dropFirst(Int(min(max(0, fed(chunk) - chunk.from), Int64(chunk.samples.count))))
  }

  private func space(_ chunk: FeedChunk) -> Int {
    let room = Int64(setup?.ringSamples ?? 0) - (fed(chunk) - lanes[chunk.channel].pulled)
    return Int(max(0, room))
  }

  /// How many samples of a chunk can be taken now.
  private func acceptable(_ chunk: FeedChunk) throws(DeviceError) -> Int {
    guard lanes.indices.contains(chunk.channel) else {
      throw error("feed", .badArgument, "there is no channel \(chunk.channel)")
    }
    let lane = lanes[chunk.channel]
    guard chunk.from >= 0, chunk.from <= fed(chunk) else {
      throw error(
        "feed", .badArgument,
        "channel \(chunk.channel) was fed up to sample \(fed(chunk)), not \(chunk.from)")
    }
    guard !lane.isDraining else { return 0 }
    let queue = Int64(arming?.queueMilliseconds ?? 0) * slice - (fed(chunk) - lane.played)
    let count = min(fresh(chunk).count, space(chunk), Int(max(0, queue)))
    guard chunk.kind == .signal, let bounds = bounds(chunk.channel) else { return count }
    var phase = lane.phase
    let samples = fresh(chunk).prefix(count)
    if let place = phase.add(samples, maximumCode: bounds.code, maximumSum: bounds.sum) {
      throw error(
        "feed", .limit,
        "channel \(chunk.channel), sample \(fed(chunk) + Int64(place)): code "
          + "\(samples[samples.startIndex + place]) is beyond the limits of amplitude or charge")
    }
    return count
  }

  /// A channel's limits as a code and as a sum of codes.
  private func bounds(_ channel: Int) -> (code: Double, sum: Double)? {
    guard let limits = lanes[channel].limits else { return nil }
    // Charge of one sample of 1 mA, nC. A hair more is allowed than the limit, for rounding.
    let charge = 1e6 / rate
    let slack = 1 + 1e-9
    return (
      limits.maximumAmplitude * codesPerUnit * slack,
      (limits.maximumPhaseCharge ?? .infinity) / charge * codesPerUnit * slack
    )
  }

  // MARK: - Download

  /// Stores a signal in the device's own memory.
  mutating func download(
    channel: Int, amplitudes: [Int], durations: [Int], repeats: Int
  ) throws(DeviceError) {
    let call = "download"
    try requireArmed(call)
    guard !isRunning else { throw error(call, .busy, "the stimulator is running") }
    func bad(_ message: String) -> DeviceError { error(call, .badArgument, message) }
    guard lanes.indices.contains(channel) else { throw bad("there is no channel \(channel)") }
    guard !amplitudes.isEmpty, amplitudes.count == durations.count else {
      throw bad("\(amplitudes.count) amplitudes and \(durations.count) durations")
    }
    guard repeats >= 1 else { throw bad("repeats \(repeats) is not at least 1") }
    // 8 bytes a point, as the device stores a value and a repetition.
    let most = settings.memoryBytes / settings.channels
    guard amplitudes.count * 8 <= most else {
      throw error(
        call, .capacity, "\(amplitudes.count * 8) bytes are more than the \(most) of a trigger")
    }
    let (range, resolution) =
      mode == .current
      ? (settings.rangeNanoamperes, settings.resolutionNanoamperes)
      : (settings.rangeMicrovolts, settings.resolutionMicrovolts)
    var runs: [(code: Int16, end: Int64)] = []
    var end: Int64 = 0
    for (amplitude, duration) in zip(amplitudes, durations) {
      guard duration > 0, duration % 20 == 0 else {
        throw bad("duration \(duration) µs is not on the 20 µs grid")
      }
      guard Double(abs(amplitude)) <= range else {
        throw bad("amplitude \(amplitude) is too large")
      }
      let steps = (Double(amplitude) / resolution).rounded(.toNearestOrAwayFromZero)
      let code = steps * Double(1 << (16 - settings.dacBits))
      end += Int64(duration / 20)
      runs.append((Int16(max(-32_768, min(32_767, code))), end))
    }
    if let bounds = boundsOfDownload(channel) {
      var sum = 0.0
      var start: Int64 = 0
      // Twice, because a phase may go on from one repeat to the next.
      for run in runs + (repeats > 1 ? runs : []) {
        let code = Double(run.code)
        let samples = Double(run.end - (run.end > start ? start : 0))
        start = run.end
        sum = code == 0 || code * sum < 0 ? code * samples : sum + code * samples
        guard abs(code) <= bounds.code, abs(sum) <= bounds.sum else {
          throw error(call, .limit, "channel \(channel): code \(run.code) is beyond the limits")
        }
      }
    }
    let old = lanes.map(\.program)
    clear(rate: 50_000)
    if setup == nil { for number in lanes.indices { lanes[number].program = old[number] } }
    setup = nil
    lanes[channel].program = StoredProgram(runs: runs, repeats: repeats)
  }

  private func boundsOfDownload(_ channel: Int) -> (code: Double, sum: Double)? {
    guard let bounds = bounds(channel) else { return nil }
    return (bounds.code, bounds.sum * 50_000 / rate)
  }

  // MARK: - Running

  /// The channels that triggers drive.
  func channels(of triggers: UInt32) -> [Int] {
    lanes.indices.filter { channel in
      guard let setup else { return triggers & 1 << UInt32(channel) != 0 }
      return setup.channelMap.indices.contains { trigger in
        triggers & 1 << UInt32(trigger) != 0
          && setup.channelMap[trigger] & 1 << UInt32(channel) != 0
      }
    }
  }

  /// Checks a start.
  ///
  /// - Returns: whether the host's loop must be started first.
  func mayStart(_ triggers: UInt32) throws(DeviceError) -> Bool {
    try requireArmed("start")
    guard triggers != 0, triggers >> UInt32(min(31, settings.channels)) == 0 else {
      throw error("start", .badArgument, "triggers \(triggers) of \(settings.channels)")
    }
    guard setup != nil || channels(of: triggers).contains(where: { lanes[$0].program != nil })
    else { throw error("start", .badArgument, "nothing is configured or downloaded") }
    return setup != nil && !isLooping
  }
}
