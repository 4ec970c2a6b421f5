import Clocks
import Devices
import NWB
import Samples

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

  private let streams: [ChannelStream]
  private let sync: SyncStream
  private var map: LiveClockMap
  private var reply = FeedReply()
  private var notes: ChangeNotes
  /// The planned changes of the session and the next one that no player knows yet.
  private var changes: [StimulusPlan.Change] = []
  private var nextChange = 0
  private var framesDone: Int64 = 0
  private var lastProgress: Nanoseconds = 0
  private var state = StreamerState.idle

  init(
    plan: StimulatorPlan, device: Device, timekeeper: any Timekeeper, context: FeederContext
  ) {
    self.plan = plan
    self.device = device
    self.timekeeper = timekeeper
    self.context = context
    notes = ChangeNotes(context)
    let info = device.info
    streams = (0..<info.channels).map { channel in
      let zeros = Signal(amplitudes: [0], durations: [1])
      return ChannelStream(
        channel: channel, ringSamples: plan.ringSamples,
        silence: try? plan.compiled(zeros, on: channel, info))
    }
    sync = SyncStream(rate: plan.rate, ringSamples: plan.ringSamples)
    map = LiveClockMap(rate: plan.rate)
  }

  // MARK: - The run

  /// Sets the device up, fills its rings with silence, and starts every trigger.
  mutating func start() throws(DeviceError) {
    enter(.arming)
    do throws(DeviceError) {
      let setup = try plan.setup(for: device.info)
      let found = try device.configure(setup)
      guard found.rate == plan.rate else {
        throw DeviceError(
          device: plan.name, call: "set output rate", code: .badArgument,
          message: "the device runs at \(found.rate) Hz, not at the \(plan.rate) Hz asked for")
      }
      try device.arm(
        limits: streams.map { plan.limits[$0.channel] },
        queueMilliseconds: StimulatorPlan.mostAheadMilliseconds,
        timeToLiveMilliseconds: StimulatorPlan.timeToLiveMilliseconds)
      try feed(clock)
      _ = try device.start(triggers: allTriggers)
      lastProgress = timekeeper.now
      try feed(clock)
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
      // Whatever woke it, the next feed is at most an interval away.
      let now = timekeeper.now
      next = min(max(next, now - interval), now) + interval
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
    let clock = clock
    do throws(DeviceError) {
      takeRequests(clock)
      planAhead(clock)
      try feed(clock)
      notes.endTrials(upTo: framesDone, clock)
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
    let clock = clock
    let ahead = (streams.map(\.accepted).max() ?? 0) - framesDone
    let deadline = timekeeper.now + Int64(Double(ahead) / plan.rate * 1e9) + 50_000_000
    for stream in streams {
      for id in stream.cancelPlans() { notes.cancel(id, "the session has ended", clock) }
      silence(stream, immediate: true, at: clock.now, clock)
    }
    do throws(DeviceError) {
      while timekeeper.now < deadline, !context.inbox.isEmergency {
        try feed(self.clock)
        if streams.allSatisfy({ $0.lastPulse <= framesDone }), notes.book.isOver(by: framesDone) {
          break
        }
        timekeeper.sleep(until: min(deadline, timekeeper.now + min(interval, 5_000_000)))
      }
      guard !context.inbox.isEmergency else { return fail("emergency stop") }
      try device.stop(triggers: allTriggers, gracefully: false)
      end("the session has ended")
      enter(.idle)
    } catch {
      fail("\(error)")
    }
  }

  /// Silence by every means there is; the reason is in the log, and recording goes on.
  private mutating func fail(_ reason: String) {
    if case .faulted = state { return }
    var problems: [String] = []
    do throws(DeviceError) { try device.emergencyStop() } catch { problems.append("\(error)") }
    do throws(DeviceError) {
      try device.stop(triggers: allTriggers, gracefully: false)
    } catch  where error.code != .emergencyStop && error.code != .notArmed {
      problems.append("\(error)")
    } catch {}
    end(reason)
    enter(.faulted(reason))
    context.warn("\(plan.name): stimulation has ended: \(reason)")
    for problem in problems { context.warn("\(plan.name): while stopping: \(problem)") }
    context.faulted(reason)
  }

  /// Notes what did not leave.
  private mutating func end(_ reason: String) {
    let clock = clock
    notes.end(at: framesDone, reason, clock)
    let left = changes.count - nextChange
    if left > 0 {
      context.log(.note, "\(left) planned changes were not reached (\(reason))", at: clock.now)
    }
  }

  private mutating func enter(_ new: StreamerState) {
    state = new
    context.log(
      .state, "\(plan.name): \(new)", at: context.clock.seconds(atHost: timekeeper.now))
    context.board.update { $0.stimulator?.state = "\(new)" }
    context.control.enter(new)
  }

  // MARK: - Feeding

  /// Makes samples up to a common frame, offers them, and takes note of what was taken.
  private mutating func feed(_ clock: FeedClock) throws(DeviceError) {
    let end = streams.map(\.reach).min() ?? 0
    for stream in streams {
      stream.make(upTo: end) { sync.mark($0) }
      for id in stream.takeSuperseded() { notes.superseded(id, clock) }
    }
    sync.make(upTo: min(end, streams.map(\.position).min() ?? end))
    // An empty chunk too is answered with the room there is.
    var chunks = streams.map {
      FeedChunk(channel: $0.channel, kind: .signal, from: $0.accepted, samples: $0.pending)
    }
    chunks.append(
      FeedChunk(
        channel: plan.syncOutput, kind: .sync, from: sync.accepted, samples: sync.pending))
    try device.feed(chunks, &reply)
    guard reply.accepted.count == chunks.count, reply.space.count == chunks.count else {
      throw DeviceError(
        device: plan.name, call: "feed", code: .readFailed,
        message: "the device answered for \(reply.accepted.count) of \(chunks.count) chunks")
    }
    let now = timekeeper.now
    for (index, stream) in streams.enumerated() {
      stream.space = reply.space[index]
      stream.take(reply.accepted[index]) { id, sample in
        if let entry = notes.queued(id, at: sample, clock, host: now) {
          stream.note(id, entry.signal)
        }
      }
    }
    sync.take(reply.accepted[streams.count])
    try takeReading()
    noteStatus(clock)
  }

  private mutating func takeReading() throws(DeviceError) {
    let time = context.clock.seconds(atHost: reply.bracket.middle)
    if reply.framesDone > framesDone {
      framesDone = reply.framesDone
      lastProgress = reply.bracket.after
    }
    if reply.underrun { try noteUnderrun(at: time) }
    if state == .streaming, reply.bracket.after - lastProgress > StimulatorPlan.longestStandstill {
      throw DeviceError(
        device: plan.name, call: "feed", code: .underrun,
        message: "no sample has left since stream sample \(framesDone), for 0.5 s")
    }
    guard reply.isClockReading, reply.framesDone > 0 else { return }
    let slack = Int64(plan.rate / 1000) + 2
    map.add(ClockReading(framesDone: reply.framesDone, slack: slack, in: reply.bracket))
    context.post(
      .stimulatorClock(
        StreamReading(
          framesDone: reply.framesDone, framesBuffered: reply.framesBuffered.map(Int64.init),
          bracket: reply.bracket, time: time)))
  }

  private mutating func noteUnderrun(at time: Double) throws(DeviceError) {
    context.log(
      .underrun, "\(plan.name): a ring ran dry near stream sample \(reply.framesDone)", at: time)
    context.warn("\(plan.name): a ring ran dry")
    context.board.update { $0.stimulator?.underruns += 1 }
    guard plan.continuous else {
      throw DeviceError(
        device: plan.name, call: "feed", code: .underrun,
        message: "a ring ran dry, and its trigger has stopped (continuous: false)")
    }
    // What was starved leaves later from here on.
    map.beginSegment()
  }

  private func noteStatus(_ clock: FeedClock) {
    let ahead = Double((streams.map(\.accepted).max() ?? 0) - framesDone) / plan.rate
    let changes = notes.book.count
    let uncertainty = clock.onset(of: framesDone).uncertainty
    context.board.update {
      $0.stimulator?.ahead = ahead
      $0.stimulator?.changes = changes
      $0.stimulator?.uncertainty = uncertainty
    }
  }

  // MARK: - Changes

  private mutating func takeRequests(_ clock: FeedClock) {
    for request in context.inbox.take() {
      switch request {
      case .set(let id, let channel, let signal, let immediate, let time):
        if let problem = plan.problem(of: signal, on: channel) {
          notes.refuse(signal, on: channel, id, problem, at: clock.now)
          continue
        }
        let own = notes.add(
          ChangeBook.Entry(channel: channel, signal: signal, requested: time, request: id))
        if let old = streams[channel].set(signal, id: own, immediate: immediate) {
          notes.superseded(old, clock)
        }
      case .silence(let channels, let time):
        for channel in channels
        where streams.indices.contains(channel) && streams[channel].hasLiveSignal {
          silence(streams[channel], immediate: false, at: time, clock)
        }
      }
    }
  }

  /// Ends a channel's signal by one of zeros.
  private mutating func silence(
    _ stream: ChannelStream, immediate: Bool, at time: Double, _ clock: FeedClock
  ) {
    guard let zeros = stream.silence, stream.isActive else { return }
    let id = notes.add(
      ChangeBook.Entry(channel: stream.channel, signal: zeros, requested: time))
    if let old = stream.set(zeros, id: id, immediate: immediate) {
      notes.superseded(old, clock)
    }
  }

  /// Gives the players the planned changes that come within their sight, each on the stream sample
  /// nearest its time.
  private mutating func planAhead(_ clock: FeedClock) {
    guard let zero = context.sampleZero.present, clock.stream != nil else { return }
    if changes.isEmpty, let plan = context.changes.present, !plan.changes.isEmpty {
      changes = plan.changes
      for rounding in plan.roundings { context.log(.note, rounding, at: clock.now) }
    }
    for stream in streams { stream.placePlans(clock) }
    // A pulse that this feed begins may run so far.
    let sight = Double(streams.map { $0.reach + Int64($0.longestPulse) }.max() ?? 0)
    while nextChange < changes.count {
      let change = changes[nextChange]
      let wanted = zero + change.at
      guard let exact = clock.sample(at: wanted), exact <= sight + 1 else { return }
      nextChange += 1
      if let problem = plan.problem(of: change.signal, on: change.channel) {
        notes.refuse(change.signal, on: change.channel, nil, problem, at: clock.now)
        continue
      }
      let id = notes.add(
        ChangeBook.Entry(
          channel: change.channel, signal: change.signal, requested: wanted, trial: change.trial,
          isPlanned: true))
      streams[change.channel].plan(change.signal, id: id, time: wanted, clock)
    }
  }

  /// The clocks of this moment.
  private var clock: FeedClock {
    FeedClock(
      stream: map.map, session: context.clock.view, host: timekeeper.now,
      rings: plan.buffer + plan.capacity)
  }

  private var allTriggers: UInt32 { (UInt32(1) << UInt32(min(device.info.triggers, 31))) - 1 }

  /// A quarter of the host's ring.
  private var interval: Nanoseconds { Int64(plan.buffer / 4 * 1e9) }
}
