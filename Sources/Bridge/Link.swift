import Clocks
import Devices
import Foundation
import Synchronization

/// The host's end of a bridge: requests out, replies and events in, time-outs everywhere.
///
/// Owned by one thread; only ``emergency`` may be used by others. A link that failed stays down
/// until ``open()``.
final class Link {
  let device: String
  let emergency: EmergencySwitch
  /// What the bridge said of itself.
  private(set) var hello: HelloReply?
  /// Whether the bridge said that a ring ran dry; the owner clears it.
  var hasUnderrun = false
  /// Send `clock` this often while a reply is waited for: the bridge's watchdog must not lapse in a
  /// call that takes long.
  var heartbeatInterval: Nanoseconds?

  private let kind: String
  private let address: BridgeAddress
  private let timekeeper: any Timekeeper
  private let listener: LinkListener
  private let helloLimit: Nanoseconds
  private let writer: FrameWriter
  private var connection: Connection?
  /// Why there is no connection.
  private var trouble = LinkError("the link was never opened")
  private var encoder = FrameEncoder()
  private var clock = LinkClock()
  private var lastBurst: Nanoseconds = 0
  /// Requests whose replies have not come.
  private var outstanding: Set<Int64> = []
  /// The same of heart-beats sent behind a request.
  private var beats: Set<Int64> = []
  /// When the last frame had been read.
  private var arrived: Nanoseconds = 0
  /// A fault that the bridge told of unasked for; the next call throws it.
  private var fault: DeviceError?

  /// A link that is not open yet. A bridge to another `kind` (circuit, stimulator) is refused.
  init(
    device: String, kind: String, address: BridgeAddress, timekeeper: any Timekeeper,
    listener: LinkListener, helloLimit: Nanoseconds = TimeLimit.hello
  ) {
    self.helloLimit = helloLimit
    self.device = device
    self.kind = kind
    self.address = address
    self.timekeeper = timekeeper
    self.listener = listener
    writer = FrameWriter()
    emergency = EmergencySwitch(device: device, writer: writer)
  }

  deinit { drop() }

  // MARK: - Opening

  /// Connects, says hello, and takes the first readings of the bridge's clock.
  func open() throws(DeviceError) {
    drop()
    fault = nil
    hasUnderrun = false
    clock.begin()
    do throws(LinkError) {
      connection = try Connection(address, writer: writer, log: listener.log)
    } catch {
      trouble = error
      throw error.error(device: device, call: "open")
    }
    do throws(DeviceError) {
      try greet()
      try burst(TimeLimit.firstBurst)
    } catch {
      if connection != nil { fail(LinkError(error.code, error.message)) }
      throw error
    }
  }

  private func greet() throws(DeviceError) {
    let answer = try Greeting.bytes.withUnsafeBytes { bytes in
      Result { () throws(DeviceError) in
        try exchange(
          "hello", Hello(proto: protocolVersion), blob: [bytes], limit: helloLimit,
          as: HelloReply.self)
      }
    }.get()
    do throws(LinkError) {
      try Greeting.check(answer.body, echo: answer.frame.withBlob { Array($0) }, kind: kind)
    } catch {
      throw error.error(device: device, call: "hello")
    }
    hello = answer.body
  }

  /// Says goodbye and lets the bridge end by itself; harmless when the link is down.
  func close() {
    if connection != nil {
      _ = try? exchange("bye", Nothing(), limit: TimeLimit.bye, faults: .kept, as: Nothing.self)
    }
    drop()
    trouble = LinkError(.notOpen, "the link was closed")
  }

  /// Ends the connection. The bridge learns it by the end of its stdin, and gets the time to stop
  /// what it drives.
  private func drop() {
    writer.close()
    outstanding.removeAll(keepingCapacity: true)
    beats.removeAll(keepingCapacity: true)
    guard let old = connection.take() else { return }
    let child = old.child
    _ = consume old
    child?.end(patience: kind == "stimulator" ? TimeLimit.leave : 0)
  }

  private func fail(_ error: LinkError) {
    trouble = LinkError(error.message)
    drop()
  }

  // MARK: - Requests

