import Clocks
public import Devices
import Foundation

/// A device to be served, made when a host opens it.
public enum ServedDevice {
  /// Loads the circuit, or with `true` finds it running and leaves it so
  /// (``DeviceError/Code/notRunning`` if it is not).
  case circuit((_ attach: Bool) throws(DeviceError) -> any Circuit)
  /// Opens the stimulator, silent.
  case stimulator(() throws(DeviceError) -> any Stimulator)

  func service(_ timekeeper: any Timekeeper) -> any Service {
    switch self {
    case .circuit(let make): CircuitService(make)
    case .stimulator(let make): StimulatorService(timekeeper, make)
    }
  }
}

/// A device and the operations that the protocol has for it. It outlives the hosts it serves.
protocol Service: AnyObject {
  var kind: String { get }
  var operations: Set<String> { get }
  /// What is refused after an emergency stop, and after a missed heart-beat, until armed.
  var refusedAfterStop: Set<String> { get }

  /// Carries out an operation of the device's own.
  func perform(_ op: String, _ frame: Frame) throws -> ServiceAnswer

  /// Permits stimulation.
  func arm(_ request: ArmRequest) throws(DeviceError) -> Armed

  /// A sign of life, passed on to a device that has a watchdog of its own.
  func heartbeat() throws(DeviceError)

  func emergencyStop() throws(DeviceError)

  /// Makes a stimulator silent: what is queued leaves first. A circuit runs on.
  func safeStop()

  /// Whether an error of the driver is a fault: something may be going out.
  var mustStop: Bool { get }
}

/// The members of a reply, and its blob.
struct ServiceAnswer {
  let body: any Encodable
  /// Memory of the service, which it leaves alone until the next request.
  let blob: [UnsafeRawBufferPointer]
  /// A request whose blob goes back, instead.
  let echo: Frame?

  init(_ body: some Encodable, blob: [UnsafeRawBufferPointer] = [], echo: Frame? = nil) {
    self.body = body
    self.blob = blob
    self.echo = echo
  }
}

/// A request that cannot be carried out, before any device is asked.
struct ServiceError: Error {
  let code: DeviceError.Code
  let message: String

  static func badArgument(_ message: String) -> ServiceError {
    ServiceError(code: .badArgument, message: message)
  }
}

extension Frame {
  /// The request's members; anything else is a bad argument.
  func request<Message: Decodable>(_ type: Message.Type = Message.self) throws -> Message {
    do { return try decoded(type) } catch { throw ServiceError.badArgument(error.jsonComplaint) }
  }
}
