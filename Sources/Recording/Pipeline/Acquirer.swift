import Clocks
import Devices
import NWB
import Samples

/// Reads one circuit: the owner of the device, on a thread of its own.
///
/// Each poll is one round trip: latch, positions, words, latch, positions. The words go into the
/// lane of their buffer as they came; what the positions mean is decided by the ring's reader.
struct Acquirer<Device: Circuit> {
  let plan: CircuitPlan
  let circuit: Device
  let timekeeper: any Timekeeper
  let context: AcquirerContext
  var rings: [OpenedRing]
  var timing: CircuitTiming
  var poll: Poll
  /// Scalar tags of each poll: the watched ones, then scaling, size and decimation of each ring.
  var watched: [Float]
  let checks: [AttributeCheck]
  private var isFirst = true
  private var pollCost: Nanoseconds = 0
  /// When the last poll was answered.
  private var answered: Nanoseconds?
  private var absences = Absences()
  /// When the circuit is asked again how busy it is.
  var nextHealth: Nanoseconds = 0
  var isOverloadReported = false
  private var outputs: [OutputPlayer]
  /// nil: every frame is read and kept.
  private(set) var epochs: EpochRunner?
  /// Its handshake tag among the poll's.
  private let handshake: Int?
  /// nil once it has been fired.
  private var startTrigger: Trigger?

  init(
    plan: CircuitPlan, circuit: Device, rings: [OpenedRing], outputs: [OutputPlayer],
    timekeeper: any Timekeeper, context: AcquirerContext
  ) {
    self.plan = plan
    self.circuit = circuit
    self.rings = rings
    self.outputs = outputs
    startTrigger = plan.startTrigger
    self.timekeeper = timekeeper
    self.context = context
    checks = AttributeCheck.all(of: rings, after: plan.watchedTags.count)
    watched = []
    timing = CircuitTiming(plan: plan, rings: rings, context: context)
    epochs = plan.epochs.flatMap { request in
      rings.firstIndex { $0.name == request.buffer }.map {
        EpochRunner(request, rings[$0].attributes, ring: $0)
      }
    }
    let polled = plan.watchedTags + checks.map(\.tag)
    let handshake = plan.epochs?.handshake
    self.handshake = handshake.map { _ in polled.count }
    poll = Poll(
      latch: plan.latch,
      rings: rings.map {
        Poll.Ring(
          tags: $0.attributes.ringTags, size: $0.attributes.slots, destination: $0.destination)
      },
      tags: polled + [handshake].compactMap(\.self))
  }

  /// Polls until the session stops, then once more for what is left.
  ///
  /// - Returns: why the circuit failed for good, or nil.
  mutating func run() -> DeviceError? {
    warnOfHostTimes()
    do throws(DeviceError) {
      try withOutputs { [context] output throws in try output.prepare(context) }
      try circuit.run()
      nextHealth = timekeeper.now + 1_000_000_000
    } catch {
      context.latched.give(.failure(error))
      return error
    }
    var failing: (error: DeviceError, since: Nanoseconds)?
    var next = timekeeper.now
    while !context.stop.isRequested {
      do throws(DeviceError) {
        if let failing, failing.error.code == .disconnected { try circuit.reconnect() }
        try pollOnce()
        context.requests.serve(circuit, context)
        watchCycleUsage()
        if let (error, since) = failing {
          absences.add(error, lasting: timekeeper.now - since)
          context.inlet.log(
            .note, "\(plan.name): answers again after \(seconds(since: since)) s (\(error))",
            at: context.clock.seconds(atHost: timekeeper.now))
        }
        failing = nil
      } catch {
        let now = timekeeper.now
        if failing == nil {
          context.inlet.log(.error, "\(error)", at: context.clock.seconds(atHost: now))
          context.warn("\(error)")
        }
        let since = failing?.since ?? now
        failing = (error, since)
        if Double(now - since) * 1e-9 > context.patience {
          if isFirst { context.latched.give(.failure(error)) }
          return error
        }
      }
      guard !context.hasWriterEnded else { break }
      let wait = min(interval, epochs?.wait(at: timekeeper.now) ?? .max)
      next = max(next + wait, timekeeper.now + 1_000_000)
      if failing != nil { next = max(next, timekeeper.now + 50_000_000) }
      context.stop.wait(until: next)
    }
    let failure = finish(failing)
    reportUnfinished()
    reportUnsettled()
    reportNeverEnabled()
    if let summary = absences.summary { context.remark("\(plan.name): \(summary)") }
    return failure ?? (isFirst ? failing?.error : nil)
  }

  /// Seconds for which a device that fails at the end is asked again.
  private static var lastPatience: Double { 2 }

