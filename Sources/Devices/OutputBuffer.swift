public import Clocks
import Samples

/// A DSP buffer that is played: the library's `DSPBuffer` for output.
///
/// A store has its first value on the output before it is enabled, wraps at its end, and plays
/// stale values again when it has not been written in time, without any sign: only its position
/// tells, so it is looked at with every call. Values are [frame, channel]; a code is
/// `round(value · sf)`, and values beyond the type are saturated and counted.
///
/// Either ``set(_:)`` a waveform that the circuit plays when triggered, or ``write(_:at:)``
/// continuously. Offsets count frames since the circuit ran. Owned by the thread that owns the
/// circuit; every call blocks until the device has answered.
public final class OutputBuffer {
  public private(set) var attributes: BufferAttributes
  /// Samples that did not fit the type of the store, so far.
  public private(set) var saturatedSamples = 0
  /// How often the store ran dry, and for how many frames in all.
  public private(set) var underruns = 0
  public private(set) var underrunFrames: Int64 = 0
  /// The offset of the next frame to be queued.
  public private(set) var nextOffset: Int64 = 0
  /// The offset of the next frame to be played, at the last call.
  public private(set) var playedOffset: Int64 = 0
  /// The frame that was to be played next when it was read; nil before the first look.
  public private(set) var lastPosition: (frame: Int64, bracket: Bracket)?

  private let circuit: any Circuit
  /// Whether anything was queued.
  private var hasBegun = false
  /// Follows the position: nothing is read.
  private var position: RingReader
  private var poll: Poll
  /// The longest that a write took, and that clearing the buffer took, ns.
  private var writeTime: Nanoseconds = 0
  private var clearTime: Nanoseconds = 0

  /// Writes a buffer of a circuit.
  public init(_ attributes: BufferAttributes, on circuit: any Circuit) {
    self.attributes = attributes
    self.circuit = circuit
    position = RingReader(attributes)
    poll = Self.poll(of: attributes)
  }

  // MARK: - Epochs

  /// Checks whether a waveform of so many frames can be ``set(_:)``; touches nothing.
  public func check(frames: Int) throws(BufferError) {
    let format = attributes.format
    guard frames % format.framesPerUnit == 0 else {
      throw error(
        .badSize,
        "\(frames) frames do not fill whole slots of \(format.source.rawValue); allowed: multiples "
          + "of \(format.framesPerUnit)")
    }
    guard attributes.sizeTag != nil || frames == attributes.size else {
      throw error(
        .badSize,
        "\(frames) frames are not allowed: exactly \(attributes.size), for the circuit has no tag "
          + "\(attributes.dataTag)_n that sets the size (another name: size_tag)")
    }
    // An index is a float32 scalar: exact up to 2^24.
    let most = format.frames(inSlots: Int64(min(attributes.maximumSlots, 1 << 24)))
    guard (1...most).contains(Int64(frames)) else {
      throw error(
        .badSize,
        "\(frames) frames are not allowed: 1 … \(most), what the circuit has memory for")
    }
  }

  /// Puts a waveform into the idle store, from its first slot on, for the circuit to play.
  ///
  /// - Parameter waveform: [frame, channel]; as long as the buffer, or shorter or longer within its
  ///   memory when the circuit has a size tag.
  /// - Throws: ``BufferError`` when the length is not allowed, else the call's ``DeviceError``.
  public func set(_ waveform: [Float]) throws {
    let frames = try frameCount(of: waveform)
    try check(frames: frames)
    try attributes.resize(to: frames, on: circuit)
    position = RingReader(attributes)
    poll = Self.poll(of: attributes)
    try encoded(waveform) { words throws(DeviceError) in
      _ = try circuit.write(
        words, to: attributes.ringTags, size: attributes.slots, from: 0)
    }
    nextOffset = Int64(frames)
    playedOffset = 0
  }

  /// Fills exactly the buffer with zeros.
  public func clear() throws(DeviceError) {
    let zeros = [UInt32](repeating: 0, count: attributes.slots)
    try withWords(zeros) { words throws(DeviceError) in
      let (_, bracket) = try circuit.write(
        words, to: attributes.ringTags, size: attributes.slots, from: 0)
      clearTime = max(clearTime, bracket.after - bracket.before)
    }
  }

