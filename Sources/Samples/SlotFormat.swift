/// How a device packs numbers into the 32-bit slots of a ring.
public enum SourceType: String, Sendable, CaseIterable {
  case float32
  case int32
  case int16
  case int8

  /// Samples in one slot; TDT calls it compression.
  public var samplesPerSlot: Int {
    switch self {
    case .float32, .int32: 1
    case .int16: 2
    case .int8: 4
    }
  }

  /// Whether a sample is an integer code that the scaling factor turns into a value.
  public var isInteger: Bool { self != .float32 }

  /// The codes the type can hold; nil for floating values, which have no limits.
  public var codes: ClosedRange<Int>? {
    switch self {
    case .float32: nil
    case .int32: Int(Int32.min)...Int(Int32.max)
    case .int16: Int(Int16.min)...Int(Int16.max)
    case .int8: Int(Int8.min)...Int(Int8.max)
    }
  }
}

/// What is stored in the file: values for the floating types, codes for the integer ones.
public enum DestinationType: String, Sendable, CaseIterable {
  case float32
  case float64
  case int32
  case int16
  case int8

  /// Bytes of one sample.
  public var byteCount: Int {
    switch self {
    case .float64: 8
    case .float32, .int32: 4
    case .int16: 2
    case .int8: 1
    }
  }

  public var isInteger: Bool { self != .float32 && self != .float64 }
}

/// Which end of a slot holds its first sample.
public enum PackOrder: String, Sendable, CaseIterable {
  /// The least significant bits hold the first sample (what hardware tests show).
  case lsb
  case msb
}

/// What the samples of one slot are.
public enum SlotLayout: String, Sendable, CaseIterable {
  /// Channels of one tick, first channel first.
  case channels
  /// Successive times of a single channel (CompTo16, CompTo8).
  case time
}

/// The shape of a ring's slots and of the samples made from them.
public struct SlotFormat: Sendable, Equatable {
  public let source: SourceType
  public let destination: DestinationType
  /// Channels of one frame, at least 1.
  public let channels: Int
  public let packOrder: PackOrder
  public let layout: SlotLayout

  public init(
    source: SourceType, destination: DestinationType, channels: Int,
    packOrder: PackOrder = .lsb, layout: SlotLayout = .channels
  ) {
    self.source = source
    self.destination = destination
    self.channels = channels
    self.packOrder = packOrder
    // A slot of one sample has no layout, and a compressed store of one channel has nothing but
    // times to fill its slots with.
    self.layout =
      source.samplesPerSlot == 1 ? .channels : channels == 1 ? .time : layout
  }

  /// Whether slots of this format exist: in layout `time` one channel only, in layout `channels` a
  /// whole number of slots each tick.
  public var isValid: Bool {
    guard channels > 0 else { return false }
    return layout == .time ? channels == 1 : channels % source.samplesPerSlot == 0
  }

  /// Slots that hold a whole number of frames and cannot be divided further: a store writes them
  /// together. In layout `channels` one frame; in layout `time` one slot of `framesPerUnit` frames.
  public var slotsPerUnit: Int {
    layout == .time ? 1 : max(1, channels / source.samplesPerSlot)
  }

  /// Frames in one unit: 1, or the samples per slot in layout `time`.
  public var framesPerUnit: Int { layout == .time ? source.samplesPerSlot : 1 }

  /// Bytes of one decoded frame.
  public var bytesPerFrame: Int { channels * destination.byteCount }

  /// Frames in `slots` slots, which must be whole units.
  public func frames(inSlots slots: Int64) -> Int64 {
    slots / Int64(slotsPerUnit) * Int64(framesPerUnit)
  }

  /// Slots of `frames` frames, rounded down to whole units.
  public func slots(ofFrames frames: Int64) -> Int64 {
    frames / Int64(framesPerUnit) * Int64(slotsPerUnit)
  }
}
