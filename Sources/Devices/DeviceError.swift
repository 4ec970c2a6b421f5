/// What went wrong with a device: which one, in which call, and why.
public struct DeviceError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The error codes of the bridge protocol, and those of the link to it.
  public enum Code: String, Sendable {
    case badArgument = "bad-argument"
    case notOpen = "not-open"
    case busy
    case timeout
    case driver
    case noSuchTag = "no-such-tag"
    case readFailed = "read-failed"
    case notRunning = "not-running"
    case notArmed = "not-armed"
    case limit
    case emergencyStop = "estop"
    case heartbeat
    case token
    case capacity
    case underrun
    case overCurrent = "over-current"
    case locked
    case badFrame = "bad-frame"
    case version
    case unknownOperation = "unknown-op"
    /// The device or the link to it is gone; ``Circuit/reconnect()`` may bring it back.
    case disconnected
  }

  public let device: String
  /// The operation in the device's own words (`GetTagVal lfp_i`, `poll`).
  public let call: String
  public let code: Code
  public let message: String

  public init(device: String, call: String, code: Code, message: String) {
    self.device = device
    self.call = call
    self.code = code
    self.message = message
  }

  public var description: String { "\(device): \(call): \(message) (\(code.rawValue))" }
}