  /// Samples of a waveform that do not fit the type of the store.
  public func saturatedSamples(in waveform: [Float]) -> Int {
    let format = attributes.format
    guard format.source.isInteger else { return 0 }
    let rest = waveform.count % (format.channels * format.framesPerUnit)
    let padding = rest == 0 ? 0 : format.channels * format.framesPerUnit - rest
    return encode(waveform + Array(repeating: 0, count: padding)).saturated
  }

  // MARK: - Continuous output

  /// Frames that can be queued without overwriting one that is still to be played, behind what is
  /// queued or from an offset on.
  public func available(at offset: Int64? = nil) throws -> Int {
    try look()
    return try free(from: offset ?? nextOffset)
  }

  /// Whole blocks that can be queued.
  public func blocksAvailable(at offset: Int64? = nil) throws -> Int {
    try available(at: offset) / attributes.blockSize
  }

  /// Queues frames behind what is queued, or from an offset on in place of all that is queued there
  /// and behind it.
  ///
  /// After an underrun writing goes on as far ahead of the position as a write takes; what is played
  /// until there is stale as well.
  ///
  /// - Parameters:
  ///   - values: [frame, channel]; as many as are available, or fewer.
  ///   - offset: of the first frame; nil: ``nextOffset``.
  /// - Returns: the offset of the first frame queued, and the call's bracket.
  /// - Throws: ``BufferError/Kind/notPending`` when more is offered than is available,
  ///   ``BufferError/Kind/notQueued`` for an offset that has been played or leaves a hole, else the
  ///   call's ``DeviceError``.
  @discardableResult
  public func write(
    _ values: [Float], at offset: Int64? = nil
  ) throws -> (offset: Int64, bracket: Bracket) {
    let frames = try frameCount(of: values)
    try look()
    let start = offset ?? nextOffset
    let room = try free(from: start)
    guard frames <= room else {
      throw error(.notPending, "\(frames) samples were offered, but \(room) are available")
    }
    return try put(values, at: start)
  }

  /// Queues what is asked of `values`: as many frames as are available, whole blocks, `most` or
  /// fewer.
  ///
  /// - Returns: the offset of the first frame queued; nil when none are available.
  public func fill(most: Int, with values: (Int) -> [Float]) throws -> Int64? {
    try look()
    let block = attributes.blockSize
    let frames = min(try free(from: nextOffset), most) / block * block
    return frames > 0 ? try put(values(frames), at: nextOffset).offset : nil
  }

  private func put(
    _ values: [Float], at start: Int64
  ) throws -> (offset: Int64, bracket: Bracket) {
    let slot = attributes.format.slots(ofFrames: start)
    hasBegun = true
    let answer = try encoded(values) { words throws(DeviceError) in
      try circuit.write(words, to: attributes.ringTags, size: attributes.slots, from: slot)
    }
    writeTime = max(writeTime, answer.bracket.after - answer.bracket.before)
    nextOffset = start + Int64(try frameCount(of: values))
    // What was due before it arrived ran dry too. A lap more is seen by the next look.
    let played = frame(atIndex: answer.position.index)
    if played > start {
      underruns += 1
      underrunFrames += min(played, nextOffset) - start
    }
    return (start, answer.bracket)
  }

  /// The frame to be played next at an index less than a lap after the last look.
  private func frame(atIndex index: Int) -> Int64 {
    let size = Int64(attributes.slots)
    let slots = Int64(index) - attributes.format.slots(ofFrames: playedOffset) % size
    return playedOffset + attributes.format.frames(inSlots: (slots + size) % size)
  }

  /// Looks at the position: what is played, and whether the store ran dry.
  public func look() throws {
    poll.rings[0].from = .max
    try circuit.poll(&poll)
    _ = position.digest(poll.rings[0], first: poll.firstLatch, second: poll.secondLatch)
    let played = position.deviceFrame
    lastPosition = tightestReading(played)
    let wasReset = played < playedOffset
    playedOffset = played
    if !hasBegun {
      // What a running store played before anything was queued is nobody's loss.
      if played > nextOffset { nextOffset = played + firstLead }
    } else if wasReset || played > nextOffset {
      underruns += 1
      underrunFrames += (wasReset ? 0 : played - nextOffset) + lead
      nextOffset = played + lead
    }
  }

