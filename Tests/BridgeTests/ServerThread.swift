import Clocks
import Devices
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Bridge
@testable import Simulator

/// A thread that serves until the test is over, and a folder for its socket.
final class ServerThread {
  let path: String
  private let flag: Flag
  private let thread: any OwnerThread

  /// Runs `body` with the path of a socket and a way to know that it is to end. It calls `ready`.
  init(
    _ timekeeper: any Timekeeper = RealTimekeeper(),
    _ body:
      @escaping @Sendable (
        _ path: String, _ isAskedToEnd: @escaping @Sendable () -> Bool, _ ready: () -> Void
      ) -> Void
  ) {
    let path = NSTemporaryDirectory() + "bridge-\(UInt32.random(in: 0 ... .max)).sock"
    let flag = Flag()
    let gate = timekeeper.makeGate()
    self.path = path
    self.flag = flag
    thread = timekeeper.startOwner("server") {
      body(path, { flag.isSet }, { gate.signal() })
      gate.signal()
    }
    gate.wait(since: 0, until: timekeeper.now + 5_000_000_000)
  }

  deinit { end() }

  func end() {
    flag.set()
    thread.join()
    unlink(path)
  }

  /// A device process: what is served outlives its clients.
  static func device(
    _ timekeeper: any Timekeeper = RealTimekeeper(),
    _ make: @escaping @Sendable () -> ServedDevice
  ) -> ServerThread {
    ServerThread(timekeeper) { path, isAskedToEnd, ready in
      var options = BridgeServer.Options()
      options.isAskedToEnd = isAskedToEnd
      do {
        let server = try DeviceSocketServer(
          make(), path: path, timekeeper: timekeeper, options: options)
        ready()
        server.run()
      } catch {
        Issue.record(error)
      }
    }
  }
}

extension ServerThread {
  /// Bridges, each new as a process would be; one ends when `cut` is set.
  static func bridges(
    _ timekeeper: any Timekeeper = RealTimekeeper(), cut: Flag = Flag(),
    _ make: @escaping @Sendable () -> ServedDevice
  ) -> ServerThread {
    ServerThread(timekeeper) { path, isAskedToEnd, ready in
      do {
        let listener = try UnixSocket.listen(at: path)
        defer { _ = close(listener) }
        ready()
        while !isAskedToEnd() {
          timekeeper.wait(reading: [listener], until: timekeeper.now + 20_000_000)
          guard let (input, output) = try UnixSocket.accept(on: listener) else { continue }
          cut.clear()
          var options = BridgeServer.Options()
          options.isAskedToEnd = { cut.isSet || isAskedToEnd() }
          _ = BridgeServer(make(), timekeeper: timekeeper, options: options)
            .run(input: input, output: output)
        }
      } catch {
        Issue.record(error)
      }
    }
  }
}

/// A circuit on the socket of a device process, to be served by a bridge.
func bridgedCircuit(
  _ path: String, _ timekeeper: any Timekeeper = RealTimekeeper()
) -> ServedDevice {
  .circuit { attach throws(DeviceError) in
    try BridgedCircuit(
      name: "rz", address: .socket(path), opening: CircuitOpening(model: "RZ2"), attach: attach,
      timekeeper: timekeeper)
  }
}

/// A stimulator on the socket of a device process, to be served by a bridge.
func bridgedStimulator(
  _ path: String, _ timekeeper: any Timekeeper = RealTimekeeper()
) -> ServedDevice {
  .stimulator { () throws(DeviceError) in
    try BridgedStimulator(name: "stg", address: .socket(path), timekeeper: timekeeper)
  }
}

final class Flag: Sendable {
  private let value = Atomic(false)
  var isSet: Bool { value.load(ordering: .acquiring) }
  func set() { value.store(true, ordering: .releasing) }
  func clear() { value.store(false, ordering: .releasing) }
}

/// Lines and exchanges that a link told its listener.
final class Ear: Sendable {
  private let state = Mutex<(lines: [String], exchanges: [LinkExchange])>(([], []))

  var lines: [String] { state.withLock { $0.lines } }
  var exchanges: [LinkExchange] { state.withLock { $0.exchanges } }

  var listener: LinkListener {
    LinkListener(
      log: { line in self.state.withLock { $0.lines.append(line) } },
      exchange: { exchange in self.state.withLock { $0.exchanges.append(exchange) } })
  }
}
