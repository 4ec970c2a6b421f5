import Clocks
import Devices
import NWB
import Samples

/// The states of a streaming stimulator; every transition is in the recorder's log.
public enum StreamerState: Sendable, Equatable, CustomStringConvertible {
  case idle
  case arming
  case streaming
  case stopping
  /// For good: nothing restarts a stimulator by itself.
  case faulted(String)

  public var description: String {
    switch self {
    case .idle: "idle"
    case .arming: "arming"
    case .streaming: "streaming"
    case .stopping: "stopping"
    case .faulted(let reason): "faulted: \(reason)"
    }
  }
}

/// Streams signals to a stimulator: the owner of the device, on a thread of its own.
///
/// A quarter of the host's ring apart it makes the samples of every channel up to a common frame,
/// offers them, and notes of each change the number of its first sample when that is taken. It
/// waits for nothing but the device.
struct StimulusFeeder<Device: Stimulator> {
  let plan: StimulatorPlan
  let device: Device
  let timekeeper: any Timekeeper
  let context: FeederContext

  private var streams: [ChannelStream]
  private var sync: SyncStream
  private var map: LiveClockMap
  private var reply = FeedReply()
  private var book = ChangeBook()
  /// The planned changes of the session and the next one that no player knows yet.
  private var changes: [StimulusPlan.Change] = []
  private var nextChange = 0
  private var framesDone: Int64 = 0
  private var state = StreamerState.idle
  private let ringSamples: Int

  init(
    plan: StimulatorPlan, device: Device, timekeeper: any Timekeeper, context: FeederContext
  ) {
    self.plan = plan
    self.device = device
    self.timekeeper = timekeeper
    self.context = context
    ringSamples = Int((plan.buffer * plan.rate).rounded())
    let ring = ringSamples
    streams = (0..<device.info.channels).map { ChannelStream(channel: $0, ringSamples: ring) }
    sync = SyncStream(rate: plan.rate, ringSamples: ring)
    map = LiveClockMap(rate: plan.rate)
  }

  // MARK: - The run

  /// Sets the device up, fills its rings with silence, and starts every trigger.
  mutating func start() throws(DeviceError) {
    enter(.arming)
    do throws(DeviceError) {
      let info = device.info
      let triggers = info.triggers
      let capacity = Int((2 * plan.rate * plan.capacity).rounded())
      let most = info.memoryBytes / max(1, triggers)
      guard capacity <= most else {
        throw DeviceError(
          device: plan.name, call: "set capacity", code: .capacity,
          message: "\(capacity) bytes per trigger (capacity_in_s \(plan.capacity)) are more than "
            + "the \(most) bytes that each of \(triggers) triggers can have")
      }
      let diagonal = (0..<triggers).map { UInt32(1) << UInt32($0) }
      let setup = StimulatorSetup(
        mode: plan.mode, rate: plan.rate,
        capacityBytes: .init(repeating: capacity, count: triggers), ringSamples: ringSamples,
        channelMap: diagonal, syncMap: diagonal, digitalMap: diagonal,
        autostart: .init(repeating: 0, count: triggers), callbackPercent: plan.callbackPercent,
        continuous: plan.continuous)
      let found = try device.configure(setup)
      guard found.rate == plan.rate else {
        throw DeviceError(
          device: plan.name, call: "set output rate", code: .badArgument,
          message: "the device runs at \(found.rate) Hz, not at the \(plan.rate) Hz asked for")
      }
      try device.arm(
        limits: (0..<info.channels).map { plan.limits[$0] },
        queueMilliseconds: Self.mostAheadMilliseconds,
        timeToLiveMilliseconds: Self.timeToLiveMilliseconds)
      try feed()
      _ = try device.start(triggers: allTriggers)
      try feed()
      enter(.streaming)
    } catch {
      fail("\(error)")
      throw error
    }
  }

