import Clocks
import Samples

/// A DSP buffer that is read: the library's `DSPBuffer` for input.
///
/// Owned by the thread that owns the circuit; every call blocks until the device has answered.
/// Reading begins with the first call: frame 0 is the first one written after it.
public final class InputBuffer {
  public private(set) var attributes: BufferAttributes

  let circuit: any Circuit
  private var reader: RingReader
  private var decoder: SlotDecoder
  private var poll: Poll
  /// A whole ring's words; freed with the buffer.
  private let words: UnsafeMutableBufferPointer<UInt32>
  /// Found and not yet reported with a read.
  private var losses: [RingReader.Loss] = []
  /// Polls whose frames may have the old scaling factor or the new one.
  private var uncertainPolls = 0
  /// Frames before this one may have either.
  private var uncertainUntil: Int64 = 0
  /// Frames written so far and not yet read, at the last poll.
  private(set) var lastPending: Int64 = 0
  /// The recording's number of the next frame to be written, at the last poll.
  private(set) var lastSample: Int64 = 0

  /// Reads a buffer of a circuit.
  ///
  /// - Parameters:
  ///   - attributes: the buffer as opened.
  ///   - circuit: that has it.
  ///   - latch: the software trigger that latches its position, or nil.
  public init(_ attributes: BufferAttributes, on circuit: any Circuit, latch: Int? = nil) {
    self.attributes = attributes
    self.circuit = circuit
    reader = RingReader(attributes, isLatched: latch != nil)
    decoder = SlotDecoder(
      format: attributes.format, scalingFactor: attributes.scalingFactor)
    words = .allocate(capacity: attributes.maximumSlots)
    words.initialize(repeating: 0)
    poll = Poll(
      latch: latch,
      rings: [
        Poll.Ring(tags: attributes.ringTags, size: attributes.slots, destination: words)
      ],
      tags: attributes.variableTags.map(\.tag))
  }

  /// Looks a buffer up and reads it.
  ///
  /// - Throws: a ``BufferError`` that names the buffer and what is allowed, or the
  ///   ``DeviceError`` of a call.
  public convenience init(
    opening request: BufferRequest, on circuit: any Circuit, latch: Int? = nil
  ) throws {
    self.init(
      try BufferAttributes(opening: request, on: circuit), on: circuit, latch: latch)
  }

  deinit { words.deallocate() }

  /// The recording's number of the next frame to be read.
  public var nextFrame: Int64 { reader.nextFrame }

  // MARK: - Reading

  /// Frames written and not yet read.
  public func pending() throws -> Int {
    try look()
    return Int(lastPending)
  }

  /// Whole blocks written and not yet read.
  public func blocksPending() throws -> Int { try pending() / attributes.blockSize }

  /// Reads every whole block there is.
  public func read() throws -> SampleBlock { try take(wholeBlocks: true) }

  /// Reads every frame there is, whole block or not.
  public func readAll() throws -> SampleBlock { try take(wholeBlocks: false) }

  /// Reads so many frames, rounded down to whole blocks; fewer only if some were overwritten, which
  /// the block then reports.
  ///
  /// - Precondition: `samples` is not negative.
  /// - Throws: ``BufferError/Kind/notPending`` when more is asked for than is pending.
  public func read(samples: Int) throws -> SampleBlock {
    precondition(samples >= 0, "a number of samples is not negative")
    if samples > lastPending { try look() }
    guard samples <= lastPending else {
      throw error(
        .notPending, "\(samples) samples were asked for, but \(lastPending) are pending")
    }
    return try take(
      most: samples / attributes.blockSize * attributes.blockSize, wholeBlocks: true)
  }

  /// Skips everything pending: the next frame read is the first one written from now on. Losses
  /// not yet reported are forgotten.
  public func resetRead() throws {
    try look()
    reader.skipPending()
    losses.removeAll()
    lastPending = 0
  }

  /// Changes the ring's size; reading starts anew.
  ///
  /// - Throws: ``BufferError`` when the size is not allowed, else the call's ``DeviceError``.
  public func resize(to size: Int) throws {
    try attributes.resize(to: size, on: circuit)
    reader = RingReader(attributes, isLatched: poll.latch != nil)
    losses.removeAll()
    lastPending = 0
    poll.rings[0].size = attributes.slots
  }

