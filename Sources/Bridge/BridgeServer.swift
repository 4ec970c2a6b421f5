public import Clocks
import Devices
import Foundation

/// The other end of the protocol: serves a device to one host at a time.
///
/// One thread does everything. Between two calls of the device it takes in what has come, and an
/// `estop` goes ahead of the rest.
public final class BridgeServer {
  public struct Options: Sendable {
    /// Whether this process plays the hardware, for a bridge in another one: it stops only when it
    /// is told to, and its rings run dry when nobody feeds them.
    public var isHardware = false
    /// Lines for stderr.
    public var log: @Sendable (String) -> Void = { _ in }
    /// Looked at every 50 ms; true ends the server as a terminate signal ends a bridge.
    public var isAskedToEnd: @Sendable () -> Bool = { false }

    public init() {}
  }

  /// The bridge's own exit code after a fatal frame.
  public static let exitAfterFatalFrame: Int32 = 70

  private static let pause: Nanoseconds = 50_000_000
  private static let version = "1"

  private let service: any Service
  private let options: Options
  private let timekeeper: any Timekeeper

  /// - Parameters:
  ///   - device: made when a host opens it, and kept for the next host.
  ///   - timekeeper: whose clock the replies tell, in real time.
  ///   - options: what is usual for a bridge.
  public init(
    _ device: ServedDevice, timekeeper: any Timekeeper = RealTimekeeper(),
    options: Options = Options()
  ) {
    service = device.service(timekeeper)
    self.timekeeper = timekeeper
    self.options = options
  }

  /// Serves one host until it leaves.
  ///
  /// - Parameters:
  ///   - input: where frames come from; closed at the end, and made non-blocking.
  ///   - output: where frames go, likewise.
  /// - Returns: the exit code: 0, or 70 after a fatal frame.
  public func run(input: Int32, output: Int32) -> Int32 {
    Descriptors.ignoreBrokenPipes()
    for end in [input, output] { Descriptors.setNonBlocking(end) }
    var visit = Visit(
      service: service, options: options, timekeeper: timekeeper,
      reader: FrameReader(descriptor: input), output: output, version: Self.version)
    return visit.run(pause: Self.pause)
  }
}

/// One host's stay.
private struct Visit: ~Copyable {
  /// Why requests are refused until the device is armed.
  private enum Latch {
    case emergencyStop
    case heartbeat
  }

  private struct Pending {
    let head: RequestHead
    let frame: Frame
    let received: Nanoseconds
  }

  private let service: any Service
  private let options: BridgeServer.Options
  private let timekeeper: any Timekeeper
  private let version: String
  private var reader: FrameReader
  private let writer = FrameWriter()
  private var encoder = FrameEncoder()
  private var pending: [Pending] = []
  private var latch: Latch?
  private var heard: Nanoseconds
  private var timeToLive: Nanoseconds?
  /// The exit code, once the visit is to end.
  private var exit: Int32?

  init(
    service: any Service, options: BridgeServer.Options, timekeeper: any Timekeeper,
    reader: consuming FrameReader, output: Int32, version: String
  ) {
    self.service = service
    self.options = options
    self.timekeeper = timekeeper
    self.version = version
    self.reader = reader
    heard = timekeeper.now
    writer.open(output)
  }

  mutating func run(pause: Nanoseconds) -> Int32 {
    while exit == nil {
      // Before what waits in the pipe is read: a process that was stopped has missed it as well.
      checkHeartbeat()
      takeIn()
      if exit != nil { break }
      if options.isAskedToEnd() {
        leave("asked to end", code: 0)
      } else if pending.isEmpty {
        let now = timekeeper.now
        let end = timeToLive.map { heard + $0 } ?? .max
        timekeeper.wait(
          reading: [reader.descriptor], until: max(now + 1_000_000, min(now + pause, end)))
      } else {
        serve(pending.removeFirst())
      }
    }
    return exit ?? 0
  }

  /// Stops what must stop, says so, and ends the visit.
  private mutating func leave(_ reason: String, code: Int32, isFault: Bool = true) {
    guard exit == nil else { return }
    exit = code
    options.log("ending: \(reason)")
    if !options.isHardware || !isFault { service.safeStop() }
    if isFault { tell("fault", reason) }
    tell("stopped", reason)
    writer.close()
  }

  // MARK: - In

  /// Everything that has come, without waiting.
  private mutating func takeIn() {
    while exit == nil {
      do throws(LinkError) {
        switch try reader.next() {
        case .frame(let frame): receive(frame)
        case .nothingYet: return
        case .end: leave("end of input", code: 0)
        }
      } catch {
        let isFatalFrame = error.code == .badFrame
        if isFatalFrame { refuse(nil, .badFrame, error.message, fatal: true) }
        leave(error.message, code: isFatalFrame ? BridgeServer.exitAfterFatalFrame : 0)
      }
    }
  }

