/// How strong one channel was over some time, in values (code / sf).
public struct ChannelLevel: Sendable, Equatable {
  /// Root of the mean square, an offset included. Not-a-number without samples, as are the others.
  public let rms: Double
  public let minimum: Double
  public let maximum: Double
  /// Codes at either limit of the type; of a float store, samples that are not finite.
  public let clipped: Int
  public let frames: Int
}

/// Levels of every channel of a ring, taken from the slots themselves: exact whatever is stored.
///
/// Adding a block costs about a nanosecond a sample and allocates nothing.
public struct ChannelLevels: Sendable {
  public let format: SlotFormat
  public let scalingFactor: Double
  /// Frames added since the last reset.
  public private(set) var frames = 0

  /// Accumulators in memory order. A row holds several frames if channels are few, so that the
  /// loops are long enough to be worth vectorising; ``level(of:)`` folds them together.
  private let width: Int
  private var squares: [Double]
  private var clipped: [Int32]
  private var minima: [Double]
  private var maxima: [Double]

  /// - Precondition: the format is valid and the scaling factor positive and finite.
  public init(format: SlotFormat, scalingFactor: Double) {
    precondition(format.isValid, "no slots have this format")
    precondition(scalingFactor > 0 && scalingFactor.isFinite, "not a scaling factor")
    self.format = format
    self.scalingFactor = scalingFactor
    let framesPerRow = max(1, 64 / format.channels) * format.framesPerUnit
    width = format.channels * framesPerRow
    squares = [Double](repeating: 0, count: width)
    clipped = [Int32](repeating: 0, count: width)
    minima = [Double](repeating: .infinity, count: width)
    maxima = [Double](repeating: -.infinity, count: width)
  }

  /// Forgets everything added.
  public mutating func reset() {
    frames = 0
    for lane in 0..<width {
      squares[lane] = 0
      clipped[lane] = 0
      minima[lane] = .infinity
      maxima[lane] = -.infinity
    }
  }

  /// Adds whole units of slots.
  public mutating func add(_ slots: UnsafeBufferPointer<UInt32>) {
    precondition(slots.count % format.slotsPerUnit == 0, "slots come in whole frames")
    switch format.source {
    case .float32: slots.withMemoryRebound(to: Float.self) { addFloats($0) }
    case .int32: slots.withMemoryRebound(to: Int32.self) { addCodes($0) }
    case .int16: slots.withMemoryRebound(to: Int16.self) { addCodes($0) }
    case .int8: slots.withMemoryRebound(to: Int8.self) { addCodes($0) }
    }
    frames += slots.count * format.source.samplesPerSlot / format.channels
  }

  /// Adds what another accumulator of the same format and scaling factor has seen.
  public mutating func merge(_ other: ChannelLevels) {
    precondition(
      other.format == format && other.scalingFactor == scalingFactor, "levels of another ring")
    frames += other.frames
    for lane in 0..<width {
      squares[lane] += other.squares[lane]
      clipped[lane] += other.clipped[lane]
      minima[lane] = min(minima[lane], other.minima[lane])
      maxima[lane] = max(maxima[lane], other.maxima[lane])
    }
  }

  /// The level of one channel since the last reset.
  public func level(of channel: Int) -> ChannelLevel {
    precondition((0..<format.channels).contains(channel), "no such channel")
    // Samples of a slot lie in memory in the reverse order if the first is the most significant.
    let reversal = format.packOrder == .msb ? format.source.samplesPerSlot - 1 : 0
    var (sum, low, high, count) = (0.0, Double.infinity, -Double.infinity, 0)
    for sample in stride(from: channel, to: width, by: format.channels) {
      let lane = sample ^ reversal
      sum += squares[lane]
      low = min(low, minima[lane])
      high = max(high, maxima[lane])
      count += Int(clipped[lane])
    }
    // Samples that are not finite count as clipped and as nothing else.
    let measured = format.source == .float32 ? frames - count : frames
    guard measured > 0 else {
      return ChannelLevel(
        rms: .nan, minimum: .nan, maximum: .nan, clipped: count, frames: frames)
    }
    return ChannelLevel(
      rms: (sum / Double(measured)).squareRoot() / scalingFactor,
      minimum: low / scalingFactor, maximum: high / scalingFactor,
      clipped: count, frames: frames)
  }

  private mutating func addCodes<Code: FixedWidthInteger & SignedInteger>(
    _ lanes: UnsafeBufferPointer<Code>
  ) {
    addRows(
      lanes, value: { Double($0) }, isClipped: { $0 == Code.min || $0 == Code.max },
      low: { Double($0) }, high: { Double($0) })
  }

  private mutating func addFloats(_ lanes: UnsafeBufferPointer<Float>) {
    addRows(
      lanes, value: { $0.isFinite ? Double($0) : 0 }, isClipped: { !$0.isFinite },
      low: { $0.isFinite ? Double($0) : .infinity },
      high: { $0.isFinite ? Double($0) : -.infinity })
  }

  @inline(__always)
  private mutating func addRows<Lane>(
    _ lanes: UnsafeBufferPointer<Lane>, value: (Lane) -> Double, isClipped: (Lane) -> Bool,
    low: (Lane) -> Double, high: (Lane) -> Double
  ) {
    guard let base = lanes.baseAddress else { return }
    for start in stride(from: 0, to: lanes.count, by: width) {
      let row = base + start
      let count = min(width, lanes.count - start)
      // Two loops of two accumulators each: with four in one the vectoriser gives up.
      squares.withUnsafeMutableBufferPointer { squares in
        clipped.withUnsafeMutableBufferPointer { clipped in
          guard let squares = squares.baseAddress, let clipped = clipped.baseAddress else { return }
          for lane in 0..<count {
            let value = value(row[lane])
            squares[lane] += value * value
            clipped[lane] &+= isClipped(row[lane]) ? 1 : 0
          }
        }
      }
      minima.withUnsafeMutableBufferPointer { minima in
        maxima.withUnsafeMutableBufferPointer { maxima in
          guard let minima = minima.baseAddress, let maxima = maxima.baseAddress else { return }
          for lane in 0..<count {
            let low = low(row[lane])
            let high = high(row[lane])
            minima[lane] = low < minima[lane] ? low : minima[lane]
            maxima[lane] = high > maxima[lane] ? high : maxima[lane]
          }
        }
      }
    }
  }
}
