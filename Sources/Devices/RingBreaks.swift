import Clocks
import Samples

extension RingReader {
  /// What a position that does not follow from the ones before means.
  struct Break {
    var loss: Loss?
    var standsStill = false
    /// Nothing can be delivered yet.
    var isHeld = false
    /// The store may have written up to here; 0: as the positions say.
    var mostWritten: Int64 = 0
  }

  /// Handles a position that does not follow from the ones before.
  ///
  /// At most one thing is taken to happen between two polls: a store stops, goes on, or begins anew.
  mutating func digestBreak(
    _ reading: RingReading, behind: Double, first: Bracket, second: Bracket
  ) -> Break {
    let position = reading.first
    let wentBack = position < seen
    if hasRestarted(position), let restart {
      self.restart = nil
      let index = position % size
      let isAnew = index <= mostSlots(from: restart.trigger, to: first)
      return startSegment(
        reading,
        cursor: isAnew ? position - index : position < restart.slot ? position : restart.slot,
        reason: .gate,
        first, second)
    }
    if isSuspect || reading.isLost || wentBack {
      let reason: Loss.Reason =
        isGated ? .gate : isSuspect || wentBack || beganAnew ? .reset : .clock
      let cursor = wentBack ? beginning(of: position, first) : position
      if wentBack, position % size == 0, reading.second == position {
        // Nothing is written yet, so that the clock cannot say where it will lie: wait.
        pause = position
        beganAnew = true
        return Break(standsStill: true, isHeld: true)
      }
      return startSegment(reading, cursor: cursor, reason: reason, first, second)
    }
    if behind > 0 { return startSegment(reading, cursor: position, reason: .clock, first, second) }
    let isStill = reading.second == position
    switch pause {
    case nil where isStill && hasPassed(position, first, second):
      pause = position
      return Break(standsStill: true, mostWritten: mostWritten(position, first))
    case nil
    where !isGated && behind < -Double(size) / 2 && position > seen
      && fresh(position, first).deviation(of: reading.second, second) == 0:
      return startSegment(reading, cursor: position, reason: .reset, first, second)
    case nil:
      // It stopped, or stopped and went on, or began anew and came as far: the next poll tells.
      pause = position
      return Break(
        standsStill: position == seen, isHeld: true, mostWritten: mostWritten(position, first))
    case position?:
      return Break(standsStill: true, isHeld: !isStill || !hasPassed(position, seenAt, second))
    case let pause?:
      // What is new was written since the store went on; if it was not seen standing still, what
      // came between the last position in time and the first late one may lie on either side.
      return startSegment(
        reading, cursor: pause, reason: isGated ? .gate : beganAnew ? .reset : .stall, first,
        second)
    }
  }

  /// Whether a store that is expected to begin anew has moved.
  func hasRestarted(_ position: Int64) -> Bool {
    restart.map { position != $0.slot } ?? false
  }

  /// The position that a store may have reached though it is where it was last seen: a circuit that
  /// was halted since then wrote on after its last latch, which nothing tells.
  private func mostWritten(_ position: Int64, _ first: Bracket) -> Int64 {
    position == seen ? position + mostSlots(from: movedAt, to: first) : position
  }

  /// Whether the clock can tell that a position has not moved between two brackets.
  func hasPassed(_ position: Int64, _ first: Bracket, _ second: Bracket) -> Bool {
    fresh(position, first).deviation(of: position, second) < 0
  }

  /// Whether a store went on from one position to the other as the clock did.
  private func isRunning(_ reading: RingReading, _ first: Bracket, _ second: Bracket) -> Bool {
    reading.second > reading.first
      && fresh(reading.first, first).deviation(of: reading.second, second) == 0
  }

  private func fresh(_ position: Int64, _ bracket: Bracket) -> PositionWatch {
    var watch = PositionWatch(slotRate: slotRate, slotsPerUnit: Int(unit))
    watch.take(position, bracket)
    return watch
  }

  /// The first slot written since a store began anew: that of index 0, if it can have come so far.
  private func beginning(of position: Int64, _ first: Bracket) -> Int64 {
    let index = position % size
    return index <= mostSlots(from: seenAt, to: first) ? position - index : position
  }

  /// Continues the recording where the clock says that the position is, reading from `slot` on.
  ///
  /// At least a unit is missing between two segments, so that none begins unmarked; before the
  /// first frame nothing need be.
  private mutating func startSegment(
    _ reading: RingReading, cursor slot: Int64, reason: Loss.Reason, _ first: Bracket,
    _ second: Bracket
  ) -> Break {
    let before = nextFrame
    let range = watch.expected(first) ?? Double(cursor)...Double(cursor)
    let likely = (range.lowerBound + range.upperBound) / 2 - Double(baseSlot)
    let written = reading.first - slot
    // Positions move by whole units.
    let units = Int64((likely / Double(unit)).rounded())
    let placed = baseFrame + units * Int64(format.framesPerUnit) - frames(in: written)
    var width = range.upperBound - range.lowerBound + Double(unit)
    let now = fresh(reading.first, first)
    let isRunning = isRunning(reading, first, second)
    if written > 0, !isRunning {
      // It may have written them and stopped at any time since the last poll.
      width += 2 * Double(max(0, mostSlots(from: seenAt, to: first) - written))
    }
    let framesPerUnit = Int64(format.framesPerUnit)
    let framesPerSlot = Double(framesPerUnit) / Double(format.slotsPerUnit)
    var uncertainty = width / 2 * framesPerSlot
    baseFrame = max(placed, before == 0 ? 0 : before + framesPerUnit)
    baseSlot = slot / unit * unit
    // Frames that would lie before the end of the last segment come later if the clock is as
    // uncertain as that; otherwise they are left out.
    let overlap = baseFrame - placed
    if overlap <= Int64(2 * uncertainty) + framesPerUnit {
      uncertainty += Double(overlap)
    } else {
      baseSlot += format.slots(ofFrames: overlap)
    }
    cursor = baseSlot
    ahead = 0
    pause = nil
    beganAnew = false
    watch = now
    if isRunning { watch.take(reading.second, second) }
    let loss = Loss(
      first: before, count: baseFrame - before, reason: reason, uncertainty: uncertainty)
    return Break(
      loss: loss.count > 0 ? loss : nil,
      // Something happened during the transfer: the next poll tells whether the words are good.
      isHeld: now.deviation(of: reading.second, second) != 0)
  }
}
