import Clocks
import Devices
import NWB
import Samples

/// One series on the writer's side: its lane, what decodes it, and what is known of its levels.
struct SeriesInlet {
  let name: String
  let format: SlotFormat
  let rate: Double
  let lane: SampleLane
  private(set) var decoder: SlotDecoder
  private(set) var levels: ChannelLevels
  /// Codes at the limits of the type since the session began, of each channel.
  private(set) var clipped: [Int]
  /// Seconds in which each channel had a single value.
  private(set) var constantSeconds: [Double]
  /// Recording time of frame 0, once known.
  var start: Double?
  /// Host time since when the open chunk holds frames that are not in the file.
  var openSince: Nanoseconds?
  /// Frames that a completed flush covers.
  var flushed: Int64 = 0
  /// The end of a gap that follows what is flushed: nothing waits before it.
  var gapEnd: Int64 = 0
  var framesTaken: Int64 = 0
  /// Host time before which samples that do not fit are no longer said on the console.
  var nextMisfitWarning = Nanoseconds.min

  init(_ attributes: BufferAttributes, lane: SampleLane) {
    name = attributes.name
    format = attributes.format
    rate = attributes.rate
    self.lane = lane
    decoder = SlotDecoder(format: attributes.format, scalingFactor: attributes.scalingFactor)
    levels = ChannelLevels(format: attributes.format, scalingFactor: attributes.scalingFactor)
    clipped = [Int](repeating: 0, count: attributes.format.channels)
    constantSeconds = [Double](repeating: 0, count: attributes.format.channels)
  }

  /// Recording time of a frame; 0 is counted as the start while that is unknown.
  func seconds(of frame: Int64) -> Double { (start ?? 0) + Double(frame) / rate }

  /// Changes the scaling factor of what follows.
  mutating func scale(by factor: Double) {
    guard factor != decoder.scalingFactor else { return }
    decoder = SlotDecoder(format: format, scalingFactor: factor)
    for channel in clipped.indices { clipped[channel] += levels.level(of: channel).clipped }
    levels = ChannelLevels(format: format, scalingFactor: factor)
  }

  mutating func measure(_ words: UnsafeBufferPointer<UInt32>) { levels.add(words) }

  /// The levels since the last call, per channel.
  mutating func takeLevels() -> [StatusBoard.Level] {
    guard levels.frames > 0 else { return [] }
    defer { levels.reset() }
    // A few frames after a break may be equal by chance.
    let isLong = levels.frames >= max(2, Int(rate / 2))
    return (0..<format.channels).map { channel in
      let level = levels.level(of: channel)
      let isConstant = isLong && level.minimum == level.maximum
      clipped[channel] += level.clipped
      if isConstant { constantSeconds[channel] += Double(level.frames) / rate }
      return StatusBoard.Level(
        rms: Float(level.rms), minimum: Float(level.minimum), maximum: Float(level.maximum),
        clipped: level.clipped, isConstant: isConstant)
    }
  }
}
