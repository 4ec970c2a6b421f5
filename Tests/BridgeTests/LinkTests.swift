import Clocks
import Devices
import Foundation
import Samples
import Synchronization
import Testing

@testable import Bridge

/// A bridge that greets as it should and then answers as it is told.
private final class ScriptedBridge {
  /// Every request's operation, in order.
  final class Heard: Sendable {
    private let operations = Mutex<[String]>([])
    var all: [String] { operations.withLock { $0 } }
    func add(_ operation: String) { operations.withLock { $0.append(operation) } }
  }

  let heard = Heard()
  let thread: ServerThread
  /// The bridge's clock is so far ahead of the host's.
  static let ahead: Nanoseconds = 1_000_000_000_000

  /// - Parameter answer: frames' JSON for a request, by operation and id; nil: as usual.
  init(
    answer: @escaping @Sendable (_ op: String, _ id: Int64, _ now: Nanoseconds) -> [String]?
  ) {
    let heard = heard
    thread = ServerThread { path, isAskedToEnd, ready in
      do {
        let listener = try UnixSocket.listen(at: path)
        ready()
        Descriptors.wait(reading: [listener], nanoseconds: 5_000_000_000)
        guard let (input, output) = try UnixSocket.accept(on: listener) else { return }
        var reader = FrameReader(descriptor: input)
        let writer = FrameWriter()
        writer.open(output)
        let timekeeper = RealTimekeeper()
        while !isAskedToEnd() {
          switch try reader.next() {
          case .end: return
          case .nothingYet: Descriptors.wait(reading: [input], nanoseconds: 20_000_000)
          case .frame(let frame):
            let head = try frame.decoded(RequestHead.self)
            heard.add(head.op)
            let now = timekeeper.now + Self.ahead
            let usual = [#"{"id":\#(head.id),"t":[\#(now),\#(now)]}"#]
            if head.op == "hello" {
              let hello = """
                {"id":\(head.id),"t":[\(now),\(now)],"proto":1,"bridge":"0","platform":"none",\
                "device":"stimulator","capabilities":[]}
                """
              try writer.write(
                wire(hello, (0...255).map { UInt8($0) }), within: 1_000_000_000)
            } else {
              for json in answer(head.op, head.id, now) ?? usual {
                try writer.write(wire(json), within: 1_000_000_000)
              }
            }
          }
        }
      } catch {
        // The host hung up in mid-sentence.
      }
    }
  }

  func link(_ listener: LinkListener = LinkListener()) throws -> Link {
    let link = Link(
      device: "stg", kind: "stimulator", address: .socket(thread.path),
      timekeeper: RealTimekeeper(), listener: listener)
    try link.open()
    return link
  }
}

extension Link {
  fileprivate func ask(
    _ op: String, limit: Nanoseconds = 2_000_000_000
  ) throws(DeviceError) -> Answer<At?> {
    try exchange(op, Nothing(), limit: limit, as: At?.self)
  }

  fileprivate func error(_ op: String, limit: Nanoseconds = 2_000_000_000) -> DeviceError? {
    do throws(DeviceError) {
      _ = try exchange(op, Nothing(), limit: limit, as: Nothing.self)
      return nil
    } catch {
      return error
    }
  }
}

@Suite(.timeLimit(.minutes(1))) struct LinkTests {
  @Test("A fault told of unasked for is the next call's error, once")
  func fault() throws {
    let bridge = ScriptedBridge { op, id, now in
      guard op == "stg.stop" else { return nil }
      return [
        #"{"id":\#(id),"t":[\#(now),\#(now)]}"#,
        #"{"event":"log","message":"hello","t":1}"#,
        #"{"event":"underrun","message":"a ring ran dry","t":1}"#,
        #"{"event":"fault","message":"over-current: output 3","t":1}"#,
        #"{"event":"stopped","message":"over-current","t":1}"#,
      ]
    }
    let ear = Ear()
    let link = try bridge.link(ear.listener)
    #expect(link.error("stg.stop") == nil)
    Descriptors.wait(nanoseconds: 50_000_000)
    // An emergency stop does not wait for anybody's fault to be told.
    try link.emergencyStop()
    let error = link.error("stg.feed")
    #expect(error?.code == .overCurrent)
    #expect(error?.message == "over-current: output 3")
    #expect(link.hasUnderrun)
    #expect(
      ear.lines == [
        "log: hello", "underrun: a ring ran dry", "fault: over-current: output 3",
        "stopped: over-current",
      ])
    #expect(link.error("stg.feed") == nil)
    #expect(!bridge.heard.all.suffix(2).contains("stg.stop"))
  }

