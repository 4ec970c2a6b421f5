public import Devices
import Foundation
import Synchronization

/// The way to an emergency stop from any thread: its frame goes out at once, whatever the owner of
/// the stimulator is waiting for. The bridge serves it ahead of everything.
public final class EmergencySwitch: Sendable {
  private let device: String
  private let writer: FrameWriter
  private let requests = Atomic<Int64>(0)

  init(device: String, writer: FrameWriter) {
    self.device = device
    self.writer = writer
  }

  /// Sends the stop and does not wait for the answer: the owner's next feed or start is refused.
  ///
  /// - Throws: ``DeviceError`` when the link is down: then the bridge has stopped by itself.
  public func stop() throws(DeviceError) {
    do throws(LinkError) {
      try writer.write(frame(), within: TimeLimit.write)
    } catch {
      throw error.error(device: device, call: "estop")
    }
  }

  /// Numbers of requests, for both threads.
  func nextRequest() -> Int64 { requests.wrappingAdd(1, ordering: .relaxed).newValue }

  private func frame() throws(LinkError) -> [UInt8] {
    var encoder = FrameEncoder()
    do {
      let request = Request(id: nextRequest(), op: "estop", body: Nothing())
      encoder.begin(json: try JSONEncoder().encode(request))
      try encoder.finish()
    } catch {
      throw LinkError(.badArgument, "\(error)")
    }
    return encoder.bytes
  }
}
