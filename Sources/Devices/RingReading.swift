import Clocks
import Samples

/// A poll's two positions in the device's count, tears and laps resolved.
struct RingReading {
  var first: Int64
  var second: Int64
  /// Slots by which the device's own `start` was wrong.
  var shift: Int64 = 0
  var isRepaired = false
  /// The laps cannot be told (index-only mode).
  var isLost = false
  /// Those of the second position cannot: it is taken as far as it may be.
  var isSecondLost = false
}

extension RingReader {
  func resolved(_ ring: Poll.Ring, first: Bracket, second: Bracket) -> RingReading {
    guard hasCycle else { return counted(ring, first: first, second: second) }
    var reading = RingReading(
      first: ring.first.slots(size: Int(size)), second: ring.second.slots(size: Int(size)))
    // A tear is gone a moment later; two positions that are both odd are none.
    switch (isOdd(reading.first, first), isOdd(reading.second, second)) {
    case (true, false):
      for shift in [size, -size] where !isOdd(reading.first + shift, first) {
        reading.first += shift
        reading.shift = shift
        reading.isRepaired = true
        break
      }
    case (false, true):
      for shift in [size, -size] where !isOdd(reading.second + shift, second) {
        reading.second += shift
        reading.isRepaired = true
        break
      }
    case (true, true):
      // After a break both are odd: a tear is a lap that was not written between them.
      let most = mostSlots(from: first, to: second)
      let during = reading.second - reading.first
      if during > most, during - size <= most, during >= size {
        reading.first += size
        reading.shift = size
        reading.isRepaired = true
      }
    default: break
    }
    return reading
  }

  private func isOdd(_ position: Int64, _ bracket: Bracket) -> Bool {
    watch.deviation(of: position, bracket) != 0
  }

  // MARK: - Index-only mode

  /// The laps are counted from the clock.
  private func counted(_ ring: Poll.Ring, first: Bracket, second: Bracket) -> RingReading {
    let advance = modulo(Int64(ring.first.index) - seen)
    var reading = RingReading(first: seen + advance, second: 0)
    let isStill =
      advance == 0 && ring.second.index == ring.first.index && hasPassed(seen, first, second)
    if mostSlots(from: seenAt, to: first) >= size, !isStill {
      // Laps are counted only where the clock agrees to the slot.
      if pause == nil, let position = nearest(ring.first.index, to: first),
        !isOdd(position, first)
      {
        reading.first = position
      } else {
        reading.isLost = true
      }
    } else if advance > mostSlots(from: seenAt, to: first) {
      // The index went back: the store began anew.
      reading.first = Int64(ring.first.index)
      reading.isLost = true
    }
    let during = modulo(Int64(ring.second.index) - Int64(ring.first.index))
    reading.second = reading.first + during
    if mostSlots(from: first, to: second) >= size {
      // At least a lap, if the clock cannot tell: nothing of the transfer could be trusted.
      let likely = reading.isLost ? nil : nearest(ring.second.index, to: second)
      reading.isSecondLost = likely == nil
      reading.second = max(likely ?? reading.second + size, reading.second)
    } else if during > mostSlots(from: first, to: second) {
      // It went back meanwhile.
      reading.second = min(Int64(ring.second.index), reading.first - 1)
    }
    // The words delivered end where the index was, whatever the laps.
    reading.shift = reading.first &- modulo(Int64(ring.first.index) - ring.start) &- ring.start
    return reading
  }

  /// The position with an index that is nearest to where the clock expects it; nil where that is
  /// uncertain by half a buffer.
  private func nearest(_ index: Int, to bracket: Bracket) -> Int64? {
    guard let range = watch.expected(bracket),
      range.upperBound - range.lowerBound < Double(size) / 2
    else { return nil }
    let middle = Int64((range.lowerBound + range.upperBound) / 2)
    let offset = modulo(Int64(index) - middle)
    return middle + (offset > size / 2 ? offset - size : offset)
  }

  private func modulo(_ value: Int64) -> Int64 { (value % size + size) % size }

  /// The most slots that can have been written between two readings.
  func mostSlots(from: Bracket, to: Bracket) -> Int64 {
    Int64(Double(to.after - from.before) * 1e-9 * slotRate * (1 + PositionWatch.drift)) + 2 * unit
  }
}
