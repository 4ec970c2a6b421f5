import Clocks
import Samples

extension RingReader {
  /// A position that does not follow from the ones before: the first of a new run, perhaps.
  struct Found {
    /// What the slots before it are.
    enum Origin: Equatable {
      /// Nothing: it is the first position of all.
      case start
      /// The present segment's last, if the store stands still here.
      case tail
      /// From a slot on the new run's first: the store stood still there, or began there.
      case head(Int64)
      /// From one run or the other.
      case unknown
    }

    let slot: Int64
    let bracket: Bracket
    /// Where it was last seen before in this count, and when.
    let before: Int64
    let after: Bracket
    /// Agrees with the positions of this run.
    let watch: PositionWatch
    let origin: Origin
    let reason: Loss.Reason
    /// Whether it follows from the position before it if the ring has lapped since.
    var isFollowing = false

    /// The first slot of the run that is known.
    var from: Int64? { if case .head(let slot) = origin { slot } else { nil } }
  }

  /// Takes one position, from one bracket to the next.
  ///
  /// Only what one event explains is believed: slots before a position that does not follow from
  /// the ones before are read where the store was seen to stand still at their beginning or at their
  /// end; otherwise reading goes on with the first position that those after it follow from.
  ///
  /// `tear`: slots to be added because cycle and index disagree.
  ///
  /// - Returns: what is missing before the segment that this position confirms.
  mutating func observe(
    _ position: RingPosition, tornBy tear: Int64, _ bracket: Bracket
  ) -> Loss? {
    let counted = counted(position, bracket)
    guard case .slot(var slot) = counted else {
      // A slow answer says nothing; those after it will.
      let isSure = expectation?.isSure(within: size / 2, at: bracket) ?? false
      if case .ambiguous = counted, hasCycle || isSure {
        isVague = true
        return nil
      }
      course = .broken(found(Int64(position.index), counted, bracket))
      restart = nil
      note(Int64(position.index), bracket)
      return nil
    }
    slot += tear
    let isGuess = !hasCycle && mostSlots(from: seenAt, to: bracket) >= size
    var loss: Loss?
    switch course {
    case .running:
      if watch.deviation(of: slot, bracket) == 0 {
        watch.take(slot, bracket)
        hasMissedAnswer = false
        isLapGuessed = isGuess
      } else {
        course = .broken(found(slot, counted, bracket))
        repeatedAt = nil
      }
    case .standing:
      if slot != seen {
        course = .broken(found(slot, counted, bracket))
        restart = nil
      } else if isGuess {
        // After a lap the index would be the same.
        return nil
      }
    case .broken(let found):
      if slot == found.slot {
        note(slot, bracket)
        if found.watch.deviation(of: slot, bracket) < 0 { loss = stop(at: found) }
        return loss
      }
      if slot > found.slot, found.watch.deviation(of: slot, bracket) == 0 {
        // What is only guessed to have lapped may do so by chance: twice confirms a new run.
        guard !isGuess || found.isFollowing || found.origin == .start else {
          var watch = found.watch
          watch.take(slot, bracket)
          course = .broken(
            Found(
              slot: slot, bracket: bracket, before: found.slot, after: found.bracket,
              watch: watch, origin: .unknown, reason: found.reason, isFollowing: true))
          note(slot, bracket)
          return nil
        }
        if found.origin == .start {
          // What waits to be enabled begins later than it was seen.
          watch = isWaiting ? fresh(slot, bracket) : found.watch
          watch.take(slot, bracket)
        } else {
          // It may have begun at any moment of the first bracket: the last one places it.
          loss = startSegment(
            from: found.from ?? found.slot, slot, bracket, reason: found.reason, slack: 0)
          end = found.slot
        }
        isLapGuessed = isGuess
        course = .running
      } else {
        course = .broken(self.found(slot, isGuess ? .ambiguous : counted, bracket))
      }
    }
    note(slot, bracket)
    return loss
  }

  // MARK: - What a position means

