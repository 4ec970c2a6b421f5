import Clocks
import Devices
import Samples
import Testing

@testable import Simulator

@Suite struct CircuitFaultTests {
  /// A circuit of 1000 ticks a second whose slots are numbered from 0, with one fault.
  private func circuit(
    _ bench: SimulatorBench, _ fault: CircuitFault.Kind, at: Double = 1, slots: Int = 1000
  ) throws -> SimulatedCircuit {
    let circuit = try bench.circuit([.plain(slots: slots)], scalars: ["gain": 2]) {
      $0.rate = 1000
      $0.faults = [CircuitFault(kind: fault, at: at)]
    }
    try circuit.run()
    return circuit
  }

  private func slots(_ bench: SimulatorBench, _ circuit: SimulatedCircuit) throws -> Int64 {
    try bench.position(circuit, "x").slots(size: 1000)
  }

  private func code(_ body: () throws -> Void) -> DeviceError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? DeviceError)?.code
    }
  }

  @Test("A latency spike befalls one call")
  func latency() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(bench, .latency(seconds: 0.7))
    bench.wait(1000)
    let before = bench.timekeeper.now
    _ = try circuit.health()
    #expect(bench.timekeeper.now - before == 700_000_000)
    _ = try circuit.health()
    #expect(bench.timekeeper.now - before == 700_000_000)
  }

  @Test("An error befalls one call, with the call's code")
  func error() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(bench, .error)
    bench.wait(1000)
    #expect(code { _ = try circuit.values(of: ["gain"]) } == .readFailed)
    #expect(try circuit.values(of: ["gain"]) == [2])
  }

  @Test("While the device is disconnected every call fails, and it goes on by itself")
  func disconnect() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(bench, .disconnect(seconds: 0.5))
    bench.wait(750)
    for _ in 0..<5 {
      #expect(code { _ = try circuit.health() } == .disconnected)
      #expect(code { try circuit.reconnect() } == .disconnected)
      bench.wait(100)
    }
    try circuit.reconnect()
    #expect((1500...1501).contains(try slots(bench, circuit)))
  }

  @Test("A call under way when the device goes fails, a link gone for good never returns")
  func disconnectForGood() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(bench, .disconnect(seconds: .infinity))
    bench.wait(86_400_000)
    #expect(code { try circuit.reconnect() } == .disconnected)
    circuit.close()
  }

  @Test("A torn position is one cycle off, once")
  func torn() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(bench, .torn, at: 2)
    bench.wait(1850)
    // 2100 slots: cycle 2, index 100; the index has wrapped, the cycle is not yet counted.
    #expect(try bench.position(circuit, "x").cycle == 1)
    #expect(try bench.position(circuit, "x").cycle == 2)
    let late = try self.circuit(bench, .torn, at: 2)
    bench.wait(2550)
    // 2800 slots: the cycle is already counted, the index has not wrapped.
    #expect(try bench.position(late, "x").cycle == 3)
    #expect(try bench.position(late, "x").cycle == 2)
  }

  @Test("A stalled store stands still, then goes on where it stopped, with the slots of its time")
  func stall() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(bench, .stall(seconds: 0.5))
    bench.wait(850)
    let still = try slots(bench, circuit)
    #expect((1000...1001).contains(still))
    bench.wait(300)
    #expect(try slots(bench, circuit) == still)
    bench.wait(300)
    #expect(try slots(bench, circuit) == still + 200)
    let (_, words) = try bench.poll(circuit, "x", size: 1000, from: still - 2, room: 4)
    let gap = UInt32(still) + 500
    #expect(words == [gap - 502, gap - 501, gap, gap + 1])
  }

  @Test("After a reset index and cycle begin at 0 and the circuit goes on")
  func reset() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(bench, .reset, at: 2.5)
    bench.wait(2240)
    #expect((2490...2491).contains(try slots(bench, circuit)))
    bench.wait(210)
    #expect(try bench.position(circuit, "x") == RingPosition(cycle: 0, index: 200))
    let (ring, words) = try bench.poll(circuit, "x", size: 1000, from: 198, room: 10)
    #expect(ring.count == 2)
    // The frames go on: 2500 before the reset and 198 since.
    #expect(words[0] == 2698 || words[0] == 2699)
    #expect(try circuit.health().status.contains(.running))
  }

  @Test("A halted circuit stands still and says so; run again it begins at 0")
  func halt() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(bench, .halt)
    bench.wait(1850)
    #expect(try circuit.health().status == [.connected, .loaded])
    #expect(try slots(bench, circuit) == 0, "nothing latches any more")
    try circuit.run()
    #expect(try bench.position(circuit, "x") == RingPosition(cycle: 0, index: 250))
  }

  @Test("A tag changes by itself: the scaling factor and a scalar")
  func setTag() throws {
    let bench = SimulatorBench()
    let circuit = try bench.circuit([.plain()], scalars: ["gain": 2]) {
      $0.faults = [
        CircuitFault(kind: .setTag(name: "x_sf", value: 5), at: 1),
        CircuitFault(kind: .setTag(name: "gain", value: 3), at: 1),
      ]
    }
    try circuit.run()
    #expect(try circuit.values(of: ["x_sf", "gain"]) == [1, 2])
    bench.wait(1000)
    #expect(try circuit.values(of: ["x_sf", "gain"]) == [5, 3])
  }

  @Test("A tag that a circuit can hold takes any value; what it cannot is refused at opening")
  func setSenselessTag() throws {
    let bench = SimulatorBench()
    let circuit = try bench.circuit([.plain()]) {
      $0.faults = [CircuitFault(kind: .setTag(name: "x_sf", value: 0), at: 1)]
    }
    try circuit.run()
    bench.wait(1000)
    #expect(try circuit.values(of: ["x_sf"]) == [0])

    for (tag, value) in [("x_sff", 1.0), ("x_i", 1), ("x", 1), ("x_n", 1001), ("x_d", 0.5)] {
      #expect(throws: DeviceError.self) {
        try bench.circuit([.plain()]) {
          $0.faults = [CircuitFault(kind: .setTag(name: tag, value: value), at: 1)]
        }
      }
    }
  }

  @Test("A lap in the transfer takes as long as the ring, and the second position shows it")
  func lap() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(bench, .lap(times: 1), at: 1)
    bench.timekeeper.sleep(until: try #require(circuit.hostTime(ofFrame: 1999, in: "x")))
    let before = bench.timekeeper.now
    let (ring, words) = try bench.poll(circuit, "x", size: 1000, from: 1000, room: 1000)
    #expect(bench.timekeeper.now - before == 1_000_000_000)
    #expect(ring.first == RingPosition(cycle: 2, index: 0))
    #expect(ring.second == RingPosition(cycle: 3, index: 0))
    // Word i leaves at (i + 1) ms, when 2000 + i + 1 slots are written: place i has just been
    // overwritten by slot 2000 + i.
    #expect(words == (2000..<3000).map { UInt32($0) })
  }

  @Test("A lap of a half leaves the later half of the words as they were")
  func halfLap() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(bench, .lap(times: 0.5), at: 1)
    let wait = try #require(circuit.hostTime(ofFrame: 1999, in: "x"))
    bench.timekeeper.sleep(until: wait)
    let (ring, words) = try bench.poll(circuit, "x", size: 1000, from: 1000, room: 1000)
    #expect(ring.first == RingPosition(cycle: 2, index: 0))
    #expect(ring.second == RingPosition(cycle: 2, index: 500))
    // Word i leaves at (i + 1) / 2 ms and the device writes place i at (i + 1) ms: nothing is
    // overwritten before it has left.
    #expect(words == (1000..<2000).map { UInt32($0) })
  }

  @Test("A slow transfer from the middle loses the words the device passes first")
  func middleLap() throws {
    let bench = SimulatorBench()
    let circuit = try circuit(bench, .lap(times: 2), at: 1)
    bench.timekeeper.sleep(until: try #require(circuit.hostTime(ofFrame: 1999, in: "x")))
    let (_, words) = try bench.poll(circuit, "x", size: 1000, from: 1000, room: 1000)
    // Word i leaves at 2 · (i + 1) ms, when the device has written 2000 + 2i + 2 slots: place i
    // holds slot 2000 + i, or 3000 + i once the device is round again.
    for (place, word) in words.enumerated() {
      let written = 2000 + 2 * (place + 1)
      #expect(word == UInt32(3000 + place < written ? 3000 + place : 2000 + place))
    }
  }

  @Test("Faults by chance come at the rate given, and the same seed gives the same faults")
  func chance() throws {
    func failures(_ seed: UInt64) throws -> [Int] {
      let bench = SimulatorBench()
      let circuit = try bench.circuit([.plain()]) {
        $0.seed = seed
        $0.faults = [CircuitFault(kind: .error, at: nil, probability: 0.05)]
      }
      try circuit.run()
      return (0..<1000).filter { _ in
        bench.wait(1)
        return code { _ = try bench.position(circuit, "x") } == .readFailed
      }
    }
    let first = try failures(1)
    #expect((30...75).contains(first.count))
    #expect(try failures(1) == first)
    #expect(try failures(2) != first)
  }

  @Test("Unlatched index and cycle disagree at the wrap now and then, settled ones never")
  func unlatchedRace() throws {
    let bench = SimulatorBench()
    let circuit = try bench.circuit([.plain(slots: 100)], latch: nil) { $0.latency = .optical }
    try circuit.run()
    var torn = 0
    for _ in 0..<500 {
      bench.wait(3)
      let values = try circuit.values(of: ["x_i", "x_c"])
      let truth = try #require(circuit.tick(at: bench.timekeeper.now))
      // The position is at most a call (0.25 ms, 6 ticks; 30 ms for an outlier) old.
      if Int64(values[1]) * 100 + Int64(values[0]) > truth { torn += 1 }
      let (ring, _) = try bench.poll(circuit, "x", size: 100, from: .max, room: 0, latch: nil)
      let now = try #require(circuit.tick(at: bench.timekeeper.now))
      #expect(ring.first.slots(size: 100) <= now)
      #expect(ring.first.slots(size: 100) > now - 3000)
    }
    #expect((1...100).contains(torn))
  }

  @Test("Latch outputs are 0 before the first trigger and frozen between triggers")
  func latch() throws {
    let bench = SimulatorBench()
    let circuit = try bench.circuit([.plain()], latch: 3) { $0.rate = 1000 }
    #expect(circuit.tags.first { $0.name == "x_i" }?.type == .latch)
    try circuit.run()
    #expect(try circuit.values(of: ["x_i", "x_c"]) == [0, 0])
    try circuit.fire(.software(2), mode: .pulse)
    #expect(try circuit.values(of: ["x_i"]) == [0])
    try circuit.fire(.software(3), mode: .high)
    #expect(try circuit.values(of: ["x_i"]) == [250])
    bench.wait(100)
    #expect(try circuit.values(of: ["x_i"]) == [250])
    try circuit.fire(.software(3), mode: .high)
    #expect(try circuit.values(of: ["x_i"]) == [250], "only a rising edge latches")
    try circuit.fire(.software(3), mode: .low)
    try circuit.fire(.software(3), mode: .pulse)
    #expect(try circuit.values(of: ["x_i"]) == [350])
  }

  @Test("A scalar tag carries 24 bits")
  func floatScalars() throws {
    let bench = SimulatorBench()
    let circuit = try bench.circuit([], scalars: ["n": 0])
    try circuit.set("n", to: Float(16_777_217 as Int))
    #expect(try circuit.values(of: ["n"]) == [16_777_216])
  }
}