  /// Whichever of the last poll's two readings took less time.
  private func tightestReading(_ played: Int64) -> (frame: Int64, bracket: Bracket) {
    let (ring, first, second) = (poll.rings[0], poll.firstLatch, poll.secondLatch)
    let size = attributes.slots
    guard position.seenAt == second, first.after - first.before < second.after - second.before
    else { return (played, position.seenAt) }
    let moved = (ring.second.index - ring.first.index + size) % size
    return (played - attributes.format.frames(inSlots: Int64(moved)), first)
  }

  /// Frames that are played while a write is under way, and the position after it is read.
  private var lead: Int64 { frames(during: 0.002 + Double(2 * writeTime) * 1e-9) }

  /// Frames that are played before the first ones queued, in a store that runs: nobody waits for
  /// them, so that even a slow write is in time.
  private var firstLead: Int64 {
    frames(during: max(min(0.05, attributes.sampleTime / 4), Double(clearTime) * 1e-9))
  }

  /// In whole units, rounded up.
  private func frames(during seconds: Double) -> Int64 {
    let unit = Int64(attributes.format.framesPerUnit)
    return (Int64(seconds * attributes.rate) / unit + 1) * unit
  }

  private func free(from offset: Int64) throws(BufferError) -> Int {
    guard offset >= playedOffset, offset <= nextOffset else {
      throw error(
        .notQueued,
        "offset \(offset) is not allowed: \(playedOffset) … \(nextOffset), what is queued")
    }
    guard offset % Int64(attributes.format.framesPerUnit) == 0 else {
      throw error(
        .notQueued,
        "offset \(offset) is not allowed: multiples of \(attributes.format.framesPerUnit)")
    }
    return max(0, attributes.size - Int(offset - playedOffset))
  }

  // MARK: - Words

  private func frameCount(of values: [Float]) throws(BufferError) -> Int {
    let (channels, unit) = (attributes.format.channels, attributes.format.framesPerUnit)
    guard values.count % (channels * unit) == 0 else {
      throw error(
        .badSize,
        channels > 1
          ? "\(values.count) values are no whole number of frames; allowed: multiples of "
            + "\(channels), the channels"
          : "\(values.count) frames do not fill whole slots; allowed: multiples of \(unit)")
    }
    return values.count / channels
  }

  private func encoded<Result>(
    _ values: [Float],
    _ body: (UnsafeBufferPointer<UInt32>) throws(DeviceError) -> Result
  ) throws(DeviceError) -> Result {
    let (words, saturated) = encode(values)
    saturatedSamples += saturated
    return try withWords(words, body)
  }

  private func encode(_ values: [Float]) -> (words: [UInt32], saturated: Int) {
    let encoder = SlotEncoder(
      format: attributes.format, scalingFactor: attributes.scalingFactor)
    var words = [UInt32](
      repeating: 0, count: values.count / attributes.format.source.samplesPerSlot)
    let saturated = words.withUnsafeMutableBufferPointer { words in
      values.withUnsafeBufferPointer { encoder.encode($0, into: words) }
    }
    return (words, saturated)
  }

  private func withWords<Result>(
    _ words: [UInt32], _ body: (UnsafeBufferPointer<UInt32>) throws(DeviceError) -> Result
  ) throws(DeviceError) -> Result {
    try words.withUnsafeBufferPointer { words throws(DeviceError) in try body(words) }
  }

  private static func poll(of attributes: BufferAttributes) -> Poll {
    // An output's position is not latched.
    Poll(
      latch: nil,
      rings: [
        Poll.Ring(
          tags: attributes.ringTags, size: attributes.slots,
          destination: UnsafeMutableBufferPointer(start: nil, count: 0))
      ])
  }

  private func error(_ kind: BufferError.Kind, _ message: String) -> BufferError {
    BufferError(buffer: attributes.name, kind: kind, message: message)
  }
}
