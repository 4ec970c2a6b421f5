import Clocks
import Devices
import Samples

/// Acquires the trials of an ``EpochRequest`` from a circuit's polls: when the trigger is fired, which
/// words a poll asks for, which frames are a trial's, and when it is over.
///
/// With a trigger, a trial begins with the first frame written after the last poll before it; without
/// one, reading goes on where it was. What comes after a trial's end is not asked for.
struct EpochRunner {
  enum Phase: Equatable {
    /// For the next trial, which begins no sooner than then, host clock.
    case waiting(until: Nanoseconds)
    case reading
    /// The tag says that it is over; so many polls may still bring its last frames.
    case ending(polls: Int)
    /// All trials are acquired, or one never will be.
    case over
  }

  /// What a poll came to.
  enum Event {
    case ended(Epoch)
    case timedOut(String)
  }

  /// How soon a gated store is looked at again until it has begun, ns.
  private static let onsetInterval: Nanoseconds = 5_000_000

  let request: EpochRequest
  let attributes: BufferAttributes
  /// The buffer's number among the circuit's.
  let ring: Int
  private(set) var phase = Phase.waiting(until: 0)
  private(set) var trial = 0
  private var progress = EpochProgress(firstFrame: 0)
  /// What was lost while waiting without a trigger.
  private var carried: [RingReader.Loss] = []
  /// The handshake tag just before the trial.
  private var armed: Float = 0
  private var tag: Float = 0
  private var sample: Int64 = 0
  private var newSampleAt: Nanoseconds = 0
  private var beganWith: Int64 = 0

  init(_ request: EpochRequest, _ attributes: BufferAttributes, ring: Int) {
    self.request = request
    self.attributes = attributes
    self.ring = ring
  }

  /// Words that the next poll may bring at most.
  var room: Int {
    switch (phase, request.goal) {
    case (.waiting, _), (.over, _): 0
    case (_, .samples(let wanted)):
      Int(attributes.format.slots(ofFrames: Int64(max(0, wanted - progress.made))))
    case (_, .tag): .max
    }
  }

  /// Whether the next trial is due.
  func isDue(at now: Nanoseconds) -> Bool {
    if case .waiting(let time) = phase { now >= time } else { false }
  }

  /// The longest until the next poll: as asked, but not so long that the ring could be lapped, and
  /// not longer than the samples that are still missing take.
  func wait(at now: Nanoseconds) -> Nanoseconds {
    var wait = min(
      Int64(min(request.poll, 1e6) * 1e9), Int64(attributes.sampleTime / 4 * 1e9))
    switch phase {
    case .waiting(let time): wait = min(wait, max(0, time - now))
    case .ending: wait = 0
    case .reading:
      if case .samples(let wanted) = request.goal {
        wait = min(wait, Int64(Double(wanted - progress.made) / attributes.rate * 1e9))
      }
      if attributes.isGated, !progress.hasBegun { wait = min(wait, Self.onsetInterval) }
    case .over: break
    }
    return max(wait, 1_000_000)
  }

  /// Begins a trial at the last poll; `trigger`: around its trigger, which has been fired.
  mutating func begin(_ reader: inout RingReader, trigger: Bracket?, at now: Nanoseconds) {
    if let trigger {
      reader.skipPending()
      carried.removeAll()
      if attributes.isGated { reader.expectRestart(after: trigger) }
    }
    progress = EpochProgress(firstFrame: carried.first?.first ?? reader.nextFrame)
    progress.epoch.trigger = trigger
    for loss in carried { progress.add(loss) }
    carried.removeAll()
    armed = tag
    newSampleAt = now
    beganWith = sample
    phase = .reading
  }

  /// Takes a poll: leaves of it what is a trial's.
  ///
  /// `tag`: the handshake tag, read after the poll's positions.
  mutating func take(
    _ step: inout RingReader.Step, tag: Float, at now: Nanoseconds
  ) -> Event? {
    self.tag = tag
    if step.sample != sample { newSampleAt = now }
    sample = step.sample
    switch phase {
    case .over:
      leaveOut(&step)
      return nil
    case .waiting:
      if request.trigger != nil {
        leaveOut(&step)
      } else if let loss = step.loss {
        carried.append(loss)
      }
      return nil
    case .reading, .ending: break
    }
    if let loss = step.loss, !progress.add(loss) { step.loss = nil }
    if step.slots > 0 {
      let frames = attributes.format.frames(inSlots: Int64(step.slots))
      progress.add(step.firstFrame..<step.firstFrame + frames)
    }
    switch (phase, request.goal) {
    case (.ending(let polls), _):
      if step.pending == 0, !step.isUnsettled || polls <= 1 { return end(at: now) }
      phase = .ending(polls: polls - 1)
      return polls <= 1 ? end(at: now) : nil
    case (_, .samples(let wanted)):
      if progress.made >= wanted { return end(at: now) }
    case (_, .tag(_, let condition)):
      // A trial that has given no sample is not over, whatever the tag says.
      if condition.holds(tag, armed: armed), progress.hasBegun || sample != beganWith {
        phase = .ending(polls: 4)
        return nil
      }
    }
    guard now - newSampleAt >= Int64(min(request.timeout, 1e9) * 1e9) else { return nil }
    phase = .over
    return .timedOut(
      "buffer \(attributes.name): no new sample for \(request.timeout) s; \(progress.made) were read"
    )
  }

  /// What is written between trials is nobody's: it is neither lost nor waiting.
  private func leaveOut(_ step: inout RingReader.Step) {
    step.loss = nil
    step.fill = 0
  }

  private mutating func end(at now: Nanoseconds) -> Event {
    trial += 1
    phase =
      trial < request.trials
      ? .waiting(until: now + Int64(min(request.interval, 1e9) * 1e9)) : .over
    return .ended(progress.epoch)
  }

  /// The frames of a trial that is not over, if there are any.
  var unfinished: Epoch? {
    switch phase {
    case .waiting, .over: nil
    case .reading, .ending: progress.epoch.frameCount > 0 ? progress.epoch : nil
    }
  }
}
