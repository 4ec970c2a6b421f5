public import Clocks
import Samples

/// Decides, poll by poll, which frames of a ring are valid, which were lost, and where each lies on
/// the recording's frame count. Pure arithmetic: it touches neither device nor clock.
///
/// An overrun is decided after the transfer: whatever the device may have overwritten by the second
/// position is invalid. Positions are held against the clock, so that a lap of exactly one buffer,
/// a torn cycle, a stall and a reset are told apart. Where one poll cannot tell, its words wait for
/// the next one.
public struct RingReader: Sendable {
  /// Frames that are not in the recording, and why.
  public struct Loss: Sendable, Equatable {
    public enum Reason: String, Sendable {
      /// The device overwrote them before they were read.
      case overrun
      /// The store stood still: they were never made, or may have been overwritten before it was
      /// seen to do so.
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

    public init(first: Int64, count: Int64, reason: Reason, uncertainty: Double) {
      self.first = first
      self.count = count
      self.reason = reason
      self.uncertainty = uncertainty
    }
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
    /// Frames stored by the first latch, in the recording's count.
    public var sample: Int64 = 0
    /// Whether that agrees with the clock, so that it is a reading of the circuit's clock.
    public var isClockReading = false
    /// Whether the recording's frames continue from here on at a place that the clock chose.
    public var beginsSegment = false
    /// Whether the store stands still though the clock goes on.
    public var standsStill = false
    /// Whether the next poll must tell what the store does; until then nothing is delivered.
    public var isUnsettled = false
  }

  /// What a store is taken to do, from the positions so far.
  enum Course {
    /// Its positions follow the clock since the segment began.
    case running
    /// It stands still where it was last seen: twice, and long enough apart.
    case standing
    /// Its positions do not follow from the ones before; the next ones tell what it does.
    case broken(Found)
  }

  let format: SlotFormat
  let size: Int64
  let hasCycle: Bool
  let isGated: Bool
  let isLatched: Bool
  let slotRate: Double
  private let blockFrames: Int64

  var course = Course.standing
  /// Where the writer must be by now if the present segment goes on.
  var watch: PositionWatch
  /// The next slot to read, in the device's count.
  var cursor: Int64 = 0
  /// Slots before it are known to belong to the present segment.
  var end: Int64 = 0
  /// Slot `baseSlot` is frame `baseFrame` of the recording.
  var baseSlot: Int64 = 0
  var baseFrame: Int64 = 0
  private var hasBegun = false
  /// A position of the present poll says nothing: its laps cannot be counted.
  var isVague = false
  /// The last position seen and when, and when first again.
  var seen: Int64 = 0
  var seenAt = Bracket(before: 0, after: 0)
  var repeatedAt: Bracket?
  /// Without a cycle tag: the laps before the last position were counted by the clock, and no
  /// position since has confirmed that the store ran.
  var isLapGuessed = false
  /// Whether a poll has given no answer since a position agreed with the clock.
  var hasMissedAnswer = false
  /// Up to where a store that stands still may have written before it did.
  var mostWritten: Int64 = 0
  /// The trigger that makes the store begin anew, until it has moved.
  var restart: Bracket?
  /// Slots written from poll to poll, lately; the last one first.
  private var advances: [3 of Int64] = [0, 0, 0]

