public import Samples

/// A number that a decoded sample can be.
public protocol StoredSample: Sendable {
  static var destination: DestinationType { get }
}

extension Float: StoredSample { public static var destination: DestinationType { .float32 } }
extension Double: StoredSample { public static var destination: DestinationType { .float64 } }
extension Int32: StoredSample { public static var destination: DestinationType { .int32 } }
extension Int16: StoredSample { public static var destination: DestinationType { .int16 } }
extension Int8: StoredSample { public static var destination: DestinationType { .int8 } }

/// Frames that follow one another without a gap, [frame, channel], and what was lost before them.
public struct SampleBlock: Sendable, Equatable {
  /// The number of the first frame, counted from the first frame of the recording.
  public let firstFrame: Int64
  public let frameCount: Int
  public let channels: Int
  public let type: DestinationType
  /// The samples as `type` has them in memory.
  public let bytes: [UInt8]
  /// What is missing before the first frame since the last read, in order.
  public let losses: [RingReader.Loss]
  /// The scaling factor changed about the time of these frames.
  public let isScalingUncertain: Bool

  /// The number of the frame after the last one.
  public var endFrame: Int64 { firstFrame + Int64(frameCount) }

  /// Every sample, [frame, channel].
  ///
  /// - Precondition: the type is the block's.
  public func values<Sample: StoredSample>(as type: Sample.Type = Sample.self) -> [Sample] {
    precondition(type.destination == self.type, "the block holds \(self.type.rawValue)")
    return bytes.withUnsafeBytes { Array($0.bindMemory(to: Sample.self)) }
  }

  /// Every sample, [frame, channel], whatever its type.
  public var doubles: [Double] {
    switch type {
    case .float32: values(as: Float.self).map(Double.init)
    case .float64: values(as: Double.self)
    case .int32: values(as: Int32.self).map(Double.init)
    case .int16: values(as: Int16.self).map(Double.init)
    case .int8: values(as: Int8.self).map(Double.init)
    }
  }
}
