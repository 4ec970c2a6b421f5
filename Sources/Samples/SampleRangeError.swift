/// A sample that the destination type cannot hold.
public struct SampleRangeError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Place of the sample in the decoded block, from 0.
  public let frame: Int
  public let channel: Int
  /// The sample as it stood in its slot; may be infinite or not a number.
  public let value: Double
  public let destination: DestinationType

  public init(frame: Int, channel: Int, value: Double, destination: DestinationType) {
    self.frame = frame
    self.channel = channel
    self.value = value
    self.destination = destination
  }

  public var description: String {
    "frame \(frame), channel \(channel): \(value) does not fit \(destination.rawValue)"
  }
}
