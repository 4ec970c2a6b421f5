public import Clocks
import Samples

/// Decides, poll by poll, which frames of a ring are valid, which were lost, and where each lies on
/// the recording's frame count. Pure arithmetic: it touches neither device nor clock.
///
/// An overrun is decided after the transfer: whatever the device may have overwritten by the second
/// position is invalid. Positions are held against the clock, so that a lap of exactly one buffer,
/// a torn cycle, a stall and a reset are told apart.
public struct RingReader: Sendable {
  /// Frames that are not in the recording, and why.
  public struct Loss: Sendable, Equatable {
    public enum Reason: String, Sendable {
      /// The device overwrote them before they were read.
      case overrun
      /// The store stood still: they were never made.
      case stall
      /// The position began anew.
      case reset
      /// The position cannot be told any more: it disagrees with the clock.
      case clock
      /// The circuit had not enabled the store (`gated`).
      case gate
    }

    /// The first frame missing, counted from the first frame of the recording.
    public var first: Int64
    public var count: Int64
    public var reason: Reason
    /// Frames by which the place of what follows is uncertain (half width); 0 for an overrun.
    public var uncertainty: Double
  }

  /// What one poll gave.
  public struct Step: Sendable, Equatable {
    /// Frames missing before the ones delivered.
    public var loss: Loss?
    /// Where the valid words begin in the poll's destination, and how many there are: whole blocks.
    public var offset = 0
    public var slots = 0
    /// The recording's number of the first of them.
    public var firstFrame: Int64 = 0
    /// Frames written and not yet read, blocks' remainders included.
    public var pending: Int64 = 0
    /// Share of the ring that waited to be read, 0 … 1 (above 1: overrun).
    public var fill = 0.0
    /// Whether a torn position (index wrapped, cycle not yet counted, or the reverse) was repaired.
    public var repairedRace = false
    /// Whether the position agrees with the clock, so that it is a reading of the circuit's clock.
    public var isClockReading = false
    /// Whether the store stands still though the clock goes on.
    public var standsStill = false
  }

  private let format: SlotFormat
  private let size: Int64
  private let hasCycle: Bool
  private let isGated: Bool
  private let blockFrames: Int64
  private let slotRate: Double

  private var watch: PositionWatch
  /// The next slot to read, in the device's count.
  private var cursor: Int64 = 0
  /// Slot `baseSlot` is frame `baseFrame` of the recording.
  private var baseSlot: Int64 = 0
  private var baseFrame: Int64 = 0
  private var hasBegun = false
  /// The last position seen and when.
  private var seen: Int64 = 0
  private var seenAt = Bracket(before: 0, after: 0)
  /// The store was seen standing still at `seen`.
  private var isFrozen = false
  /// The ring changed under the last transfer; what follows begins a new segment.
  private var isSuspect = false

  /// - Parameters:
  ///   - attributes: the buffer as opened; a resize needs a new reader.
  public init(_ attributes: BufferAttributes) {
    format = attributes.format
    size = Int64(attributes.slots)
    hasCycle = attributes.cycleTag != nil
    isGated = attributes.isGated
    blockFrames = Int64(attributes.blockSize)
    slotRate = attributes.slotRate
    watch = PositionWatch(
      slotRate: attributes.slotRate, slotsPerUnit: attributes.format.slotsPerUnit)
  }

  /// The slot to ask for in the next poll. Before the first one: ahead of every position, so that
  /// nothing is transferred.
  public var nextSlot: Int64 { hasBegun ? cursor : .max }

  /// The recording's number of the next frame to be delivered.
  public var nextFrame: Int64 { frame(of: cursor) }

  /// The device's count of frames at the recording's frame 0 of the present segment.
  public var deviceFrameOfZero: Int64 { format.frames(inSlots: baseSlot) - baseFrame }

  /// Frames of the recording that `position` of the last poll stands for.
  public var seenFrame: Int64 { frame(of: seen) }

  /// Skips everything pending: the next frame delivered is the first one written from now on.
  public mutating func skipPending() { cursor = max(cursor, seen / unit * unit) }

