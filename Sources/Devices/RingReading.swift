import Clocks
import Samples

extension RingReader {
  /// A position in the device's count, as far as it can be told.
  enum Counted {
    case slot(Int64)
    /// Without a cycle tag: it does not follow from the one before, whatever the laps between them.
    case astray
    /// The clock cannot count the laps.
    case ambiguous
  }

  /// Slots by which each of a poll's two positions is torn: index wrapped and cycle not yet
  /// counted, or the reverse.
  ///
  /// A tear is gone a moment later; two positions that are both odd are none. A store that stands
  /// still has nothing to wrap.
  func tears(
    _ ring: Poll.Ring, first: Bracket, second: Bracket
  ) -> (first: Int64, second: Int64) {
    guard hasCycle, let watch = expectation else { return (0, 0) }
    let slots = (ring.first.slots(size: Int(size)), ring.second.slots(size: Int(size)))
    func agrees(_ slot: Int64, _ bracket: Bracket) -> Bool {
      watch.deviation(of: slot, bracket) == 0
    }
    func tear(_ slot: Int64, _ bracket: Bracket) -> Int64 {
      [size, -size].first { agrees(slot + $0, bracket) } ?? 0
    }
    switch (agrees(slots.0, first), agrees(slots.1, second)) {
    case (false, true): return (tear(slots.0, first), 0)
    case (true, false): return (0, tear(slots.1, second))
    default: return (0, 0)
    }
  }

  /// A position in the device's count. Without a cycle tag the laps since the last one are counted
  /// by the clock.
  func counted(_ position: RingPosition, _ bracket: Bracket) -> Counted {
    if hasCycle {
      // Where the ring fills while index and cycle are read, they may be of different laps.
      return isLatched || mostSlots(from: bracket, to: bracket) < size
        ? .slot(position.slots(size: Int(size))) : .ambiguous
    }
    let advance = modulo(Int64(position.index) - seen)
    let most = mostSlots(from: seenAt, to: bracket)
    if most < size { return advance <= most ? .slot(seen + advance) : .astray }
    let isUnmoved = advance == 0
    guard let watch = expectation, let range = watch.expected(bracket) else {
      return isUnmoved ? .slot(seen) : .ambiguous
    }
    guard range.upperBound - range.lowerBound < Double(size) / 2 else { return .ambiguous }
    let middle = Int64((range.lowerBound + range.upperBound) / 2)
    let offset = modulo(Int64(position.index) - middle)
    let nearest = middle + (offset > size / 2 ? offset - size : offset)
    guard watch.deviation(of: nearest, bracket) == 0 else {
      return isUnmoved ? .slot(seen) : .astray
    }
    // A whole number of laps looks as if it stood still.
    return isUnmoved && nearest != seen ? .ambiguous : .slot(nearest)
  }

  /// Where the writer must be if what it last did goes on; nil: it stands still.
  var expectation: PositionWatch? {
    switch course {
    case .running: watch
    case .standing: nil
    case .broken(let found): found.watch
    }
  }

  func modulo(_ value: Int64) -> Int64 { (value % size + size) % size }

  /// The most slots that can have been written between two readings.
  func mostSlots(from: Bracket, to: Bracket) -> Int64 {
    Int64(Double(to.after - from.before) * 1e-9 * slotRate * (1 + PositionWatch.drift)) + 2 * unit
  }
}