  /// Silences the outputs, reads what is still in the rings, and halts.
  ///
  /// - Parameter failing: why the device gives no answer at the moment, and since when.
  /// - Returns: why the last samples could not be read, or nil.
  private mutating func finish(
    _ failing: (error: DeviceError, since: Nanoseconds)?
  ) -> DeviceError? {
    defer { try? circuit.halt() }
    let began = timekeeper.now
    var isSilent = false
    var failing = failing
    // A poll brings everything unless a lane is nearly full; then a few more do.
    var polls = 8
    while true {
      do throws(DeviceError) {
        if !isSilent { try withOutputs { output throws in try output.finish() } }
        isSilent = true
        guard !isFirst, polls > 0, !context.hasWriterEnded else { return nil }
        let rest = try pollOnce()
        if let (error, since) = failing { absences.add(error, lasting: timekeeper.now - since) }
        failing = nil
        if rest == 0 { return nil }
        polls -= 1
        // What stands still can only be told from what is late a moment later.
        timekeeper.sleep(until: timekeeper.now + 5_000_000)
      } catch {
        // A device that is away for a moment has the last samples all the same.
        failing = failing ?? (error, timekeeper.now)
        guard Double(timekeeper.now - began) * 1e-9 < Self.lastPatience else { return error }
        timekeeper.sleep(until: timekeeper.now + 50_000_000)
        if error.code == .disconnected { try? circuit.reconnect() }
      }
    }
  }

  /// One round trip and what it means.
  ///
  /// - Returns: the frames that are still waiting because a lane had too little room, and one
  ///   for each ring that is unsettled.
  @discardableResult
  private mutating func pollOnce() throws(DeviceError) -> Int64 {
    for index in rings.indices {
      if let lane = rings[index].lane, !rings[index].hasEnded {
        guard let room = lane.reserve(rings[index].leastRoom) else { return 0 }
        rings[index].destination = room
        if let epochs, epochs.ring == index {
          rings[index].destination = UnsafeMutableBufferPointer(rebasing: room.prefix(epochs.room))
        }
      }
      poll.rings[index].destination = rings[index].destination
      poll.rings[index].from = rings[index].hasEnded ? .max : rings[index].nextSlot
    }
    let began = timekeeper.now
    poll.patience = patience(at: began)
    do throws(DeviceError) {
      try circuit.poll(&poll)
    } catch {
      for index in rings.indices { rings[index].missAnswer() }
      throw error
    }
    pollCost = timekeeper.now - began
    answered = timekeeper.now
    let steps = digest()
    noteTags()
    if isFirst {
      isFirst = false
      context.latched.give(.success(poll.firstLatch))
    }
    try withOutputs { [circuit, context] output throws in try output.poll(circuit, context) }
    if let trigger = startTrigger { try circuit.fire(trigger, mode: .pulse) }
    startTrigger = nil
    try beginEpoch()
    return steps
  }

  /// An output that fails for a reason of its own is given up; reading goes on.
  private mutating func withOutputs(
    _ body: (inout OutputPlayer) throws -> Void
  ) throws(DeviceError) {
    for index in outputs.indices where !outputs[index].hasFailed {
      do {
        try body(&outputs[index])
        outputs[index].failingSince = nil
      } catch let error as DeviceError {
        // The device answers polls: after a second of this the fault is the output's own.
        let since = outputs[index].failingSince ?? timekeeper.now
        outputs[index].failingSince = since
        guard error.code != .disconnected, timekeeper.now - since > 1_000_000_000 else {
          throw error
        }
        outputs[index].giveUp(error, context)
      } catch {
        outputs[index].giveUp(error, context)
      }
    }
  }

  private mutating func digest() -> Int64 {
    var waiting: Int64 = 0
    checkAttributes()
    for index in rings.indices where !rings[index].hasEnded {
      switch rings[index].reader {
      case .samples(var reader, let series):
        let isEpochs = epochs?.ring == index
        // A block is what a read returns; a recording keeps every frame, and soon.
        var step = reader.digest(
          poll.rings[index], first: poll.firstLatch, second: poll.secondLatch, wholeBlocks: false)
        rings[index].reader = .samples(reader, series: series)
        timing.take(step, reader, ring: index)
        let event = isEpochs ? takeEpoch(&step) : nil
        hand(step, of: index, series: series)
        if let event { note(event, series: series) }
        waiting += isEpochs ? 0 : step.isUnsettled ? 1 : step.pending
      case .events(var reader, let table):
        let (words, lost) = reader.digest(poll.rings[index])
        rings[index].reader = .events(reader, table: table)
        if reader.hasBegunAnew { reportLostEvents(of: index) }
        note(words, lost: lost, of: index, table: table)
      }
    }
    timing.publish(poll)
    return waiting
  }

