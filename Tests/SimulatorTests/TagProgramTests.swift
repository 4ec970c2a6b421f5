import Clocks
import Devices
import Samples
import Testing

@testable import Simulator

/// The circuits that epochs are acquired from: what they do with tags and stores at a trigger.
@Suite struct TagProgramTests {
  private let trigger = Trigger.software(4)

  private func circuit(
    _ bench: SimulatorBench, _ program: TagProgram, gate: SimulatedStore.Gate? = nil
  ) throws -> SimulatedCircuit {
    var store = SimulatedStore.plain(slots: 5000)
    store.gate = gate
    let circuit = try bench.circuit([store], programs: [program], latch: nil) { $0.rate = 1000 }
    try circuit.run()
    return circuit
  }

  /// The tag's value a number of ticks after the trigger.
  private func values(
    _ program: TagProgram, after ticks: [Int64]
  ) throws -> [Float] {
    let bench = SimulatorBench()
    let circuit = try circuit(bench, program)
    #expect(try circuit.values(of: ["tag"]) == [0])
    let start = bench.timekeeper.now
    try circuit.fire(trigger, mode: .pulse)
    return try ticks.map { ticks in
      bench.timekeeper.sleep(until: start + ticks * 1_000_000)
      return try circuit.values(of: ["tag"])[0]
    }
  }

  @Test("A running tag is true for as many ticks as the program says")
  func running() throws {
    let program = TagProgram(
      trigger: trigger, tag: "tag", atTrigger: .value(1), ticks: 100, afterwards: .value(0))
    #expect(try values(program, after: [1, 99, 102]) == [1, 1, 0])
  }

  @Test("A complete tag becomes true at the end")
  func complete() throws {
    let program = TagProgram(
      trigger: trigger, tag: "tag", atTrigger: .value(0), ticks: 100, afterwards: .value(1))
    #expect(try values(program, after: [1, 99, 102]) == [0, 0, 1])
  }

  @Test("A toggle changes at the end of every trial")
  func toggle() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(
      bench,
      TagProgram(trigger: trigger, tag: "tag", atTrigger: .none, ticks: 10, afterwards: .toggle))
    for expected: Float in [1, 0, 1] {
      try circuit.fire(trigger, mode: .pulse)
      #expect(try circuit.values(of: ["tag"]) == [1 - expected])
      bench.wait(20)
      #expect(try circuit.values(of: ["tag"]) == [expected])
    }
  }

  @Test("A time stamp takes the tick of the end")
  func timestamp() throws {
    let program = TagProgram(
      trigger: trigger, tag: "tag", atTrigger: .none, ticks: 100, afterwards: .tick)
    // The trigger comes in tick 250 and acts in tick 251.
    #expect(try values(program, after: [99, 102]) == [0, 351])
  }

  @Test("Other triggers do nothing")
  func otherTriggers() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(
      bench,
      TagProgram(trigger: .zBusA, tag: "tag", atTrigger: .value(1), ticks: 1, afterwards: .none))
    try circuit.fire(.software(1), mode: .pulse)
    try circuit.fire(.zBusB, mode: .high)
    #expect(try circuit.values(of: ["tag"]) == [0])
    try circuit.fire(.zBusA, mode: .high)
    #expect(try circuit.values(of: ["tag"]) == [1])
  }

  @Test("A gated store runs for its ticks after the trigger and begins at 0 each time")
  func gatedStore() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(
      bench,
      TagProgram(
        trigger: trigger, tag: "tag", atTrigger: .value(1), ticks: 1000, afterwards: .value(0)),
      gate: .init(trigger: trigger, length: .ticks(1000), resetsPosition: true))
    bench.wait(500)
    #expect(try circuit.values(of: ["x_i"]) == [0])
    for _ in 0..<3 {
      let before = try #require(circuit.tick(at: bench.timekeeper.now))
      try circuit.fire(trigger, mode: .pulse)
      bench.wait(500)
      let index = Int(try circuit.values(of: ["x_i"])[0])
      #expect((498...500).contains(index))
      bench.wait(1000)
      #expect(try circuit.values(of: ["x_i", "x_c", "tag"]) == [1000, 0, 0])
      let (ring, words) = try bench.poll(
        circuit, "x", size: 5000, from: 0, room: 5000, latch: nil)
      #expect(ring.count == 1000)
      #expect(words.first.map { Int64($0) } == before + 1)
      #expect(words.last.map { Int64($0) } == before + 1000)
    }
  }

  @Test("A gated store that is not reset goes on where it stopped")
  func gatedWithoutReset() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(
      bench,
      TagProgram(trigger: trigger, tag: "tag", atTrigger: .none, ticks: 0, afterwards: .none),
      gate: .init(trigger: trigger, length: .ticks(3000), resetsPosition: false))
    for expected: [Float] in [[3000, 0], [1000, 1]] {
      try circuit.fire(trigger, mode: .pulse)
      bench.wait(4000)
      #expect(try circuit.values(of: ["x_i", "x_c"]) == expected)
    }
    // Slots 4000 … 5999 are frames of the second gate's last 2000 ticks.
    let (_, words) = try bench.poll(circuit, "x", size: 5000, from: 4000, room: 2000, latch: nil)
    #expect(words.count == 2000)
    #expect(zip(words, words.dropFirst()).allSatisfy { $1 == $0 + 1 })
    // Before them in the ring stands the first gate's end.
    let older = try bench.poll(circuit, "x", size: 5000, from: 2999, room: 2, latch: nil).1
    #expect(older.count == 2 && older[1] - older[0] > 1000)
  }

  @Test("A store can run from its trigger for good")
  func startTrigger() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(
      bench,
      TagProgram(trigger: trigger, tag: "tag", atTrigger: .none, ticks: 0, afterwards: .none),
      gate: .init(trigger: .zBusA, length: .unlimited, resetsPosition: true))
    bench.wait(100)
    try circuit.fire(.zBusA, mode: .high)
    bench.wait(1000)
    #expect((999...1001).contains(Int(try circuit.values(of: ["x_i"])[0])))
  }
}