  /// Streams until a stop is asked for, then lets what is queued leave; or until a fault.
  mutating func run() {
    var next = timekeeper.now
    while !context.stop.isRequested {
      let ticket = context.inbox.ticket
      guard step() else { return }
      next = max(next + interval, timekeeper.now)
      if context.stop.isRequested || context.inbox.isEmergency { continue }
      context.inbox.wait(since: ticket, until: next)
    }
    stop()
  }

  /// One feed and what came of it.
  ///
  /// - Returns: false when streaming has ended by a fault or an emergency stop.
  private mutating func step() -> Bool {
    if context.inbox.isEmergency {
      fail("emergency stop")
      return false
    }
    do throws(DeviceError) {
      takeRequests()
      planAhead()
      try feed()
      endTrials()
      return true
    } catch {
      fail("\(error)")
      return false
    }
  }

  /// Graceful: every channel to its next rest, what is queued leaves, then the triggers stop.
  private mutating func stop() {
    guard state == .streaming else { return }
    enter(.stopping)
    let deadline = timekeeper.now + Int64((plan.buffer + plan.capacity) * 1e9) + 50_000_000
    for stream in streams {
      _ = stream.player.cancelPlans()
      _ = stream.player.silence(immediate: true)
    }
    do throws(DeviceError) {
      while timekeeper.now < deadline, !context.inbox.isEmergency {
        try feed()
        if streams.allSatisfy({ $0.lastPulse <= framesDone && $0.player.isIdle }) { break }
        timekeeper.sleep(until: min(deadline, timekeeper.now + interval))
      }
      try device.stop(triggers: allTriggers, gracefully: false)
      endTrials()
      refuseWhatIsQueued("the session ended before it left")
      enter(.idle)
    } catch {
      fail("\(error)")
    }
  }

  /// Silence by every means there is; the reason is in the log, and recording goes on.
  private mutating func fail(_ reason: String) {
    if case .faulted = state { return }
    var ends: [String] = []
    do throws(DeviceError) { try device.emergencyStop() } catch { ends.append("\(error)") }
    do throws(DeviceError) {
      try device.stop(triggers: allTriggers, gracefully: false)
    } catch where error.code != .emergencyStop && error.code != .notArmed {
      ends.append("\(error)")
    } catch {}
    refuseWhatIsQueued(reason)
    enter(.faulted(reason))
    context.warn("\(plan.name): stimulation has ended: \(reason)")
    for end in ends { context.warn("\(plan.name): while stopping: \(end)") }
    context.faulted(reason)
  }

  // MARK: - Feeding

  /// Makes samples up to a common frame, offers them, and takes note of what was taken.
  private mutating func feed() throws(DeviceError) {
    let end = streams.map(\.reach).min() ?? 0
    for stream in streams {
      stream.make(upTo: end) { sync.mark($0) }
      for id in stream.takeSuperseded() { supersede(id) }
    }
    sync.make(upTo: min(end, streams.map(\.position).min() ?? end))
    var chunks: [FeedChunk] = []
    chunks.reserveCapacity(streams.count + 1)
    for stream in streams where !stream.pending.isEmpty {
      chunks.append(
        FeedChunk(
          channel: stream.channel, kind: .signal, from: stream.accepted, samples: stream.pending))
    }
    let signals = chunks.count
    if !sync.pending.isEmpty {
      chunks.append(
        FeedChunk(
          channel: plan.syncOutput, kind: .sync, from: sync.accepted, samples: sync.pending))
    }
    try device.feed(chunks, &reply)
    guard reply.accepted.count == chunks.count, reply.space.count == chunks.count else {
      throw DeviceError(
        device: plan.name, call: "feed", code: .readFailed,
        message: "the device answered for \(reply.accepted.count) of \(chunks.count) chunks")
    }
    takeReading()
    for index in 0..<signals {
      let stream = streams[chunks[index].channel]
      stream.space = reply.space[index]
      stream.take(reply.accepted[index]) { id, sample in queued(id, at: sample) }
    }
    if chunks.count > signals { sync.take(reply.accepted[signals]) }
    // Channels that offered nothing have as much room as the fullest of the others.
    if chunks.isEmpty { try refreshSpace() }
    noteStatus()
  }

