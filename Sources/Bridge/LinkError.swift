import Devices

/// Why a link to a bridge cannot be made, or is lost.
struct LinkError: Error, Equatable {
  var code: DeviceError.Code
  var message: String

  init(_ code: DeviceError.Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The device or the link to it is gone.
  init(_ message: String) { self.init(.disconnected, message) }

  func error(device: String, call: String) -> DeviceError {
    DeviceError(device: device, call: call, code: code, message: message)
  }
}