  struct Answer<Body> {
    let body: Body
    let frame: Frame
    let exchange: LinkExchange
  }

  /// What becomes of a fault that the bridge told of before this request.
  enum Faults {
    /// It is thrown instead of asking.
    case thrown
    /// It waits for a later request.
    case kept
  }

  /// One round trip. Blob parts are sent one after the other.
  func exchange<Body: Decodable>(
    _ op: String, _ request: some Encodable, blob: [UnsafeRawBufferPointer] = [],
    limit: Nanoseconds, faults: Faults = .thrown, as type: Body.Type
  ) throws(DeviceError) -> Answer<Body> {
    if faults == .thrown { try listen(op) }
    guard connection != nil else { throw trouble.error(device: device, call: op) }
    guard faults == .kept || outstanding.count < 2 else {
      let error = LinkError("the bridge has not answered two requests")
      fail(error)
      throw error.error(device: device, call: op)
    }
    let id = emergency.nextRequest()
    do throws(LinkError) {
      try encode(id, op, request, blob)
      let sent = timekeeper.now
      outstanding.insert(id)
      try send(limit: max(TimeLimit.write, limit))
      let (frame, head) = try awaitReply(id, limit: limit)
      if let reason = head.error { throw refusal(reason) }
      let exchange = note(head, sent: sent)
      do {
        return Answer(body: try frame.decoded(type), frame: frame, exchange: exchange)
      } catch {
        throw broken(.badFrame, "the reply makes no sense: \(error.jsonComplaint)")
      }
    } catch {
      throw error.error(device: device, call: op)
    }
  }

  /// A bracket of the bridge's clock on the host's.
  func bracket<Body>(
    _ at: [Nanoseconds], _ answer: Answer<Body>, _ op: String
  ) throws(DeviceError) -> Bracket {
    if let bracket = clock.bracket(at, in: answer.exchange) { return bracket }
    throw violation(op, "times that run backwards: \(at)")
  }

  /// The bridge broke the protocol: the link is given up.
  func violation(_ op: String, _ message: String) -> DeviceError {
    broken(.badFrame, message).error(device: device, call: op)
  }

  /// A few short exchanges, if the last were long ago: the clock map lives on the shortest.
  func burstIfDue() throws(DeviceError) {
    if timekeeper.now - lastBurst >= TimeLimit.betweenBursts { try burst(TimeLimit.burst) }
  }

  private func burst(_ count: Int) throws(DeviceError) {
    for _ in 0..<count {
      _ = try exchange("clock", Nothing(), limit: TimeLimit.short, as: Nothing.self)
    }
    lastBurst = timekeeper.now
  }

  /// Silence at once, whatever is outstanding.
  func emergencyStop() throws(DeviceError) {
    _ = try exchange(
      "estop", Nothing(), limit: TimeLimit.emergencyStop, faults: .kept, as: Nothing.self)
  }

  // MARK: - Out

  private func encode(
    _ id: Int64, _ op: String, _ request: some Encodable, _ blob: [UnsafeRawBufferPointer]
  ) throws(LinkError) {
    do {
      encoder.begin(json: try JSONEncoder().encode(Request(id: id, op: op, body: request)))
      for part in blob { encoder.append(part) }
      try encoder.finish()
    } catch {
      throw LinkError(.badArgument, "the request cannot be written: \(error)")
    }
  }

  private func send(limit: Nanoseconds) throws(LinkError) {
    do throws(LinkError) {
      try writer.write(encoder.bytes, within: limit)
    } catch {
      // A bridge that has died says why on stderr.
      throw ended(because: error)
    }
  }

  // MARK: - In

  /// Takes what came unasked for, without waiting, and throws a fault among it.
  private func listen(_ op: String) throws(DeviceError) {
    do throws(LinkError) {
      while connection != nil, let frame = try receive(until: nil) {
        let head = try understand(frame)
        if let id = head.id { settle(id) } else { try hear(head) }
      }
    } catch {
      throw error.error(device: device, call: op)
    }
    if let fault = fault.take() { throw fault }
  }

