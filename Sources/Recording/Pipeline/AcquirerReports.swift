import Clocks
import Devices
import NWB

/// What the acquirer tells the user of its rings: losses, stores that stand still, and positions that
/// cannot be told.
extension Acquirer {
  func report(_ loss: RingReader.Loss, of ring: OpenedRing) {
    let rate = ring.attributes.rate
    let kind: LogKind = loss.reason == .reset || loss.reason == .clock ? .reset : .gap
    let place =
      loss.uncertainty > 0 ? ", placed to ± \(milliseconds(loss.uncertainty / rate)) ms" : ""
    let text =
      "\(ring.name): \(loss.count) samples from \(loss.first) are missing "
      + "(\(loss.reason.rawValue), \(milliseconds(Double(loss.count) / rate)) ms\(place))"
    context.inlet.log(kind, text, at: context.clock.seconds(atHost: poll.firstLatch.middle))
    guard loss.reason != .gate else { return }
    context.warn(text)
    if loss.reason == .overrun, ring.stopsOnOverrun { context.stopAll(.overrun(text)) }
  }

  /// Says within a second (or four polls, or four slots, if that is longer) that a store stands
  /// still, or that its positions cannot be told.
  mutating func watchStall(_ step: RingReader.Step, of index: Int, series: Int) {
    // A trial that gives no sample has a time-out.
    guard epochs?.ring != index else { return }
    let ring = rings[index]
    rings[index].isUnsettled = step.isUnsettled
    guard step.standsStill && !ring.attributes.isGated || step.isUnsettled else {
      if ring.isStallReported {
        context.inlet.log(
          .note, "\(ring.name): goes on",
          at: context.clock.seconds(atHost: poll.firstLatch.middle))
        context.board.update { $0.buffers[series].isStalled = false }
      }
      rings[index].stillSince = nil
      rings[index].isStallReported = false
      return
    }
    let now = poll.firstLatch.middle
    let since = ring.stillSince ?? now
    rings[index].stillSince = since
    let allowed = max(4 * interval, Int64(4e9 / ring.attributes.slotRate))
    let most = max(900_000_000, 4 * interval)
    guard !ring.isStallReported, now - since >= (step.isUnsettled ? most : min(allowed, most))
    else {
      return
    }
    rings[index].isStallReported = true
    context.board.update { $0.buffers[series].isStalled = true }
    guard !step.isUnsettled else {
      let text =
        "\(ring.name): nothing can be read: its positions cannot be told, for its ring fills within "
        + "\(milliseconds(ring.attributes.sampleTime)) ms; a larger ring, or a cycle tag and a latch, "
        + "would help"
      context.inlet.log(.stall, text, at: context.clock.seconds(atHost: now))
      context.warn(text)
      return
    }
    let status = try? circuit.health().status
    let why =
      status.map { $0.contains(.running) ? "the circuit runs" : "the circuit is halted" }
      ?? "the device gives no status"
    let text = "\(ring.name): the index stands still (\(why))"
    context.inlet.log(.stall, text, at: context.clock.seconds(atHost: now))
    context.warn(text)
  }

  /// Asks the circuit every few seconds how much of a tick it uses, and says once when that is nearly
  /// all. One that does not tell is not asked again.
  mutating func watchCycleUsage() {
    guard timekeeper.now >= nextHealth else { return }
    nextHealth = timekeeper.now + 5_000_000_000
    guard let usage = try? circuit.health().cycleUsage else {
      nextHealth = .max
      return
    }
    context.board.update { snapshot in
      snapshot.circuits[plan.number].cycleUsage = usage
      let worst = snapshot.circuits[plan.number].worstCycleUsage ?? usage
      snapshot.circuits[plan.number].worstCycleUsage = max(worst, usage)
    }
    guard usage > 90, !isOverloadReported else { return }
    isOverloadReported = true
    let text =
      "\(plan.name): \(usage) % of the tick is used; above 100 % the circuit cannot keep up"
    context.inlet.log(.note, text, at: context.clock.seconds(atHost: poll.firstLatch.middle))
    context.warn(text)
  }

  /// Says once that events are timed by the host.
  func warnOfHostTimes() {
    guard !rings.isEmpty, !rings.contains(where: { $0.lane != nil }) else { return }
    let text =
      "\(plan.name): its events are timed when they are read, for it has no buffer of samples, whose "
      + "frames would tell its clock"
    context.inlet.log(.note, text, at: context.clock.seconds(atHost: timekeeper.now))
    context.warn(text)
  }

  /// Says that a store of events began anew; a gated one is expected to.
  func reportLostEvents(of index: Int) {
    guard !rings[index].attributes.isGated else { return }
    context.board.update { $0.eventResets += 1 }
    let text =
      "\(rings[index].name): its position began anew; events of the last poll or two may be lost"
    context.inlet.log(.reset, text, at: context.clock.seconds(atHost: poll.firstLatch.middle))
    context.warn(text)
  }

  /// Notes a trial's end.
  func note(_ event: EpochRunner.Event, series: Int) {
    switch event {
    case .ended(let epoch):
      context.inlet.post(
        .epoch(series: series, epoch.firstFrame..<epoch.firstFrame + epoch.frameCount))
      context.acquired(epoch)
      if let epochs, epochs.phase == .over { context.stopAll(.trials(epochs.trial)) }
    case .timedOut(let text):
      context.inlet.log(.error, text, at: context.clock.seconds(atHost: poll.firstLatch.middle))
      context.stopAll(.timeout(text))
    }
  }

  /// Says at the end that a trial was under way.
  func reportUnfinished() {
    guard let epochs, let epoch = epochs.unfinished else { return }
    let text =
      "\(epochs.attributes.name): trial \(epochs.trial) is not whole: "
      + "\(epoch.frameCount) samples from \(epoch.firstFrame)"
    context.inlet.log(.note, text, at: context.clock.seconds(atHost: poll.firstLatch.middle))
    context.warn(text)
  }

  /// Says at the end which gated stores gave nothing: nobody need have noticed.
  func reportNeverEnabled() {
    for ring in rings where ring.attributes.isGated && !ring.hasEnded {
      guard case .samples(_, let series) = ring.reader,
        context.board.snapshot.buffers[series].samples == 0
      else { continue }
      let text =
        "\(ring.name): no samples: the circuit never enabled its store"
      context.inlet.log(.note, text, at: context.clock.seconds(atHost: timekeeper.now))
      context.remark(text)
    }
  }

  /// Says at the end which stores stand still, or do what could not be told.
  func reportUnsettled() {
    for ring in rings where ring.stillSince != nil && !ring.hasEnded && !ring.isStallReported {
      guard case .samples(_, let series) = ring.reader else { continue }
      let text =
        ring.isUnsettled
        ? "\(ring.name): the recording ends before its last positions could be told; what was "
          + "written since is not in the file"
        : "\(ring.name): the index stands still at the end of the recording"
      context.inlet.log(.stall, text, at: context.clock.seconds(atHost: poll.firstLatch.middle))
      context.warn(text)
      context.board.update { $0.buffers[series].isStalled = true }
    }
  }
}

/// A number of seconds as milliseconds with one decimal.
func milliseconds(_ seconds: Double) -> String {
  let tenths = (seconds * 1e4).rounded()
  return tenths.isFinite && abs(tenths) < 1e15
    ? "\(Int64(tenths) / 10).\(abs(Int64(tenths)) % 10)" : "\(seconds * 1000)"
}
