public import Clocks

/// Acquires epochs: fires a trigger and reads until a tag says that the trial is over, or until
/// there are enough samples. Reading is continuous, so that a trial may be longer than the buffer.
///
/// With a trigger, a trial begins with the first frame written after the last poll before it; what
/// was pending is skipped. Without one, reading goes on where it was. What comes after a trial's
/// end stays readable.
public struct Epochs {
  public let buffer: InputBuffer
  private let timekeeper: any Timekeeper

  /// How soon a gated store is looked at again until it has begun, ns.
  private static let onsetInterval: Nanoseconds = 5_000_000

  public init(_ buffer: InputBuffer, timekeeper: any Timekeeper) {
    self.buffer = buffer
    self.timekeeper = timekeeper
  }

  /// Acquires trials that a tag ends. The tail shorter than a block is returned too.
  ///
  /// A trial that has given no sample is not over, whatever the tag says.
  ///
  /// - Parameters:
  ///   - trigger: fired as a pulse for each trial; nil: none.
  ///   - handshake: the tag that is watched.
  ///   - end: what it must do.
  ///   - trials: at least 1.
  ///   - interval: seconds between a trial's end and the next one's trigger.
  ///   - poll: seconds between reads, or a quarter of the buffer's time if that is shorter.
  ///   - timeout: seconds without a new sample after which it is given up.
  ///   - each: called with the trial's number, from 0, and every block as it comes:
  ///     frames, or a loss alone.
  /// - Returns: one epoch a trial.
  /// - Throws: ``BufferError`` for a tag that does not exist and for the time-out, the
  ///   ``DeviceError`` of a call, and what `each` throws.
  public func acquire(
    trigger: Trigger?, handshake: String, until end: EndCondition = .changes, trials: Int = 1,
    interval: Double = 0, poll: Double = 0.1, timeout: Double = 10,
    each: (Int, SampleBlock) throws -> Void
  ) throws -> [Epoch] {
    try Self.check(handshake: handshake, of: buffer.attributes, on: buffer.circuit)
    return try repeated(trials, interval) { trial in
      try acquire(
        trigger, .tag(handshake, end), Pace(poll, timeout), { try each(trial, $0) })
    }
  }

  /// Acquires trials of so many samples (frames): those the store made, of which some may be lost.
  ///
  /// - Parameters:
  ///   - trigger: fired as a pulse for each trial; nil: none.
  ///   - samples: a multiple of the block size.
  ///   - trials: at least 1.
  ///   - interval: seconds between a trial's end and the next one's trigger.
  ///   - poll: seconds between reads, or a quarter of the buffer's time if that is shorter.
  ///   - timeout: seconds without a new sample after which it is given up.
  ///   - each: called with the trial's number, from 0, and every block as it comes:
  ///     frames, or a loss alone.
  /// - Returns: one epoch a trial.
  /// - Throws: ``BufferError`` for a number of samples that is not allowed, before anything starts,
  ///   and for the time-out; the ``DeviceError`` of a call; and what `each` throws.
  public func acquireSamples(
    trigger: Trigger?, samples: Int, trials: Int = 1, interval: Double = 0, poll: Double = 0.1,
    timeout: Double = 10, each: (Int, SampleBlock) throws -> Void
  ) throws -> [Epoch] {
    try Self.check(samples: samples, of: buffer.attributes)
    return try repeated(trials, interval) { trial in
      try acquire(trigger, .samples(samples), Pace(poll, timeout), { try each(trial, $0) })
    }
  }

  /// Refuses a handshake tag that the circuit does not have.
  public static func check(
    handshake: String, of buffer: BufferAttributes, on circuit: any Circuit
  ) throws(BufferError) {
    guard !circuit.tags.contains(where: { $0.name == handshake && $0.type.isScalar }) else {
      return
    }
    throw BufferError(
      buffer: buffer.name, kind: .noSuchTag,
      message: "the circuit has no scalar tag \(handshake) to wait for; its scalars are "
        + circuit.scalarNames)
  }

