import Clocks
import Foundation
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
    _ body:
      @escaping @Sendable (
        _ path: String, _ isAskedToEnd: @escaping @Sendable () -> Bool, _ ready: () -> Void
      ) -> Void
  ) {
    let path = NSTemporaryDirectory() + "bridge-\(UInt32.random(in: 0 ... .max)).sock"
    let flag = Flag()
    let timekeeper = RealTimekeeper()
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
  }

  /// A device process: what is served outlives its clients.
  static func device(
    _ make: @escaping @Sendable () -> ServedDevice
  ) -> ServerThread {
    ServerThread { path, isAskedToEnd, ready in
      var options = BridgeServer.Options()
      options.isAskedToEnd = isAskedToEnd
      do {
        let server = try DeviceSocketServer(make(), path: path, options: options)
        ready()
        server.run()
      } catch {
        Issue.record(error)
      }
    }
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