  /// - Parameters:
  ///   - attributes: the buffer as opened; a resize needs a new reader.
  ///   - isLatched: whether a trigger freezes index and cycle together.
  public init(_ attributes: BufferAttributes, isLatched: Bool = true) {
    self.isLatched = isLatched
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
  public var nextSlot: Int64 {
    guard hasBegun else { return .max }
    switch course {
    case .running: return cursor + (hasCycle ? 0 : doomed)
    case .standing: return cursor < end ? cursor : seen
    case .broken(let found): return found.from ?? found.slot
    }
  }

  /// Slots behind the cursor that are likely to be overwritten by the next poll. Without a cycle tag
  /// a poll brings what lies between the slot asked for and the index, so that one that was
  /// overwritten would bring nothing but what came since.
  private var doomed: Int64 {
    // The usual number: a poll that was early or late is no rule.
    let (a, b, c) = (advances[0], advances[1], advances[2])
    let pace = max(min(a, b), min(max(a, b), c))
    return max(0, seen + pace + pace / 4 + unit - size - cursor) / unit * unit
  }

  /// The recording's number of the next frame to be delivered.
  public var nextFrame: Int64 { frame(of: cursor) }

  /// The device's count of the frame that is the recording's frame 0 in the present segment.
  public var deviceFrameOfZero: Int64 { format.frames(inSlots: baseSlot) - baseFrame }

  /// Frames in the device's count at the last position seen.
  public var deviceFrame: Int64 { format.frames(inSlots: seen) }

  /// Skips everything pending: the next frame delivered is the first one written from now on.
  public mutating func skipPending() {
    cursor = max(cursor, end / unit * unit)
  }

  /// Says that a trigger has just been fired that enables the store and resets its position
  /// (`gated`): what is found from now on, if it can have been written since, is counted from index
  /// 0 on, even if the position lies beyond the last one.
  public mutating func expectRestart(after trigger: Bracket) {
    restart = trigger
    course = .standing
  }

  /// Says that a poll gave no answer: it may have latched the position all the same.
  public mutating func missAnswer() { hasMissedAnswer = true }

  /// Takes a poll's answer for this ring, with the poll's brackets.
  ///
  /// Delivers whole blocks only, or every frame there is.
  public mutating func digest(
    _ ring: Poll.Ring, first: Bracket, second: Bracket, wholeBlocks: Bool = true
  ) -> Step {
    var step = Step()
    guard hasBegun else {
      begin(ring, first: first, second: second)
      step.isClockReading = hasBegun
      return step
    }
    isVague = false
    let before = seen
    let tears = tears(ring, first: first, second: second)
    step.repairedRace = tears.first != 0 || tears.second != 0

    step.loss = observe(ring.first, tornBy: tears.first, first)
    let position = seen
    if isRunning { end = position }
    step.isClockReading = isRunning && step.loss == nil && !isVague
    if tears.second == 0 {
      step.loss = observe(ring.second, tornBy: 0, second) ?? step.loss
    } else {
      // Torn, or begun anew in the first lap: the next poll tells.
      isVague = true
    }
    step.beginsSegment = step.loss != nil
    advances = [max(0, seen - before), advances[0], advances[1]]
    switch course {
    case .running where isVague: step.isUnsettled = true
    case .running:
      end = position
      step.fill = max(0, Double(position - cursor) / Double(size))
      // A circuit that was halted meanwhile latches no more: it may have written what was due.
      let isOld = isLatched && seen == position && second.after > first.after
      let due = isOld ? Int64(watch.expected(second)?.upperBound ?? 0) - seen : 0
      let written = seen + max(0, due / unit * unit)
      deliver(ring, upTo: position, written: written, wholeBlocks: wholeBlocks, &step)
    case .standing:
      step.standsStill = true
      deliver(ring, upTo: position, written: seen, wholeBlocks: wholeBlocks, &step)
    case .broken: step.isUnsettled = true
    }
    step.sample = frame(of: end)
    step.pending = max(0, frame(of: end) - frame(of: cursor))
    return step
  }

  private var isRunning: Bool { if case .running = course { true } else { false } }

  /// Frame 0 is the one to be written next at the first position, if the second one follows from it.
  private mutating func begin(_ ring: Poll.Ring, first: Bracket, second: Bracket) {
    let slot = hasCycle ? ring.first.slots(size: Int(size)) : Int64(ring.first.index)
    baseSlot = slot / unit * unit
    cursor = baseSlot
    end = baseSlot
    watch = fresh(slot, first)
    seen = slot
    seenAt = first
    repeatedAt = nil
    let found = Found(
      slot: slot, bracket: first, before: slot, after: first, watch: watch, origin: .start,
      reason: isGated ? .gate : .stall)
    course = .broken(found)
    _ = observe(ring.second, tornBy: 0, second)
    guard case .broken(let last) = course else {
      hasBegun = true
      return
    }
    // Two positions that contradict each other, torn ones for example: begin with the next poll.
    hasBegun = last.slot == slot && seen == slot || last.reason == .clock
  }

  /// Remembers a position and when it was seen.
  mutating func note(_ slot: Int64, _ bracket: Bracket) {
    repeatedAt = slot == seen ? repeatedAt ?? bracket : nil
    seen = slot
    seenAt = bracket
  }

  // MARK: - Delivery

  /// Narrows the words delivered, which end at the first position, to those that are new, written and
  /// not overwritten by what was written last.
  ///
  private mutating func deliver(
    _ ring: Poll.Ring, upTo position: Int64, written: Int64, wholeBlocks: Bool,
    _ step: inout Step
  ) {
    // What the device took its position for when it was torn, or has no cycle.
    let available =
      hasCycle
      ? ring.first.slots(size: Int(size)) - ring.start
      : modulo(Int64(ring.first.index) - ring.start)
    let start = position - available
    let granule = wholeBlocks ? format.slots(ofFrames: blockFrames) : unit
    // What is overwritten, or possibly so, or was left out when asking.
    let isLeftOut = !hasCycle && start > cursor && start == ring.start
    let doubtful = isRunning ? .min : min(mostWritten - size, end)
    let oldest = max(written - size, doubtful, isLeftOut ? start : cursor)
    if oldest > cursor {
      // The loss ends with a whole block, if blocks are read.
      let lost = (oldest - cursor + granule - 1) / granule * granule
      let missing = Loss(
        first: nextFrame, count: frames(in: lost),
        reason: doubtful < oldest ? .overrun : isGated ? .gate : .stall,
        uncertainty: 0)
      cursor += lost
      step.loss?.count += missing.count
      step.loss = step.loss ?? missing
    }
    step.firstFrame = nextFrame
    let last = min(end, ring.count == 0 ? cursor : start + Int64(ring.count))
    guard start <= cursor, last > cursor else { return }
    let count = (last - cursor) / granule * granule
    step.offset = Int(cursor - start)
    step.slots = Int(count)
    cursor += count
  }

  var unit: Int64 { Int64(format.slotsPerUnit) }

  func frames(in slots: Int64) -> Int64 { format.frames(inSlots: slots) }

  /// The recording's number of the frame that begins at a slot; slots before the base count back.
  func frame(of slot: Int64) -> Int64 {
    let units = (slot - baseSlot) / unit - ((slot - baseSlot) % unit < 0 ? 1 : 0)
    return baseFrame + units * Int64(format.framesPerUnit)
  }
}