  /// Says that a trigger has just been fired that resets the store (`gated`).
  func expectRestart(after trigger: Bracket) { reader.expectRestart(after: trigger) }

  /// Reads at most so many frames; nil: no bound.
  func take(most: Int? = nil, wholeBlocks: Bool) throws -> SampleBlock {
    let ring = attributes.slots
    let room = most.map { Int(attributes.format.slots(ofFrames: Int64($0))) } ?? ring
    var step = RingReader.Step()
    // A position that makes no sense holds the words back; the next poll tells.
    for _ in 0..<3 {
      step = try pollOnce(room: min(room, ring), wholeBlocks: wholeBlocks)
      if step.slots > 0 || step.loss != nil || room == 0 { break }
      let isDone = wholeBlocks ? step.pending < attributes.blockSize : step.pending == 0
      if isDone, !step.isUnsettled { break }
    }
    return try decoded(step)
  }

  /// Looks at the position; transfers nothing.
  private func look() throws { _ = try pollOnce(room: 0, wholeBlocks: true) }

  private func pollOnce(room: Int, wholeBlocks: Bool) throws -> RingReader.Step {
    poll.rings[0].from = reader.nextSlot
    poll.rings[0].destination = UnsafeMutableBufferPointer(rebasing: words[..<room])
    do {
      try circuit.poll(&poll)
    } catch {
      reader.missAnswer()
      throw error
    }
    try checkTags()
    let step = reader.digest(
      poll.rings[0], first: poll.firstLatch, second: poll.secondLatch, wholeBlocks: wholeBlocks)
    if let loss = step.loss { losses.append(loss) }
    lastPending = step.pending
    lastSample = step.sample
    if uncertainPolls > 0 {
      if !step.isUnsettled { uncertainPolls -= 1 }
      uncertainUntil = step.sample
    }
    return step
  }

  private func decoded(_ step: RingReader.Step) throws -> SampleBlock {
    let format = attributes.format
    let source = UnsafeBufferPointer(rebasing: words[step.offset..<step.offset + step.slots])
    let length = decoder.byteCount(ofSlots: step.slots)
    defer { losses.removeAll(keepingCapacity: true) }
    do {
      // Memory of an array is aligned for every sample type.
      let bytes = try [UInt8](unsafeUninitializedCapacity: length) { bytes, count in
        try decoder.decode(
          source, into: UnsafeMutableRawBufferPointer(start: bytes.baseAddress, count: length))
        count = length
      }
      return SampleBlock(
        firstFrame: step.slots > 0 ? step.firstFrame : reader.nextFrame,
        frameCount: Int(format.frames(inSlots: Int64(step.slots))), channels: format.channels,
        type: format.destination, bytes: bytes, losses: losses,
        isScalingUncertain: step.firstFrame < uncertainUntil)
    } catch let misfit as SampleRangeError {
      throw error(
        .outOfRange,
        "frame \(step.firstFrame + Int64(misfit.frame)), channel \(misfit.channel): "
          + "\(misfit.value) does not fit \(misfit.destination.rawValue)")
    }
  }

  /// Notices a scaling factor, size or decimation that changed while the circuit ran.
  private func checkTags() throws {
    for (index, (tag, expected)) in attributes.variableTags.enumerated() {
      let value = Double(poll.values[index])
      guard value != expected else { continue }
      guard tag == attributes.scalingTag, !attributes.format.destination.isInteger, value > 0,
        value.isFinite
      else {
        throw error(
          .changed, "tag \(tag) changed from \(expected) to \(value): open the buffer again")
      }
      // The tag is read after the latch: frames of this poll and of the next may have either.
      attributes.scalingFactor = value
      decoder = SlotDecoder(format: attributes.format, scalingFactor: value)
      uncertainPolls = 2
    }
  }

  func error(_ kind: BufferError.Kind, _ message: String) -> BufferError {
    BufferError(buffer: attributes.name, kind: kind, message: message)
  }
}

extension BufferAttributes {
  /// The tags whose change would change the meaning of the words, with the values they should have
  /// (as float32, as they travel).
  var variableTags: [(tag: String, expected: Double)] {
    [
      (scalingTag, Double(Float(scalingFactor))), (sizeTag, Double(slots)),
      (decimationTag, Double(decimation)),
    ].compactMap { tag, value in tag.map { ($0, value) } }
  }
}