  private func found(_ slot: Int64, _ counted: Counted, _ bracket: Bracket) -> Found {
    let most = mostSlots(from: seenAt, to: bracket)
    let wentBack: Bool
    let isPossible: Bool
    var isAmbiguous = false
    switch counted {
    case .slot: (wentBack, isPossible) = (slot < seen, slot >= seen && slot - seen <= most)
    // An index that is ahead of what can have been written went back.
    case .astray: (wentBack, isPossible) = (most < size, false)
    case .ambiguous: (wentBack, isPossible, isAmbiguous) = (false, false, true)
    }
    var origin = Found.Origin.unknown
    let index = slot % size
    let isSinceZero = index <= most && (hasCycle || most < size)
    switch course {
    case .running:
      if wentBack {
        // Nothing but a gate is expected to begin anew and go on at once.
        if isGated, isSinceZero { origin = .head(slot - index) }
      } else if isPossible, !isLapGuessed, watch.deviation(of: slot, bracket) < 0 {
        origin = .tail
      }
    case .broken where !isWaiting:
      if isGated, wentBack, isSinceZero { origin = .head(slot - index) }
    case .standing, .broken:
      if let restart, index <= mostSlots(from: restart, to: bracket) {
        origin = .head(slot - index)
      } else if isPossible {
        // Without a cycle tag a wrap and a beginning look alike; the lap is new in either case.
        origin = .head(hasCycle || index >= seen % size ? seen : slot - index)
      } else if wentBack, isSinceZero {
        origin = .head(slot - index)
      }
    }
    let reason: Loss.Reason
    if isGated {
      reason = .gate
    } else if wentBack {
      reason = .reset
    } else {
      reason = isAmbiguous ? .clock : self.reason(slot, isPossible: isPossible, bracket)
    }
    return Found(
      slot: slot, bracket: bracket, before: isPossible ? seen : slot, after: seenAt,
      watch: fresh(slot, bracket), origin: origin, reason: reason)
  }

  /// Whether the store is taken to wait for its gate, or for the circuit: it has not been seen to
  /// run.
  private var isWaiting: Bool {
    guard case .broken(let found) = course, found.origin == .start else { return false }
    return isGated || hasCycle && found.slot == 0
  }

  /// Why a position that went on does not follow from those before.
  private func reason(_ slot: Int64, isPossible: Bool, _ bracket: Bracket) -> Loss.Reason {
    switch course {
    case .running:
      guard isPossible else { return .clock }
      return watch.deviation(of: slot, bracket) < -Double(size) / 2 ? .reset : .stall
    case .standing: return isPossible ? .stall : .clock
    case .broken(let found): return found.reason
    }
  }

  func fresh(_ slot: Int64, _ bracket: Bracket) -> PositionWatch {
    var watch = PositionWatch(slotRate: slotRate, slotsPerUnit: Int(unit))
    watch.take(slot, bracket)
    return watch
  }

  // MARK: - What follows from it

  /// The store stands still at a position.
  private mutating func stop(at found: Found) -> Loss? {
    var loss: Loss?
    switch found.origin {
    case .start, .tail: end = found.slot
    case .head(let first):
      // It may have run at any time since it was seen before.
      let written = found.slot - first
      let slack = max(0, mostSlots(from: found.after, to: found.bracket) - written)
      loss = startSegment(
        from: first, found.slot, found.bracket, reason: found.reason, slack: slack)
    case .unknown: end = cursor
    }
    mostWritten = found.slot
    if isLatched {
      // A circuit that was halted latches no more: it wrote on after the latch, which is as old as
      // the position, or as a poll that gave no answer.
      let isOld = hasMissedAnswer || found.slot == found.before
      mostWritten =
        (hasMissedAnswer ? found.before : found.slot)
        + mostSlots(from: isOld ? found.after : found.bracket, to: repeatedAt ?? seenAt)
    }
    course = .standing
    return loss
  }

  /// Continues the recording where the clock says that a position is, reading from `first` on; the
  /// position is a later one of the same run, and `slack` the slots by which its place is less
  /// certain than the clock.
  ///
  /// At least a unit is missing between two segments, so that none begins unmarked; before the
  /// first frame nothing need be.
  ///
  /// - Returns: what is missing before it.
  private mutating func startSegment(
    from first: Int64, _ position: Int64, _ bracket: Bracket, reason: Loss.Reason, slack: Int64
  ) -> Loss? {
    let before = nextFrame
    let range = watch.expected(bracket) ?? Double(cursor)...Double(cursor)
    let likely = (range.lowerBound + range.upperBound) / 2 - Double(baseSlot)
    // Positions move by whole units.
    let units = Int64((likely / Double(unit)).rounded())
    let framesPerUnit = Int64(format.framesPerUnit)
    let placed = baseFrame + units * framesPerUnit - frames(in: position - first)
    let width = range.upperBound - range.lowerBound + Double(unit + 2 * slack)
    let framesPerSlot = Double(framesPerUnit) / Double(format.slotsPerUnit)
    var uncertainty = width / 2 * framesPerSlot
    baseFrame = max(placed, before == 0 ? 0 : before + framesPerUnit)
    baseSlot = first / unit * unit
    // Frames that would lie before the end of the last segment come later if the clock is as
    // uncertain as that; otherwise they are left out.
    let overlap = baseFrame - placed
    if overlap <= Int64(2 * uncertainty) + framesPerUnit {
      uncertainty += Double(overlap)
    } else {
      baseSlot += format.slots(ofFrames: overlap)
    }
    cursor = baseSlot
    end = position
    watch = fresh(position, bracket)
    let count = baseFrame - before
    return count > 0
      ? Loss(first: before, count: count, reason: reason, uncertainty: uncertainty) : nil
  }
}
