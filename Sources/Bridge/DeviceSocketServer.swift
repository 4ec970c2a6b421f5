public import Clocks
public import Devices
import Glibc

/// A device in a process of its own, on a Unix socket: it survives the bridges that reach it.
///
/// It plays the hardware, so nothing stops because a client is gone; what it was given runs out.
/// Clients are served one at a time, the next when the one before is gone.
public final class DeviceSocketServer {
  private let server: BridgeServer
  private let options: BridgeServer.Options
  private let timekeeper: any Timekeeper
  private let listener: Int32
  private let path: String

  /// Listens; clients may connect from now on.
  ///
  /// - Parameters:
  ///   - device: made at the first opening, and kept.
  ///   - path: of the socket, which is replaced if it exists.
  ///   - timekeeper: the device's.
  ///   - options: as for a bridge; ``BridgeServer/Options/isAskedToEnd`` ends ``run()``.
  /// - Throws: ``DeviceError`` if nobody can listen at `path`.
  public init(
    _ device: ServedDevice, path: String, timekeeper: any Timekeeper = RealTimekeeper(),
    options: BridgeServer.Options = .init()
  ) throws(DeviceError) {
    var options = options
    options.isHardware = true
    self.options = options
    self.path = path
    self.timekeeper = timekeeper
    server = BridgeServer(device, timekeeper: timekeeper, options: options)
    do throws(LinkError) { listener = try UnixSocket.listen(at: path) } catch {
      throw error.error(device: path, call: "listen")
    }
  }

  deinit {
    close(listener)
    unlink(path)
  }

  /// Serves until asked to end.
  public func run() {
    while !options.isAskedToEnd() {
      timekeeper.wait(reading: [listener], until: timekeeper.now + 50_000_000)
      do throws(LinkError) {
        guard let (input, output) = try UnixSocket.accept(on: listener) else { continue }
        options.log("a client came")
        _ = server.run(input: input, output: output)
        options.log("the client left")
      } catch {
        options.log(error.message)
      }
    }
  }
}