  /// With every ring full there was nothing to offer: the room follows from what has left.
  private mutating func refreshSpace() throws(DeviceError) {
    let capacity = Int64((plan.capacity * plan.rate).rounded())
    for stream in streams {
      let ahead = stream.accepted - framesDone
      stream.space = max(0, ringSamples - max(0, Int(ahead - capacity)))
    }
  }

  private mutating func takeReading() {
    framesDone = max(framesDone, reply.framesDone)
    if reply.underrun {
      context.inlet.log(
        .underrun, "\(plan.name): a ring ran dry near sample \(reply.framesDone)",
        at: context.clock.seconds(atHost: reply.bracket.middle))
      context.warn("\(plan.name): a ring ran dry")
      context.board.update { $0.stimulator?.underruns += 1 }
    }
    guard reply.isClockReading, reply.framesDone > 0 else { return }
    let slack = Int64(plan.rate / 1000) + 2
    map.add(ClockReading(framesDone: reply.framesDone, slack: slack, in: reply.bracket))
    context.inlet.post(
      .stimulatorClock(
        StreamReading(
          framesDone: reply.framesDone, framesBuffered: reply.framesBuffered.map(Int64.init),
          bracket: reply.bracket, time: context.clock.seconds(atHost: reply.bracket.middle))))
  }

  private func noteStatus() {
    let ahead = Double((streams.map(\.accepted).max() ?? 0) - framesDone) / plan.rate
    let changes = book.count
    let uncertainty = onset(of: framesDone).uncertainty
    context.board.update {
      $0.stimulator?.ahead = ahead
      $0.stimulator?.changes = changes
      $0.stimulator?.uncertainty = uncertainty
    }
  }

  // MARK: - Changes

  private mutating func takeRequests() {
    for request in context.inbox.take() {
      switch request {
      case .set(let id, let channel, let signal, let immediate, let time):
        let own = book.add(
          ChangeBook.Entry(channel: channel, signal: signal, requested: time, request: id))
        streams[channel].longestPulse = max(streams[channel].longestPulse, signal.longestPulse)
        if let old = streams[channel].player.set(signal, id: own, immediate: immediate) {
          supersede(old)
        }
      case .silence(let channels):
        for channel in channels where streams.indices.contains(channel) {
          if let old = streams[channel].player.silence() { supersede(old) }
        }
      }
    }
  }

  private mutating func supersede(_ id: Int) {
    guard let entry = book.remove(id) else { return }
    context.inlet.log(
      .superseded, "channel \(entry.channel): \(describe(entry.signal))",
      at: context.clock.seconds(atHost: timekeeper.now))
    if let request = entry.request { context.answer(request, .superseded) }
  }

  /// Gives the players the planned changes that come within their sight, each on the stream sample
  /// nearest its time.
  private mutating func planAhead() {
    guard let zero = context.sampleZero.present, let map = map.map else { return }
    if changes.isEmpty, nextChange == 0 { changes = context.changes.present?.changes ?? [] }
    while nextChange < changes.count {
      let change = changes[nextChange]
      let wanted = zero + change.at
      let host = context.clock.host(atSeconds: wanted)
      let exact = map.sample(at: host)
      let stream = streams[change.channel]
      let sight = plan.rate * 0.5 + Double(2 * max(stream.longestPulse, change.signal.longestPulse))
      guard exact < Double(stream.position) + sight else { return }
      let sample = max(Int64(exact.rounded()), stream.position, stream.lastPlanned)
      stream.lastPlanned = sample
      let id = book.add(
        ChangeBook.Entry(
          channel: change.channel, signal: change.signal, requested: wanted, trial: change.trial))
      stream.longestPulse = max(stream.longestPulse, change.signal.longestPulse)
      stream.player.plan(change.signal, atSample: sample, id: id)
      if Double(sample) > exact.rounded() {
        let late = (Double(sample) - exact) / plan.rate
        context.inlet.log(
          .note,
          "channel \(change.channel): the change planned at \(change.at) s comes "
            + "\(milliseconds(late)) ms late: its time was already queued",
          at: context.clock.seconds(atHost: timekeeper.now))
      }
      nextChange += 1
    }
  }

