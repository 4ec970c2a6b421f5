import Clocks
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Bridge

/// A host that says what it is told, to a server on a socket pair.
final class RawHost {
  private var reader: FrameReader
  private let writer = FrameWriter()
  private let server: any OwnerThread
  private let result: Exit
  private(set) var events: [Event] = []
  private var requests: Int64 = 0

  final class Exit: Sendable {
    private let code = Mutex<Int32?>(nil)
    var value: Int32? { code.withLock { $0 } }
    func set(_ value: Int32) { code.withLock { $0 = value } }
  }

  init(
    options: BridgeServer.Options = .init(), _ make: @escaping @Sendable () -> ServedDevice
  ) throws {
    var pair: [Int32] = [-1, -1]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
    let far = pair[1]
    Descriptors.setNonBlocking(pair[0])
    reader = FrameReader(descriptor: pair[0])
    writer.open(dup(pair[0]))
    let result = Exit()
    self.result = result
    server = RealTimekeeper().startOwner("server") {
      let code = BridgeServer(make(), options: options).run(input: far, output: dup(far))
      result.set(code)
    }
  }

  deinit {
    hangUp()
    server.join()
  }

  func hangUp() {
    writer.close()
    shutdown(reader.descriptor, Int32(SHUT_WR))
  }

  func send(bytes: [UInt8]) throws { try writer.write(bytes, within: 1_000_000_000) }

  /// - Returns: the request's number.
  @discardableResult
  func send(_ op: String, _ members: String = "", _ blob: [UInt8] = []) throws -> Int64 {
    requests += 1
    try send(bytes: wire(#"{"id":\#(requests),"op":"\#(op)"\#(members)}"#, blob))
    return requests
  }

  /// The next reply; events are put aside. nil: the end, or nothing within 5 s.
  func receive() throws -> Frame? {
    let deadline = ContinuousClock().now + .seconds(5)
    while ContinuousClock().now < deadline {
      switch try reader.next() {
      case .frame(let frame):
        guard let event = try? frame.decoded(Event.self) else { return frame }
        events.append(event)
      case .nothingYet: Descriptors.wait(reading: [reader.descriptor], nanoseconds: 100_000_000)
      case .end: return nil
      }
    }
    Issue.record("no answer within 5 s")
    return nil
  }

  /// The next reply, as `Message`.
  func answer<Message: Decodable>(_ type: Message.Type = ReplyHead.self) throws -> Message {
    let frame = try #require(try receive())
    return try frame.decoded()
  }

  /// The head of the answer.
  @discardableResult
  func ask(_ op: String, _ members: String = "", _ blob: [UInt8] = []) throws -> ReplyHead {
    try send(op, members, blob)
    return try answer()
  }

  /// The token of an `arm`.
  func arm(_ members: String) throws -> String {
    try send("arm", members)
    return try #require(try answer(Armed.self).token)
  }

  /// The exit code, with every event heard.
  func exitCode() throws -> Int32? {
    while let frame = try receive() { _ = frame }
    server.join()
    return result.value
  }
}
