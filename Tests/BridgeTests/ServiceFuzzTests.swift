import Clocks
import Devices
import Foundation
import Samples
import Testing

@testable import Bridge
@testable import Simulator

/// Requests whose frames are intact and whose members are not.
@Suite struct ServiceFuzzTests {
  private static let nasty = [
    "null", "true", "0", "-1", "1", "7", "1e300", "-1e300", "0.5", "4611686018427387904",
    "9223372036854775807", "-9223372036854775808", "18446744073709551615", "65536", "\"\"",
    "\"A\"", "\"data\"", "\"data_i\"", "\"data_c\"", "\"out\"", "\"gain\"", "\"i32\"",
    "\"signal\"", "\"sync\"", "\"pulse\"", "\"current\"", "[]", "[null]", "[0]", "[1,2,4,8]",
    "{}", "{\"gain\":1}", "{\"data_n\":1e9}", "[[]]", "[{}]",
  ]

  private static let names = [
    "model", "index", "attach", "tags", "trigger", "mode", "latch", "buffers", "data", "cycle",
    "from", "size", "max_slots", "type", "serial", "rate", "capacity_bytes", "ring_samples",
    "channel_map", "sync_map", "digout_map", "autostart", "callback_percent", "continuous",
    "triggers", "graceful", "token", "chunks", "channel", "kind", "count", "amplitudes_nA",
    "amplitudes_uV", "durations_us", "repeat", "ttl_ms", "limits", "queue_max_ms",
  ]

  /// A request as it should be, by operation; TOKEN is replaced.
  private static let sound = [
    "tdt.open": #""model":"RZ2","index":1,"interface":"GB","circuit":"x""#,
    "tdt.run": "", "tdt.halt": "", "tdt.status": "",
    "tdt.get": #""tags":["gain","data_n"]"#,
    "tdt.set": #""tags":{"gain":3}"#,
    "tdt.trigger": #""trigger":1,"mode":"pulse""#,
    "tdt.poll": #"""
    "latch":1,"tags":["gain"],"buffers":[{"data":"data","index":"data_i","cycle":"data_c",\#
    "from":0,"max_slots":100,"size":4000}]
    """#,
    "tdt.write": #""data":"out","from":100,"type":"i32","size":500"#,
    "stg.open": "",
    "stg.configure": #"""
    "mode":"current","rate":50000,"capacity_bytes":[10000,10000],"ring_samples":2500,\#
    "channel_map":[1,2],"sync_map":[1,2],"digout_map":[1,2],"autostart":[0,0],\#
    "callback_percent":10,"continuous":true
    """#,
    "stg.start": #""token":"TOKEN","triggers":1"#,
    "stg.stop": #""triggers":1,"graceful":true"#,
    "stg.feed": #""token":"TOKEN","chunks":[{"channel":0,"kind":"signal","from":0,"count":2}]"#,
    "stg.download": #"""
    "token":"TOKEN","channel":0,"amplitudes_nA":[2000,0],"durations_us":[20,20],"repeat":1
    """#,
    "arm": #""ttl_ms":1000,"queue_max_ms":250,"limits":[{"max_mA":1,"max_charge_nC":100}]"#,
  ]

  @Test(
    "Senseless requests are refused or carried out; the server lives", arguments: [true, false])
  func senseless(isCircuit: Bool) throws {
    let timekeeper = VirtualTimekeeper()
    let world = SimulatedWorld(timekeeper: timekeeper)
    let served: ServedDevice =
      isCircuit
      ? .circuit { _ throws(DeviceError) in try Self.circuit(world) }
      : .stimulator { Self.stimulator(world) }
    let service = served.service(timekeeper)
    let operations = (service.operations.union(["arm"])).sorted()
    let seed = UInt64.random(in: 0 ... .max)
    var random = SplitMix64(seed: seed)
    var token = ""
    var done: [String: Int] = [:]
    _ = try service.perform(
      isCircuit ? "tdt.open" : "stg.open",
      frame(
        isCircuit ? Self.sound["tdt.open"] ?? "" : ""))
    for _ in 0..<3000 {
      let op = operations[random.next(below: operations.count)]
      var members = (Self.sound[op] ?? "").replacing("TOKEN", with: token)
      for _ in 0..<random.next(below: 3) { mutate(&members, &random) }
      let blob = (0..<random.next(below: 3) * 4).map { _ in UInt8(random.next(below: 2)) }
      let frame = try frame(members, blob)
      do {
        if op == "arm" {
          token = try service.arm(frame.request()).token ?? ""
        } else {
          _ = try service.perform(op, frame)
        }
        done[op, default: 0] += 1
      } catch let error {
        #expect(error is ServiceError || error is DeviceError, "seed \(seed): \(op) \(members)")
      }
    }
    #expect(done.count >= operations.count - 2, "seed \(seed): \(done)")
    service.safeStop()
  }

  private func frame(_ members: String, _ blob: [UInt8] = []) throws -> Frame {
    let comma = members.isEmpty ? "" : ","
    let bytes = try wire(#"{"id":1,"op":"x"\#(comma)\#(members)}"#, blob)
    var decoder = FrameDecoder()
    return try #require(decode(bytes, &decoder) { 1 << 20 }.first)
  }

  /// Replaces a value, or adds a member, or deletes a character.
  private func mutate(_ members: inout String, _ random: inout SplitMix64) {
    let value = Self.nasty[random.next(below: Self.nasty.count)]
    let name = Self.names[random.next(below: Self.names.count)]
    switch random.next(below: 4) {
    case 0: members += #"\#(members.isEmpty ? "" : ",")"\#(name)":\#(value)"#
    case 1 where !members.isEmpty:
      members.remove(
        at: members.index(members.startIndex, offsetBy: random.next(below: members.count)))
    default:
      let colons = members.indices.filter { members[$0] == ":" }
      guard !colons.isEmpty else { return }
      let start = members.index(after: colons[random.next(below: colons.count)])
      let end = members[start...].firstIndex { ",}]".contains($0) } ?? members.endIndex
      members.replaceSubrange(start..<end, with: value)
    }
  }

  private static func circuit(_ world: SimulatedWorld) throws(DeviceError) -> SimulatedCircuit {
    let format = SlotFormat(source: .int16, destination: .float32, channels: 4)
    let data = SimulatedStore(data: "data", format: format, slots: 4000, scalingFactor: 100)
    let float = SlotFormat(source: .float32, destination: .float32, channels: 1)
    let out = SimulatedStore(.output, data: "out", format: float, slots: 500)
    return try SimulatedCircuit(
      name: "rz", stores: [data, out], scalars: ["gain": 2], latchTrigger: 1, world: world)
  }

  private static func stimulator(_ world: SimulatedWorld) -> SimulatedStimulator {
    var settings = StimulatorSimulation()
    settings.channels = 2
    return SimulatedStimulator(settings: settings, world: world)
  }
}
