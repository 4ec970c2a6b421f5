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
  }

  let format: SlotFormat
  let size: Int64
  let hasCycle: Bool
  let isGated: Bool
  let slotRate: Double
  private let blockFrames: Int64

  var watch: PositionWatch
  /// The next slot to read, in the device's count.
  var cursor: Int64 = 0
  /// Slot `baseSlot` is frame `baseFrame` of the recording.
  var baseSlot: Int64 = 0
  var baseFrame: Int64 = 0
  private var hasBegun = false
  /// The last position seen and when.
  var seen: Int64 = 0
  var seenAt = Bracket(before: 0, after: 0)
  /// When the position was last seen to have moved: a circuit that is halted latches no more.
  var movedAt = Bracket(before: 0, after: 0)
  /// Slots written from poll to poll, single late polls aside.
  private var pace: Int64 = 0
  /// Slots behind the cursor not to ask for: without a cycle tag a poll brings what lies between
  /// the slot asked for and the index, so that a slot about to be overwritten would bring nothing
  /// but what came since.
  var ahead: Int64 = 0
  /// Where the store stood when it was found behind the clock, slots; nil: it runs.
  ///
  /// Seen there again, all before belongs to the present segment. Otherwise it may have paused
  /// anywhere since the last position that agreed with the clock.
  var pause: Int64?
  /// Whether the store began anew and stands at its beginning since.
  var beganAnew = false
  /// Up to where a store that stands still may have written before it did.
  private var mostWritten: Int64 = 0
  /// The trigger that makes the store begin anew, and where it stood, until it has moved.
  var restart: (trigger: Bracket, slot: Int64)?
  /// The store began anew under the last transfer; what follows begins a new segment.
  var isSuspect = false

  /// - Parameter attributes: the buffer as opened; a resize needs a new reader.
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
  public var nextSlot: Int64 { hasBegun ? cursor + ahead : .max }

  /// The recording's number of the next frame to be delivered.
  public var nextFrame: Int64 { frame(of: cursor) }

  /// The device's count of the frame that is the recording's frame 0 in the present segment.
  public var deviceFrameOfZero: Int64 { format.frames(inSlots: baseSlot) - baseFrame }

  /// Skips everything pending: the next frame delivered is the first one written from now on.
  public mutating func skipPending() {
    cursor = max(cursor, seen / unit * unit)
    ahead = 0
  }

  /// Says that a trigger has just been fired that enables the store and resets its position
  /// (`gated`): what is found from now on, if it can have been written since, is counted from index
  /// 0 on, even if the position lies beyond the last one.
  public mutating func expectRestart(after trigger: Bracket) { restart = (trigger, seen) }

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
    let reading = resolved(ring, first: first, second: second)
    step.repairedRace = reading.isRepaired
    step.fill = max(0, Double(reading.first - cursor) / Double(size))

    // Words count only if the ring was the same one until the second position.
    var isHeld = reading.second < reading.first
    let behind = watch.deviation(of: reading.first, first)
    if isSuspect || reading.isLost || behind != 0 || hasRestarted(reading.first) {
      let found = digestBreak(reading, behind: behind, first: first, second: second)
      step.loss = found.loss
      step.standsStill = found.standsStill
      step.beginsSegment = found.loss != nil
      isHeld = isHeld || found.isHeld
      mostWritten = found.loss == nil ? max(mostWritten, found.mostWritten) : 0
    } else {
      watch.take(reading.first, first)
      pause = nil
      beganAnew = false
      mostWritten = 0
      step.isClockReading = true
      if !reading.isSecondLost, watch.deviation(of: reading.second, second) == 0 {
        watch.take(reading.second, second)
      } else {
        isHeld = true
      }
    }
    note(reading, first: first, second: second)
    if !isHeld { deliver(ring, reading, wholeBlocks: wholeBlocks, &step) }
    step.sample = frame(of: reading.first)
    step.pending = max(0, frame(of: reading.first) - frame(of: cursor))
    return step
  }

  /// Remembers what the next poll is held against.
  private mutating func note(_ reading: RingReading, first: Bracket, second: Bracket) {
    let last = reading.isSecondLost ? reading.first : max(reading.first, reading.second)
    let advance = max(0, last - seen)
    pace = pace == 0 ? advance : min(advance, pace + pace / 4 + unit)
    isSuspect = reading.second < reading.first
    if reading.second > reading.first {
      movedAt = reading.isSecondLost ? first : second
    } else if reading.first != seen {
      movedAt = first
    }
    seen = last
    seenAt = isSuspect || reading.isSecondLost ? first : second
  }

  private mutating func begin(_ ring: Poll.Ring, first: Bracket, second: Bracket) {
    let position = hasCycle ? ring.first.slots(size: Int(size)) : Int64(ring.first.index)
    watch.restart()
    watch.take(position, first)
    seen = position
    seenAt = first
    movedAt = first
    baseSlot = position / unit * unit
    cursor = baseSlot
    baseFrame = 0
    // The two positions of a torn first poll disagree: begin with the next one.
    let after = resolved(ring, first: first, second: second)
    hasBegun = !after.isRepaired && after.second >= position
    if hasBegun { note(after, first: first, second: second) }
  }

  // MARK: - Delivery

  /// Narrows the words delivered to those that are new, written and not overwritten.
  private mutating func deliver(
    _ ring: Poll.Ring, _ reading: RingReading, wholeBlocks: Bool, _ step: inout Step
  ) {
    let start = ring.start &+ reading.shift
    let block = format.slots(ofFrames: blockFrames)
    // What is overwritten, or possibly so, or was not asked for.
    let isLeftOut = start > cursor && start - cursor <= ahead
    let oldest = max(max(reading.second, mostWritten) - size, isLeftOut ? start : cursor)
    if oldest > cursor {
      // The loss ends with a whole block.
      let lost = (oldest - cursor + block - 1) / block * block
      let missing = Loss(
        first: nextFrame, count: frames(in: lost),
        reason: mostWritten <= reading.second ? .overrun : isGated ? .gate : .stall,
        uncertainty: 0)
      cursor += lost
      step.loss?.count += missing.count
      step.loss = step.loss ?? missing
    }
    let isLapped = !hasCycle && start > cursor
    ahead = isLapped ? min(pace + pace / 4 + unit, size / 2) / unit * unit : 0
    step.firstFrame = nextFrame
    let end = min(reading.first, ring.count == 0 ? cursor : start + Int64(ring.count))
    guard start <= cursor, end > cursor else { return }
    let granule = wholeBlocks ? block : unit
    let count = (end - cursor) / granule * granule
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
