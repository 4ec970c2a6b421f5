import Clocks
import Devices
import Foundation
import Testing

@testable import Bridge

/// What becomes of a command that is no bridge, and what is said of it.
@Suite(.timeLimit(.minutes(1))) struct StartingTests {
  private func open(
    _ command: [String], helloLimit: Nanoseconds = 5_000_000_000, _ ear: Ear = Ear()
  ) -> DeviceError? {
    let link = Link(
      device: "rz", kind: "circuit", address: .command(command), timekeeper: RealTimekeeper(),
      listener: ear.listener, helloLimit: helloLimit)
    do {
      try link.open()
      return nil
    } catch {
      return error
    }
  }

  /// A bridge that answers the first request with this, and then waits.
  private func answering(_ json: String, _ blob: [UInt8]) throws -> [String] {
    let path = NSTemporaryDirectory() + "frame-\(UInt32.random(in: 0 ... .max))"
    try Data(wire(json, blob)).write(to: URL(filePath: path))
    return ["sh", "-c", "head -c 1 > /dev/null; cat \(path); rm \(path); exec sleep 60"]
  }

  private let bytes = (0...255).map { UInt8($0) }

  private func hello(proto: Int = 1, device: String = "circuit") -> String {
    """
    {"id":1,"t":[1,2],"proto":\(proto),"bridge":"0","platform":"none","device":"\(device)",\
    "capabilities":[]}
    """
  }

  @Test("A command that is not there")
  func missing() {
    let error = open(["/no/such/daqrec-bridge"])
    #expect(error?.code == .disconnected)
    #expect(
      error?.message == "cannot start \"/no/such/daqrec-bridge\": No such file or directory")
    #expect(open([])?.message == "the command is empty")
  }

  @Test("A command that dies at once gives its exit code and its last words")
  func diesAtOnce() {
    let ear = Ear()
    let error = open(["sh", "-c", "echo first >&2; echo 'no such host' >&2; exit 3"], ear)
    #expect(error?.code == .disconnected)
    #expect(error?.message == "\"sh\" ended with exit code 3: no such host")
    #expect(ear.lines == ["sh: first", "sh: no such host"])
    #expect(open(["sh", "-c", "kill -9 $$"])?.message == "\"sh\" was ended by signal 9")
    #expect(open(["true"])?.message == "\"true\" ended with exit code 0")
  }

  @Test("A command that answers something else")
  func rubbish() {
    let error = open(["sh", "-c", "echo Welcome to Ubuntu; exec sleep 60"])
    #expect(error?.code == .badFrame)
    #expect(
      error?.message
        == "the bridge answers with rubbish: not a frame: it begins with \"Welcome to Ubunt\"")
  }

  @Test("A transport that mangles bytes")
  func mangles() throws {
    var echo = bytes
    echo[10] = 13
    let changed = open(try answering(hello(), echo))
    #expect(changed?.message == "the link mangles bytes: 10 came back as 13")
    #expect(changed?.code == .badFrame)
    let short = open(try answering(hello(), Array(bytes.dropFirst())))
    #expect(short?.message == "the link mangles bytes: of 256 sent, 255 came back")
  }

  @Test("A bridge of another version, or of another device")
  func otherVersion() throws {
    let version = open(try answering(hello(proto: 2), bytes))
    #expect(version?.code == .version)
    #expect(version?.message == "the bridge speaks proto 2, this recorder 1")
    let refusing = open(
      try answering(
        #"{"id":1,"error":{"code":"version","message":"not 1","fatal":true}}"#, []))
    #expect(refusing?.code == .version)
    #expect(refusing?.message == "not 1")
    let device = open(try answering(hello(device: "stimulator"), bytes))
    #expect(device?.message == "the bridge serves a stimulator, not a circuit")
  }

  @Test("A bridge whose JSON makes no sense")
  func nonsense() throws {
    #expect(
      open(try answering(#"{"id":1,"t":[1,2],"proto":1}"#, bytes))?.message
        == "the reply makes no sense: bridge is missing")
    let error = open(try answering("[]", []))
    #expect(error?.message.hasPrefix("the bridge answers with rubbish: ") == true)
  }

  @Test("A command that hangs is given up in time, and ended")
  func hangs() {
    let clock = ContinuousClock()
    let start = clock.now
    let error = open(["sleep", "60"], helloLimit: 200_000_000)
    #expect(error?.code == .timeout)
    #expect(error?.message == "no answer within 200 ms")
    #expect(clock.now - start < .seconds(2))
  }
}