  /// Takes a poll's answer for this ring.
  ///
  /// - Parameters:
  ///   - wholeBlocks: whether to deliver whole blocks only (else every frame there is).
  public mutating func digest(
    _ ring: Poll.Ring, first: Bracket, second: Bracket, wholeBlocks: Bool = true
  ) -> Step {
    var step = Step()
    guard hasBegun else {
      begin(ring, first: first, second: second)
      step.isClockReading = hasBegun
      return step
    }
    var reading = resolved(ring, first: first, second: second)
    step.repairedRace = reading.isRepaired
    step.fill = Double(reading.first - cursor) / Double(size)

    let behind = watch.deviation(of: reading.first, first)
    if isSuspect || reading.isLost || behind != 0 || reading.second < reading.first {
      step.loss = breakSegment(&reading, behind: behind, first: first, second: second, &step)
    } else {
      watch.take(reading.first, first)
      if watch.deviation(of: reading.second, second) == 0 {
        watch.take(reading.second, second)
        isFrozen = false
      }
      step.isClockReading = true
    }
    note(max(reading.first, reading.second), at: second)
    if !isSuspect { deliver(ring, reading, wholeBlocks: wholeBlocks, &step) }
    step.pending = max(0, frame(of: reading.first) - frame(of: cursor))
    return step
  }

  // MARK: - Positions

  /// A poll's positions in the device's count, tears and laps resolved.
  private struct Reading {
    var first: Int64
    var second: Int64
    /// Slots by which the device's own `start` was wrong.
    var shift: Int64 = 0
    var isRepaired = false
    /// The laps cannot be told (index-only mode).
    var isLost = false
  }

  private func resolved(_ ring: Poll.Ring, first: Bracket, second: Bracket) -> Reading {
    guard hasCycle else { return counted(ring, first: first, second: second) }
    var reading = Reading(
      first: ring.first.slots(size: Int(size)), second: ring.second.slots(size: Int(size)))
    if watch.deviation(of: reading.first, first) != 0 {
      for shift in [size, -size] where watch.deviation(of: reading.first + shift, first) == 0 {
        reading.first += shift
        reading.shift = shift
        reading.isRepaired = true
        break
      }
    }
    if watch.deviation(of: reading.second, second) != 0 {
      for shift in [size, -size] where watch.deviation(of: reading.second + shift, second) == 0 {
        reading.second += shift
        reading.isRepaired = true
        break
      }
    }
    return reading
  }

  /// Index-only mode: the laps are counted from the clock.
  private func counted(_ ring: Poll.Ring, first: Bracket, second: Bracket) -> Reading {
    func modulo(_ value: Int64) -> Int64 { (value % size + size) % size }
    func most(from: Bracket, to: Bracket) -> Int64 {
      Int64(Double(to.after - from.before) * 1e-9 * slotRate * (1 + PositionWatch.drift)) + 2 * unit
    }
    let advance = modulo(Int64(ring.first.index) - seen)
    var reading = Reading(first: seen + advance, second: 0)
    if most(from: seenAt, to: first) >= size {
      if !isFrozen, let range = watch.expected(first),
        range.upperBound - range.lowerBound < Double(size) / 2
      {
        let middle = Int64((range.lowerBound + range.upperBound) / 2)
        var offset = modulo(Int64(ring.first.index) - middle)
        if offset > size / 2 { offset -= size }
        reading.first = middle + offset
      } else {
        reading.isLost = true
      }
    } else if advance > most(from: seenAt, to: first) {
      // The index went back: the store began anew.
      reading.first = Int64(ring.first.index)
      reading.isLost = true
    }
    // A transfer of a whole lap or more leaves nothing that could be trusted.
    let during = modulo(Int64(ring.second.index) - Int64(ring.first.index))
    reading.second =
      reading.first + (most(from: first, to: second) >= size ? size + during : during)
    // The words delivered end where the index was, whatever the laps.
    reading.shift = reading.first - modulo(Int64(ring.first.index) - ring.start) - ring.start
    return reading
  }

  private mutating func begin(_ ring: Poll.Ring, first: Bracket, second: Bracket) {
    let position = hasCycle ? ring.first.slots(size: Int(size)) : Int64(ring.first.index)
    watch.restart()
    watch.take(position, first)
    seen = position
    seenAt = first
    baseSlot = position / unit * unit
    cursor = baseSlot
    baseFrame = 0
    // The two positions of a torn first poll disagree: begin with the next one.
    let after = resolved(ring, first: first, second: second)
    hasBegun = !after.isRepaired && (!hasCycle || after.second >= position)
  }

  private mutating func note(_ position: Int64, at bracket: Bracket) {
    seen = position
    seenAt = bracket
  }

  // MARK: - Breaks