  /// The reply to request `id`, with what else comes before it minded.
  private func awaitReply(
    _ id: Int64, limit: Nanoseconds
  ) throws(LinkError) -> (Frame, ReplyHead) {
    let deadline = timekeeper.now + limit
    var beat = heartbeatInterval.map { timekeeper.now + $0 }
    while true {
      guard let frame = try receive(until: min(deadline, beat ?? deadline)) else {
        guard timekeeper.now < deadline else {
          throw LinkError(.timeout, "no answer within \(limit / 1_000_000) ms")
        }
        try sendHeartbeat()
        beat = heartbeatInterval.map { timekeeper.now + $0 }
        continue
      }
      let head = try understand(frame)
      guard let found = head.id else {
        try hear(head)
        continue
      }
      settle(found)
      if found == id { return (frame, head) }
    }
  }

  private func settle(_ id: Int64) {
    outstanding.remove(id)
    beats.remove(id)
  }

  /// A `clock` behind the request that is waited for; its answer comes when it may.
  private func sendHeartbeat() throws(LinkError) {
    guard outstanding.count + beats.count < Bounds.outstanding else { return }
    let id = emergency.nextRequest()
    try encode(id, "clock", Nothing(), [])
    beats.insert(id)
    try send(limit: TimeLimit.write)
  }

  /// The next frame; nil at the deadline (nil: do not wait).
  private func receive(until deadline: Nanoseconds?) throws(LinkError) -> Frame? {
    while true {
      guard connection != nil else { throw trouble }
      let result: FrameReader.Result
      do throws(LinkError) {
        result = try connection?.reader.next() ?? .end
      } catch {
        throw broken(error.code, "the bridge answers with rubbish: \(error.message)")
      }
      switch result {
      case .frame(let frame):
        arrived = timekeeper.now
        return frame
      case .end: throw ended(because: LinkError("the bridge ended the link"))
      case .nothingYet:
        guard let deadline, timekeeper.now < deadline else { return nil }
        connection?.wait(timekeeper, until: deadline)
      }
    }
  }

  private func understand(_ frame: Frame) throws(LinkError) -> ReplyHead {
    do { return try frame.decoded() } catch {
      throw broken(.badFrame, "the bridge answers with rubbish: \(error.jsonComplaint)")
    }
  }

  /// Minds what the bridge said unasked for.
  private func hear(_ head: ReplyHead) throws(LinkError) {
    let message = head.message ?? ""
    switch head.event {
    case "fault":
      // The code stands before the colon.
      let code = message.split(separator: ":").first.flatMap {
        DeviceError.Code(rawValue: .init($0))
      }
      listener.log("fault: \(message)")
      // The first is the cause of the others.
      fault =
        fault
        ?? DeviceError(device: device, call: "fault", code: code ?? .driver, message: message)
    case "underrun":
      hasUnderrun = true
      listener.log("underrun: \(message)")
    case let event?: listener.log("\(event): \(message)")
    case nil:
      // An answer to something that it could not read.
      if let reason = head.error { throw broken(.badFrame, "the bridge says: \(reason.message)") }
    }
  }

  private func refusal(_ reason: Refusal.Reason) -> LinkError {
    let error = LinkError(
      DeviceError.Code(rawValue: reason.code) ?? .driver, reason.message)
    return reason.fatal == true ? broken(error.code, error.message) : error
  }

  /// The four timestamps of the reply that just came.
  private func note(_ head: ReplyHead, sent: Nanoseconds) -> LinkExchange {
    let t = head.t?.count == 2 ? head.t ?? [] : [0, 0]
    let exchange = LinkExchange(
      hostSend: sent, bridgeReceive: t[0], bridgeSend: t[1], hostReceive: arrived)
    if head.t?.count == 2, clock.add(exchange) { listener.exchange(exchange) }
    return exchange
  }

  // MARK: - The end of a link

  /// The stream ended or cannot be written to: what its process has to say of it.
  private func ended(because error: LinkError) -> LinkError {
    let words = connection?.child?.obituary() ?? fault?.message ?? error.message
    return broken(.disconnected, words)
  }

  private func broken(_ code: DeviceError.Code, _ message: String) -> LinkError {
    fail(LinkError(message))
    return LinkError(code, message)
  }
}