  /// Hands a poll's words to the writer and notes what the poll says of the buffer.
  private mutating func hand(_ step: RingReader.Step, of index: Int, series: Int) {
    if rings[index].uncertainPolls > 0 {
      if !step.isUnsettled { rings[index].uncertainPolls -= 1 }
      rings[index].uncertainUntil = step.sample
    }
    let ring = rings[index]
    ring.lane?.commit(
      ring.destination, offset: step.offset, count: step.slots, firstFrame: step.firstFrame,
      loss: step.loss, scalingFactor: ring.attributes.scalingFactor,
      isScalingUncertain: step.firstFrame < rings[index].uncertainUntil)
    let frames = ring.attributes.format.frames(inSlots: Int64(step.slots))
    context.board.update { snapshot in
      snapshot.buffers[series].samples += frames
      snapshot.buffers[series].fill = step.fill
      snapshot.buffers[series].worstFill = max(snapshot.buffers[series].worstFill, step.fill)
      snapshot.buffers[series].standsStill = step.standsStill && !ring.attributes.isGated
      if step.repairedRace { snapshot.buffers[series].racesRepaired += 1 }
      if let loss = step.loss, loss.reason != .gate {
        snapshot.buffers[series].lost += loss.count
        snapshot.buffers[series].gaps += 1
      }
    }
    if let loss = step.loss, loss.count > 0 { report(loss, of: ring) }
    watchStall(step, of: index, series: series)
  }

  private func note(_ words: Range<Int>, lost: Int64, of index: Int, table: Int) {
    let ring = rings[index]
    if lost > 0 {
      let text = "\(ring.name): \(lost) events were overwritten before they were read"
      context.inlet.log(.overrun, text, at: context.clock.seconds(atHost: poll.firstLatch.middle))
      context.warn(text)
      context.board.update { $0.lostEvents += lost }
    }
    guard !words.isEmpty else { return }
    let now = context.clock.seconds(atHost: poll.firstLatch.middle)
    let stamps = words.map { word in
      let tick = Int64(Int32(bitPattern: ring.destination[word]))
      return Stamp(time: timing.seconds(ofTick: tick, readBy: poll) ?? now, tick: tick)
    }
    context.inlet.post(.stamps(buffer: table, stamps))
  }

  // MARK: - Trials

  private mutating func takeEpoch(_ step: inout RingReader.Step) -> EpochRunner.Event? {
    epochs?.take(&step, tag: handshake.map { poll.values[$0] } ?? 0, at: timekeeper.now)
  }

  /// Fires the trigger of a trial that is due.
  private mutating func beginEpoch() throws(DeviceError) {
    guard let epochs, epochs.isDue(at: timekeeper.now), !context.stop.isRequested,
      case .samples(var reader, let series) = rings[epochs.ring].reader
    else { return }
    let trigger = epochs.request.trigger
    let bracket: Bracket? =
      if let trigger { try circuit.fire(trigger, mode: .pulse) } else { nil }
    self.epochs?.begin(&reader, trigger: bracket, at: timekeeper.now)
    rings[epochs.ring].reader = .samples(reader, series: series)
  }

  // MARK: - Time

  /// Nanoseconds between polls: as asked, else an eighth of the shortest ring, at most 50 ms, at
  /// least 5 ms and twice what a poll costs, but never above a quarter of the shortest ring or what
  /// the flush promise allows. A poll costs more the longer the interval: more than twice that
  /// would run away.
  ///
  /// Rings without a cycle tag are polled four times while they fill, and outputs while they empty,
  /// whatever is asked, though no more often than once a millisecond.
  var interval: Nanoseconds {
    let series = rings.filter { $0.lane != nil }
    let pressing =
      series.filter { $0.attributes.cycleTag == nil }.map(\.attributes.sampleTime)
      + outputs.compactMap(\.ringTime)
    let mostPressing = pressing.min().map { max(Int64($0 / 4 * 1e9), 1_000_000) } ?? .max
    if let asked = plan.pollInterval { return min(Int64(asked * 1e9), mostPressing) }
    let shortest = series.map(\.attributes.sampleTime).min() ?? 1
    let wanted = min(Int64(shortest / 8 * 1e9), 50_000_000)
    let most = min(Int64(shortest / 4 * 1e9), context.longestPoll)
    return min(max(5_000_000, min(max(wanted, 2 * pollCost), most)), mostPressing)
  }

  /// What a poll may take: an eighth of the shortest ring, so that a bridge that hangs is replaced
  /// before the ring laps; and as long again as nothing was read, for there is that much to transfer.
  private func patience(at now: Nanoseconds) -> Nanoseconds {
    let shortest = rings.filter { $0.lane != nil }.map(\.attributes.sampleTime).min() ?? 24
    let share = min(max(Int64(shortest / 8 * 1e9), 250_000_000), 3_000_000_000)
    return share + now - (answered ?? now)
  }

  private func seconds(since start: Nanoseconds) -> String {
    let tenths = (timekeeper.now - start) / 100_000_000
    return "\(tenths / 10).\(tenths % 10)"
  }
}