  /// Refuses a number of samples that is not of whole blocks.
  public static func check(samples: Int, of buffer: BufferAttributes) throws(BufferError) {
    let block = buffer.blockSize
    guard samples > 0, samples % block == 0 else {
      throw BufferError(
        buffer: buffer.name, kind: .badBlockSize,
        message: "\(samples) samples are not allowed: a multiple of the block size, \(block)")
    }
  }

  // MARK: - One trial

  private enum Goal {
    case tag(String, EndCondition)
    case samples(Int)
  }

  private struct Pace {
    let poll: Nanoseconds
    let timeout: Nanoseconds

    init(_ poll: Double, _ timeout: Double) {
      precondition(poll >= 0 && timeout > 0, "times are positive")
      self.poll = Int64(min(poll, 1e9) * 1e9)
      self.timeout = Int64(min(timeout, 1e9) * 1e9)
    }
  }

  private func repeated(
    _ trials: Int, _ interval: Double, _ acquire: (Int) throws -> Epoch
  ) throws -> [Epoch] {
    precondition(trials > 0 && interval >= 0, "there is at least one trial")
    var epochs: [Epoch] = []
    for trial in 0..<trials {
      if trial > 0 { timekeeper.sleep(until: timekeeper.now + Int64(min(interval, 1e9) * 1e9)) }
      epochs.append(try acquire(trial))
    }
    return epochs
  }

  private func acquire(
    _ trigger: Trigger?, _ goal: Goal, _ pace: Pace, _ each: (SampleBlock) throws -> Void
  ) throws -> Epoch {
    if trigger != nil { try buffer.resetRead() } else { _ = try buffer.pending() }
    var trial = EpochProgress(firstFrame: buffer.nextFrame)
    var armed: Float = 0
    if case .tag(let tag, _) = goal { armed = try value(of: tag) }
    if let trigger {
      let bracket = try buffer.circuit.fire(trigger, mode: .pulse)
      trial.epoch.trigger = bracket
      if buffer.attributes.isGated { buffer.expectRestart(after: bracket) }
    }
    func hand(_ block: SampleBlock) throws {
      for loss in block.losses { trial.add(loss) }
      if block.frameCount > 0 { trial.add(block.firstFrame..<block.endFrame) }
      if block.frameCount > 0 || !block.losses.isEmpty { try each(block) }
    }
    var sample = buffer.lastSample
    var newSampleAt = timekeeper.now
    while true {
      switch goal {
      case .samples(let wanted):
        try hand(buffer.take(most: wanted - trial.made, wholeBlocks: true))
        if trial.made >= wanted { return trial.epoch }
      case .tag(let tag, let end):
        try hand(buffer.take(wholeBlocks: true))
        // Read after the poll: a latched tag is as old as its latch.
        let isOver = end.holds(try value(of: tag), armed: armed)
        if isOver, trial.hasBegun || buffer.lastSample != sample {
          for _ in 0..<4 {
            try hand(buffer.take(wholeBlocks: false))
            if buffer.lastPending == 0 { break }
          }
          return trial.epoch
        }
      }
      let now = timekeeper.now
      if buffer.lastSample != sample {
        sample = buffer.lastSample
        newSampleAt = now
      } else if now - newSampleAt >= pace.timeout {
        throw buffer.error(
          .timeout, "no new sample for \(Double(pace.timeout) * 1e-9) s; \(trial.made) were read")
      }
      timekeeper.sleep(until: now + wait(goal, trial, pace))
    }
  }

  /// Until the next read: as asked, but not so long that the ring could be lapped, and not longer
  /// than the samples that are still missing take.
  private func wait(_ goal: Goal, _ trial: EpochProgress, _ pace: Pace) -> Nanoseconds {
    let attributes = buffer.attributes
    var wait = min(pace.poll, Int64(attributes.sampleTime / 4 * 1e9))
    if case .samples(let wanted) = goal {
      wait = min(wait, Int64(Double(wanted - trial.made) / attributes.rate * 1e9))
    }
    if attributes.isGated, !trial.hasBegun { wait = min(wait, Self.onsetInterval) }
    return max(wait, 1_000_000)
  }

  private func value(of tag: String) throws(DeviceError) -> Float {
    try buffer.circuit.values(of: [tag]).first ?? .nan
  }
}