  /// Handles a position that does not follow from the ones before; returns what was lost by it.
  private mutating func breakSegment(
    _ reading: inout Reading, behind: Double, first: Bracket, second: Bracket, _ step: inout Step
  ) -> Loss? {
    let wentBack = reading.first < seen || reading.isLost && reading.first < cursor
    if !isSuspect, !reading.isLost, behind == 0 {
      // Only the second position is odd: the store began anew during the transfer. Its words are
      // mixed; the next poll places what follows.
      isSuspect = true
      return nil
    }
    if !isSuspect, !reading.isLost, !wentBack, behind < 0 {
      var fresh = PositionWatch(slotRate: slotRate, slotsPerUnit: Int(unit))
      fresh.take(reading.first, first)
      let standsStill = reading.first == seen || fresh.deviation(of: reading.second, second) < 0
      if standsStill, reading.second == reading.first {
        // Everything up to here was written before the store stopped.
        isFrozen = true
        step.standsStill = true
        return nil
      }
      if isFrozen {
        // What is new was written since the store went on.
        return startSegment(
          at: reading.first, cursor: seen, reason: isGated ? .gate : .stall, first: first)
      }
    }
    let reason: Loss.Reason =
      if isGated {
        .gate
      } else if wentBack || isSuspect || behind < -Double(size) / 2 {
        .reset
      } else {
        reading.isLost || behind > 0 ? .clock : .stall
      }
    // A store that began anew counts from 0; otherwise nothing tells which of the frames pending
    // were written before the break.
    let restart = wentBack && reading.first <= size ? 0 : reading.first / unit * unit
    return startSegment(at: reading.first, cursor: restart, reason: reason, first: first)
  }

  /// Continues the recording where the clock says that `position` is, reading from `cursor` on.
  private mutating func startSegment(
    at position: Int64, cursor newCursor: Int64, reason: Loss.Reason, first: Bracket
  ) -> Loss? {
    let before = nextFrame
    let range = watch.expected(first) ?? Double(cursor)...Double(cursor)
    let likely = Int64(((range.lowerBound + range.upperBound) / 2).rounded())
    let placed = max(frame(of: likely) - frames(in: position - newCursor), before)
    // A gated store may have run and ended at any time since the last poll.
    let unseen = Double(first.after - seenAt.before) * 1e-9 * slotRate - Double(position - newCursor)
    let width = range.upperBound - range.lowerBound + (isGated ? max(0, unseen) * 2 : 0)
    let uncertainty = width / 2 / slotsPerFrame
    baseSlot = newCursor
    baseFrame = (placed + blockFrames - 1) / blockFrames * blockFrames
    cursor = newCursor
    isFrozen = false
    isSuspect = false
    watch.restart()
    watch.take(position, first)
    let count = baseFrame - before
    return count > 0
      ? Loss(first: before, count: count, reason: reason, uncertainty: uncertainty) : nil
  }

  // MARK: - Delivery

  /// Narrows the words delivered to those that are new, written and not overwritten.
  private mutating func deliver(
    _ ring: Poll.Ring, _ reading: Reading, wholeBlocks: Bool, _ step: inout Step
  ) {
    let start = ring.start &+ reading.shift
    let block = format.slots(ofFrames: blockFrames)
    let oldest = reading.second - size
    if oldest > cursor {
      // Overwritten, or possibly so: the loss ends with a whole block.
      let lost = (oldest - cursor + block - 1) / block * block
      let loss = Loss(
        first: nextFrame, count: frames(in: lost), reason: .overrun, uncertainty: 0)
      cursor += lost
      step.loss = step.loss.map {
        Loss(
          first: $0.first, count: $0.count + loss.count, reason: $0.reason,
          uncertainty: $0.uncertainty)
      } ?? loss
    }
    step.firstFrame = nextFrame
    let end = min(reading.first, ring.count == 0 ? cursor : start + Int64(ring.count))
    guard start <= cursor, end > cursor else { return }
    let granule = wholeBlocks ? block : unit
    let count = (end - cursor) / granule * granule
    step.offset = Int(cursor - start)
    step.slots = Int(count)
    cursor += count
  }

  private var unit: Int64 { Int64(format.slotsPerUnit) }

  private var slotsPerFrame: Double {
    Double(format.slotsPerUnit) / Double(format.framesPerUnit)
  }

  private func frames(in slots: Int64) -> Int64 { format.frames(inSlots: slots) }

  /// The recording's number of the frame that begins at a slot; slots before the base count back.
  private func frame(of slot: Int64) -> Int64 {
    let units = (slot - baseSlot) / unit - ((slot - baseSlot) % unit < 0 ? 1 : 0)
    return baseFrame + units * Int64(format.framesPerUnit)
  }
}
