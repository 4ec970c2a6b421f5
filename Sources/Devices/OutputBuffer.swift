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

  private let circuit: any Circuit
  /// Whether anything was queued.
  private var hasBegun = false
  /// Follows the position: nothing is read.
  private var position: RingReader
  private var poll: Poll
  /// The longest that a write took, ns.
  private var writeTime: Nanoseconds = 0

  /// Writes a buffer of a circuit.
  public init(_ attributes: BufferAttributes, on circuit: any Circuit) {
    self.attributes = attributes
    self.circuit = circuit
    position = RingReader(attributes)
    poll = Self.poll(of: attributes)
  }

  // MARK: - Epochs

  /// Puts a waveform into the idle store, from its first slot on, for the circuit to play.
  ///
  /// - Parameter waveform: [frame, channel]; as long as the buffer, or shorter or longer within its
  ///   memory when the circuit has a size tag.
  /// - Throws: ``BufferError`` when the length is not allowed, else the call's ``DeviceError``.
  public func set(_ waveform: [Float]) throws {
    let frames = try frameCount(of: waveform)
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
      _ = try circuit.write(words, to: attributes.ringTags, size: attributes.slots, from: 0)
    }
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
  /// After an underrun writing goes on as far ahead of the position as a write takes.
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
    let slot = attributes.format.slots(ofFrames: start)
    hasBegun = true
    let answer = try encoded(values) { words throws(DeviceError) in
      try circuit.write(words, to: attributes.ringTags, size: attributes.slots, from: slot)
    }
    writeTime = max(writeTime, answer.bracket.after - answer.bracket.before)
    nextOffset = start + Int64(frames)
    try look(writtenFrom: start)
    return (start, answer.bracket)
  }

  /// Looks at the position and counts an underrun.
  ///
  /// `writtenFrom`: the offset of what was just written; what was due before it arrived ran dry too.
  private func look(writtenFrom start: Int64? = nil) throws {
    poll.rings[0].from = .max
    try circuit.poll(&poll)
    _ = position.digest(poll.rings[0], first: poll.firstLatch, second: poll.secondLatch)
    let played = position.deviceFrame
    let wasReset = played < playedOffset
    playedOffset = played
    if !hasBegun {
      // What a running store played before anything was queued is nobody's loss.
      if played > nextOffset { nextOffset = played + lead }
    } else if wasReset || played > nextOffset {
      underruns += 1
      if !wasReset { underrunFrames += played - nextOffset }
      nextOffset = played + lead
    } else if let start, played > start {
      underruns += 1
      underrunFrames += played - start
    }
  }

  /// Frames that are played while a write is under way, in whole units.
  private var lead: Int64 {
    let unit = Int64(attributes.format.framesPerUnit)
    let frames = Int64(Double(2 * writeTime) * 1e-9 * attributes.rate)
    return (frames / unit + 1) * unit
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
    let format = attributes.format
    let frames = values.count / format.channels
    guard values.count % format.channels == 0, frames % format.framesPerUnit == 0 else {
      throw error(
        .badSize,
        "\(values.count) values are no whole number of frames: allowed are multiples of "
          + "\(format.channels * format.framesPerUnit)")
    }
    return frames
  }

  private func encoded<Result>(
    _ values: [Float],
    _ body: (UnsafeBufferPointer<UInt32>) throws(DeviceError) -> Result
  ) throws(DeviceError) -> Result {
    let encoder = SlotEncoder(
      format: attributes.format, scalingFactor: attributes.scalingFactor)
    var words = [UInt32](
      repeating: 0, count: values.count / attributes.format.source.samplesPerSlot)
    saturatedSamples += words.withUnsafeMutableBufferPointer { words in
      values.withUnsafeBufferPointer { encoder.encode($0, into: words) }
    }
    return try withWords(words, body)
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