  @Test(
    "Every code of the protocol is a code of device errors",
    arguments: [
      "bad-frame", "version", "unknown-op", "bad-argument", "not-open", "busy", "timeout", "driver",
      "no-such-tag", "read-failed", "not-running", "not-armed", "limit", "estop", "heartbeat",
      "token", "capacity", "underrun", "over-current", "locked",
    ])
  func codes(code: String) throws {
    let bridge = ScriptedBridge { op, id, _ in
      guard op == "stg.feed" else { return nil }
      return [#"{"id":\#(id),"error":{"code":"\#(code)","message":"m","fatal":false}}"#]
    }
    let link = try bridge.link()
    let error = link.error("stg.feed")
    #expect(error?.code.rawValue == code)
    #expect(error?.description == "stg: stg.feed: m (\(code))")
    #expect(link.error("clock") == nil, "the link goes on")
  }

  @Test("A fatal error is thrown with its code, and the link is down from then on")
  func fatal() throws {
    let bridge = ScriptedBridge { op, id, _ in
      guard op == "stg.feed" else { return nil }
      return [#"{"id":\#(id),"error":{"code":"driver","message":"gone","fatal":true}}"#]
    }
    let link = try bridge.link()
    #expect(link.error("stg.feed")?.code == .driver)
    #expect(link.error("clock")?.code == .disconnected)
    #expect(link.error("clock")?.message == "gone")
  }

  @Test("A late answer is dropped; two missing ones end the link")
  func lateAnswers() throws {
    let late = Mutex<Int64?>(nil)
    let bridge = ScriptedBridge { op, id, now in
      switch op {
      case "stg.feed":
        late.withLock { $0 = id }
        return []
      case "stg.stop":
        let before = late.withLock { $0.take() }
        return [before, id].compactMap(\.self).map { #"{"id":\#($0),"t":[\#(now),\#(now)]}"# }
      default: return op == "stg.start" ? [] : nil
      }
    }
    let link = try bridge.link()
    let error = link.error("stg.feed", limit: 50_000_000)
    #expect(error?.code == .timeout)
    #expect(error?.message == "no answer within 50 ms")
    #expect(link.error("stg.stop") == nil)
    #expect(link.error("stg.start", limit: 20_000_000)?.code == .timeout)
    #expect(link.error("stg.start", limit: 20_000_000)?.code == .timeout)
    let last = link.error("clock")
    #expect(last?.code == .disconnected)
    #expect(last?.message == "the bridge has not answered two requests")
  }

  @Test("An emergency stop goes out from any thread while its owner waits for a slow feed")
  func emergencyOvertakes() throws {
    let bridge = ScriptedBridge { op, id, now in
      // The feed is answered by the stop.
      op == "stg.feed" ? [] : nil
    }
    let link = try bridge.link()
    let emergency = link.emergency
    let heard = bridge.heard
    let timekeeper = RealTimekeeper()
    let other = timekeeper.startOwner("control") {
      while !heard.all.contains("stg.feed") { Descriptors.wait(nanoseconds: 1_000_000) }
      try? emergency.stop()
    }
    let start = timekeeper.now
    #expect(link.error("stg.feed", limit: 300_000_000)?.code == .timeout)
    #expect(timekeeper.now - start >= 300_000_000)
    other.join()
    #expect(heard.all.suffix(2) == ["stg.feed", "estop"])
    // The owner's own stop does not wait for the feed either.
    try link.emergencyStop()
    link.close()
    #expect(throws: DeviceError.self) { try emergency.stop() }
  }

  @Test("While a reply is waited for, heart-beats go out behind the request")
  func heartbeats() throws {
    let bridge = ScriptedBridge { op, _, _ in op == "stg.start" ? [] : nil }
    let link = try bridge.link()
    link.heartbeatInterval = 20_000_000
    #expect(link.error("stg.start", limit: 130_000_000)?.code == .timeout)
    let beats = bridge.heard.all.drop { $0 != "stg.start" }.count { $0 == "clock" }
    #expect((2...6).contains(beats))
    link.heartbeatInterval = nil
    #expect(link.error("stg.stop") == nil, "beats are no requests that are missing")
  }

  @Test("Brackets of the bridge's clock become brackets of the host's")
  func brackets() throws {
    let bridge = ScriptedBridge { op, id, now in
      guard op == "estop" || op == "stg.start" else { return nil }
      return [#"{"id":\#(id),"t":[\#(now),\#(now)],"at":[\#(now),\#(now)]}"#]
    }
    let ear = Ear()
    let link = try bridge.link(ear.listener)
    for _ in 0..<5 {
      let answer = try link.exchange("stg.start", Nothing(), limit: 1_000_000_000, as: At.self)
      let bracket = try link.bracket(answer.body.at, answer, "stg.start")
      let now = answer.body.at[0] - ScriptedBridge.ahead
      #expect(bracket.before <= now && now <= bracket.after)
      #expect(answer.exchange.hostSend <= bracket.before)
      #expect(bracket.after <= answer.exchange.hostReceive)
      #expect(ear.exchanges.last == answer.exchange)
    }
    let answer = try link.exchange("stg.start", Nothing(), limit: 1_000_000_000, as: At.self)
    #expect(throws: DeviceError.self) { try link.bracket([2, 1], answer, "stg.start") }
    #expect(link.error("clock")?.code == .disconnected, "nonsense ends the link")
  }
}

@Suite struct LinkClockTests {
  @Test("An exchange that was overtaken, or runs backwards, does not enter the map")
  func order() {
    var clock = LinkClock()
    func exchange(_ t: [Nanoseconds]) -> LinkExchange {
      LinkExchange(hostSend: t[0], bridgeReceive: t[1], bridgeSend: t[2], hostReceive: t[3])
    }
    #expect(clock.bracket([1, 2], in: exchange([0, 0, 0, 0])) == nil, "nothing is known yet")
    let first = clock.add(exchange([1000, 5100, 5200, 1400]))
    #expect(first)
    let early = clock.add(exchange([900, 5300, 5400, 1500]))
    #expect(!early, "sent before the last")
    let overtaken = clock.add(exchange([1500, 5100, 5150, 1900]))
    #expect(!overtaken, "answered before the last")
    let backwards = clock.add(exchange([2000, 6200, 6100, 2400]))
    #expect(!backwards)
    let reversed = clock.add(exchange([2400, 6100, 6200, 2000]))
    #expect(!reversed)
    // Offset: 1000 ≤ T(5100) and T(5200) ≤ 1400, so 3800 … 4100 to subtract: 3950 ± 150,
    // and a hair for what the clocks may differ in rate.
    let last = exchange([1000, 5100, 5200, 1400])
    #expect(clock.bracket([5140, 5160], in: last) == Bracket(before: 1039, after: 1361))
    #expect(clock.bracket([5100, 5200], in: last) == Bracket(before: 1000, after: 1400))
  }
}
