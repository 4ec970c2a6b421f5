import Bridge
import Clocks
import Devices
import Foundation
import Samples
import Testing

/// The contract of a circuit on real hardware, where the environment names a bridge's command:
/// `DAQREC_RIG="ssh -T rig python -u -m daqrec_bridge --device tdt"`, with `DAQREC_RIG_MODEL`
/// (RZ2) and `DAQREC_RIG_CIRCUIT`, the path of a circuit on the rig that has a store with index and
/// cycle tags and latches them by trigger 1. Nothing is put out.
@Suite(.enabled(if: Rig.command != nil, "DAQREC_RIG names no command"), .timeLimit(.minutes(2)))
struct RigTests {
  @Test func aCircuitOnTheRigCountsItsStoreAndAnswersInTime() throws {
    let timekeeper = RealTimekeeper()
    let circuit = try BridgedCircuit(
      name: "rig", address: .command(try #require(Rig.command)), opening: Rig.opening,
      timekeeper: timekeeper)
    defer { circuit.close() }
    #expect(circuit.rate > 0)
    let store = try #require(
      circuit.tags.first { tag in
        tag.type == .buffer && circuit.tags.contains { $0.name == tag.name + "_c" }
      }, "the circuit has no store with a cycle tag")

    try circuit.run()
    #expect(try circuit.health().status.contains(.running))
    let words = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: store.size)
    defer { words.deallocate() }
    let tags = RingTags(data: store.name, index: store.name + "_i", cycle: store.name + "_c")
    var poll = Poll(
      latch: 1, rings: [Poll.Ring(tags: tags, size: store.size, from: .max, destination: words)])
    try circuit.poll(&poll)
    let first = poll.rings[0].first.slots(size: store.size)
    #expect(poll.rings[0].count == 0)
    timekeeper.sleep(until: timekeeper.now + 100_000_000)

    poll.rings[0].from = first
    try circuit.poll(&poll)
    let ring = poll.rings[0]
    #expect(ring.start == first)
    #expect(ring.count > 0)
    #expect(ring.first.slots(size: store.size) == first + Int64(ring.count))
    #expect(ring.second.slots(size: store.size) >= ring.first.slots(size: store.size))
    #expect(poll.firstLatch.before <= poll.firstLatch.after)
    #expect(poll.firstLatch.after <= timekeeper.now)
    try circuit.halt()
  }
}

private enum Rig {
  static var command: [String]? { value("DAQREC_RIG")?.split(separator: " ").map(String.init) }

  static var opening: CircuitOpening {
    CircuitOpening(
      model: value("DAQREC_RIG_MODEL") ?? "RZ2", circuit: value("DAQREC_RIG_CIRCUIT"))
  }

  private static func value(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name]
  }
}