  /// A change's first sample is in the device's hands: now it belongs in the ledger.
  private mutating func queued(_ id: Int, at sample: Int64) {
    guard let entry = book.queue(id, at: sample) else { return }
    let onset = onset(of: sample)
    let change = SignalChange(
      onset: onset.seconds, uncertainty: onset.uncertainty,
      basis: OnsetBasis(rawValue: onset.basis.rawValue) ?? .nominalRates, requested: entry.requested,
      queued: context.clock.seconds(atHost: timekeeper.now), channel: UInt8(entry.channel),
      repeats: Int32(entry.signal.repeats), streamSample: sample,
      amplitudes: entry.signal.amplitudes, durations: entry.signal.durations)
    context.inlet.post(.change(change))
    if !entry.signal.isExact {
      context.inlet.log(
        .note,
        "channel \(entry.channel): the signal at stream sample \(sample) is not on the device's "
          + "grid; the ledger has what is realised",
        at: change.queued)
    }
    if let request = entry.request { context.answer(request, .queued(change)) }
  }

  /// When a stream sample leaves, on the recording clock.
  private func onset(of sample: Int64) -> Onset {
    guard let map = map.map else {
      return Onset(
        seconds: context.clock.seconds(atHost: timekeeper.now),
        uncertainty: plan.buffer + plan.capacity, basis: .nominalRate)
    }
    return context.clock.onset(of: sample, in: map)
  }

  private mutating func endTrials() {
    for entry in book.endTrials(upTo: framesDone) { context.inlet.post(.trial(trial(entry))) }
  }

  private func trial(_ entry: ChangeBook.Entry) -> Trial {
    let first = entry.sample ?? 0
    let start = onset(of: first).seconds
    let stop = onset(of: first + Int64(entry.signal.length ?? entry.signal.period)).seconds
    let frames = context.frames(start...max(start, stop))
    return Trial(
      start: start, stop: stop, firstSample: frames.lowerBound, samples: Int64(frames.count),
      values: entry.trial?.values ?? [:])
  }

  /// What is queued and will not leave: the ledger has it, and the log says that it did not.
  private mutating func refuseWhatIsQueued(_ reason: String) {
    let now = context.clock.seconds(atHost: timekeeper.now)
    for entry in book.unfinished(after: framesDone) {
      if let sample = entry.sample {
        context.inlet.log(
          .refused,
          "channel \(entry.channel), stream sample \(sample): did not leave the device (\(reason))",
          at: now)
      } else {
        context.inlet.log(
          .refused, "channel \(entry.channel): \(describe(entry.signal)): \(reason)", at: now)
        if let request = entry.request { context.answer(request, .refused(reason)) }
      }
    }
    let left = changes.count - nextChange
    if left > 0 {
      context.inlet.log(.note, "\(left) planned changes were not reached (\(reason))", at: now)
    }
  }

  private func describe(_ signal: CompiledSignal) -> String {
    "amplitudes \(signal.amplitudes), durations \(signal.durations) ms, repeat \(signal.repeats)"
  }

  // MARK: - State

  private mutating func enter(_ new: StreamerState) {
    state = new
    let text = "\(plan.name): \(new)"
    context.inlet.log(.state, text, at: context.clock.seconds(atHost: timekeeper.now))
    context.board.update { $0.stimulator?.state = "\(new)" }
  }

  private var allTriggers: UInt32 { (UInt32(1) << UInt32(min(device.info.triggers, 31))) - 1 }

  /// A quarter of the host's ring.
  private var interval: Nanoseconds { Int64(plan.buffer / 4 * 1e9) }

  private static var mostAheadMilliseconds: Int { 250 }
  private static var timeToLiveMilliseconds: Int { 500 }
}