  private mutating func receive(_ frame: Frame) {
    let now = timekeeper.now
    let head: RequestHead
    do { head = try frame.decoded() } catch {
      refuse(nil, .badFrame, error.jsonComplaint)
      return
    }
    guard head.op == "estop" || Self.own.contains(head.op) || service.operations.contains(head.op)
    else {
      refuse(head.id, .unknownOperation, "no operation \(head.op.prefix(80))")
      return
    }
    heard = now
    let request = Pending(head: head, frame: frame, received: now)
    if head.op == "estop" {
      pending.insert(request, at: 0)
    } else if pending.count >= Bounds.outstanding {
      refuse(head.id, .busy, "\(Bounds.outstanding) requests are waiting")
    } else {
      pending.append(request)
    }
  }

  // MARK: - Serving

  private static let own: Set<String> = ["hello", "clock", "arm", "bye"]

  private mutating func serve(_ request: Pending) {
    let (head, frame) = (request.head, request.frame)
    do {
      let answer = try perform(head.op, frame)
      try send(
        Reply(id: head.id, t: [request.received, timekeeper.now], body: AnyBody(answer.body)),
        answer)
      if head.op == "bye" { leave("bye", code: 0, isFault: false) }
    } catch let error as ServiceError {
      let isFatal = error.code == .version
      refuse(head.id, error.code, error.message, fatal: isFatal)
      if isFatal { leave(error.message, code: BridgeServer.exitAfterFatalFrame) }
    } catch let error as DeviceError {
      refuse(head.id, error.code, error.message)
      if error.code == .driver || error.code == .disconnected, service.mustStop,
        !options.isHardware
      {
        stop(because: "driver: \(error.message)")
      }
    } catch {
      refuse(head.id, .driver, "\(error)")
    }
    // The device kept us from hearing; that is not the host's silence.
    heard = max(heard, timekeeper.now)
  }

  private mutating func perform(_ op: String, _ frame: Frame) throws -> ServiceAnswer {
    switch op {
    case "hello": return try hello(frame)
    case "bye": return ServiceAnswer(Nothing())
    case "arm": return ServiceAnswer(try arm(frame.request()))
    case "estop":
      latch = .emergencyStop
      let before = timekeeper.now
      try service.emergencyStop()
      return ServiceAnswer(At(at: [before, timekeeper.now]))
    default: break
    }
    if latch == .heartbeat, op == "clock" || service.refusedAfterStop.contains(op) {
      throw ServiceError(code: .heartbeat, message: "the heart-beat was missed: arm first")
    }
    if latch == .emergencyStop, service.refusedAfterStop.contains(op) {
      throw ServiceError(code: .emergencyStop, message: "stopped by estop: arm first")
    }
    if op == "clock" {
      try service.heartbeat()
      return ServiceAnswer(Nothing())
    }
    return try service.perform(op, frame)
  }

  private func hello(_ frame: Frame) throws -> ServiceAnswer {
    let proto = try frame.request(Hello.self).proto
    guard proto == protocolVersion else {
      throw ServiceError(
        code: .version, message: "this bridge speaks proto \(protocolVersion), not \(proto)")
    }
    guard frame.blobCount <= 65_536 else {
      throw ServiceError.badArgument("the blob of hello is 256 bytes")
    }
    let reply = HelloReply(
      proto: protocolVersion, bridge: version, platform: "daqrec", device: service.kind,
      capabilities: (service.operations.union(Self.own).union(["estop"])).sorted())
    return ServiceAnswer(reply, echo: frame)
  }

  private mutating func arm(_ request: ArmRequest) throws -> Armed {
    guard 50...10_000 ~= request.timeToLiveMilliseconds else {
      throw ServiceError.badArgument("ttl_ms is 50 … 10000")
    }
    let armed = try service.arm(request)
    latch = nil
    timeToLive = Nanoseconds(request.timeToLiveMilliseconds) * 1_000_000
    return armed
  }

  private mutating func checkHeartbeat() {
    guard let limit = timeToLive, !options.isHardware, timekeeper.now - heard > limit
    else { return }
    timeToLive = nil
    latch = .heartbeat
    let silent = (timekeeper.now - heard) / 1_000_000
    stop(because: "heartbeat: nothing heard for \(silent) ms")
  }

  /// A fault: silence, and the host is told.
  private mutating func stop(because reason: String) {
    options.log(reason)
    service.safeStop()
    tell("fault", reason)
    tell("stopped", reason)
  }

  // MARK: - Out

  private mutating func tell(_ event: String, _ message: String) {
    try? send(Event(event: event, message: message, t: timekeeper.now))
  }

  private mutating func refuse(
    _ id: Int64?, _ code: DeviceError.Code, _ message: String, fatal: Bool = false
  ) {
    try? send(Refusal(id: id, code, message, fatal: fatal))
  }

  /// A host that does not listen is gone: the writer closes, and the visit ends.
  private mutating func send(_ message: some Encodable, _ answer: ServiceAnswer? = nil) throws {
    encoder.begin(json: try JSONEncoder().encode(message))
    for part in answer?.blob ?? [] { encoder.append(part) }
    answer?.echo?.withBlob { encoder.append($0) }
    try encoder.finish()
    do throws(LinkError) {
      try writer.write(encoder.bytes, within: 5_000_000_000)
    } catch {
      leave("end of output: \(error.message)", code: 0)
    }
  }
}

/// A body of whatever type.
private struct AnyBody: Encodable {
  let body: any Encodable
  init(_ body: any Encodable) { self.body = body }
  func encode(to encoder: any Encoder) throws { try body.encode(to: encoder) }
}
