public import Samples

/// What is asked of a DSP buffer before the circuit is looked at.
public struct BufferRequest: Sendable, Equatable {
  public var name: String
  public var dataTag: String
  /// Tags named explicitly; nil: `dataTag` with the customary suffix, where the circuit has it.
  public var indexTag: String?
  public var sizeTag: String?
  public var scalingTag: String?
  public var cycleTag: String?
  public var decimationTag: String?
  public var format: SlotFormat
  /// Frames that are read together; nil: the fewest, one or the frames of one slot.
  public var blockSize: Int?
  /// Ticks per frame to set; nil: as found.
  public var decimation: Int?
  /// Samples per channel to set; nil: as found.
  public var size: Int?
  /// Whether the circuit enables and resets the store itself.
  public var isGated: Bool

  public init(
    name: String, dataTag: String, indexTag: String? = nil, sizeTag: String? = nil,
    scalingTag: String? = nil, cycleTag: String? = nil, decimationTag: String? = nil,
    format: SlotFormat, blockSize: Int? = nil, decimation: Int? = nil, size: Int? = nil,
    isGated: Bool = false
  ) {
    self.name = name
    self.dataTag = dataTag
    self.indexTag = indexTag
    self.sizeTag = sizeTag
    self.scalingTag = scalingTag
    self.cycleTag = cycleTag
    self.decimationTag = decimationTag
    self.format = format
    self.blockSize = blockSize
    self.decimation = decimation
    self.size = size
    self.isGated = isGated
  }
}

/// Why a buffer cannot be opened, resized or read as asked.
public struct BufferError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: String, Sendable {
    case badName
    case badChannels
    case noSuchTag
    case notABuffer
    case requiredTagMissing
    /// A tag that is named for an index, a size … holds no single number.
    case notAScalar
    /// One tag is named for two things.
    case sameTag
    case badScalingFactor
    case badSize
    case badBlockSize
    case badLayout
    case noDecimationTag
    case badDecimation
    /// More was asked for than is pending.
    case notPending
    /// No new sample within the time allowed.
    case timeout
    /// A sample that the destination type cannot hold.
    case outOfRange
    /// The circuit changed the buffer's size, decimation or scaling while it was read.
    case changed
    /// A place in the output that has been played already, or is not queued yet.
    case notQueued
    /// A read after an overrun was refused by the caller's wish (`on_overrun: "stop"`).
    case overrun
  }

  public let buffer: String
  public let kind: Kind
  public let message: String

  public init(buffer: String, kind: Kind, message: String) {
    self.buffer = buffer
    self.kind = kind
    self.message = message
  }

  public var description: String { "buffer \(buffer): \(message)" }
}
