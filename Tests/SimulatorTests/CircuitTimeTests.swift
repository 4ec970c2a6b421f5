import Clocks
import Devices
import Samples
import Testing

@testable import Simulator

@Suite struct CircuitTimeTests {
  @Test("Position n is reached when frame n is sampled, to the nanosecond")
  func positionIsTickExact() throws {
    let bench = SimulatorBench()
    let circuit = try bench.circuit([.plain(slots: 1 << 20, every: 4)]) {
      $0.partsPerMillion = 40
      $0.driftPerHour = 7
      $0.wander = 0.5
    }
    try circuit.run()
    for frame: Int64 in [5000, 61_035, 366_210] {
      let time = try #require(circuit.hostTime(ofFrame: frame, in: "x"))
      bench.timekeeper.sleep(until: time - 1)
      #expect(try bench.position(circuit, "x").index == Int(frame))
      bench.timekeeper.sleep(until: time)
      #expect(try bench.position(circuit, "x").index == Int(frame) + 1)
    }
  }

  @Test("The clock's error shows in the count: 40 ppm of 100 s at 10 kHz are 40 ticks")
  func partsPerMillion() throws {
    func count(_ partsPerMillion: Double) throws -> Int64 {
      let bench = SimulatorBench()
      let circuit = try bench.circuit([.plain(slots: 1000)]) {
        $0.rate = 10_000
        $0.partsPerMillion = partsPerMillion
      }
      try circuit.run()
      bench.wait(100_000 - 250)
      return try bench.position(circuit, "x").slots(size: 1000)
    }
    #expect(try count(0) == 1_000_000)
    #expect((1_000_039...1_000_041).contains(try count(40)))
  }

  @Test("Slots hold the value of their own tick, in whatever order they are read")
  func slotsAreLazy() throws {
    let bench = SimulatorBench()
    let circuit = try bench.circuit([.plain(slots: 1000)])
    try circuit.run()
    bench.wait(3_600_000)
    let position = try bench.position(circuit, "x").slots(size: 1000)
    #expect(position == 3600 * 24414 + 225 + 6103 || position == 3600 * 24414 + 225 + 6104)
    for from in [position - 10, position - 1000, position - 500] {
      let (ring, words) = try bench.poll(circuit, "x", size: 1000, from: from, room: 5)
      #expect(ring.start == from)
      #expect(words == (0..<5).map { UInt32(truncatingIfNeeded: from + $0) })
    }
  }

  @Test("A counter of hours is as quick as one of seconds: 24 h in virtual time")
  func daysCostNothing() throws {
    let bench = SimulatorBench()
    let circuit = try bench.circuit([.plain()])
    try circuit.run()
    bench.wait(86_400_000)
    let position = try bench.position(circuit, "x")
    // 86 400.25 s at 24414.0625 Hz are 2 109 381 103.5 ticks.
    #expect((2_109_381_103...2_109_381_104).contains(position.slots(size: 1000)))
  }

  @Test("The words of one tick appear together")
  func wholeFrames() throws {
    let bench = SimulatorBench()
    let store = SimulatedStore(
      data: "x", format: SlotFormat(source: .int16, destination: .int16, channels: 8), slots: 400)
    let circuit = try bench.circuit([store]) { $0.latency = .optical }
    try circuit.run()
    for _ in 0..<50 {
      bench.wait(1)
      #expect(try bench.position(circuit, "x").index % 4 == 0)
    }
  }

  @Test("Size, factor and decimation can be set while running")
  func settingsChange() throws {
    let bench = SimulatorBench()
    let circuit = try bench.circuit([.float(slots: 1000)]) {
      $0.rate = 1000
      $0.signals["x"] = .sum([])
    }
    try circuit.run()
    let before = try bench.position(circuit, "x").slots(size: 1000)
    #expect((250...251).contains(before))
    try circuit.set("x_n", to: 100)
    // An index beyond the new size wraps.
    #expect(try bench.position(circuit, "x") == RingPosition(cycle: 1, index: 0))
    bench.wait(150)
    #expect(try bench.position(circuit, "x") == RingPosition(cycle: 2, index: 50))
    try circuit.set("x_d", to: 10)
    bench.wait(100)
    #expect(try bench.position(circuit, "x") == RingPosition(cycle: 2, index: 60))
    #expect(throws: DeviceError.self) { try circuit.set("x_n", to: 1001) }
    #expect(throws: DeviceError.self) { try circuit.set("x_d", to: 0) }
  }

  @Test("A changed factor holds for the slots written after it")
  func factorIsTheWritersOwn() throws {
    let bench = SimulatorBench()
    let format = SlotFormat(source: .int32, destination: .int32, channels: 2)
    let store = SimulatedStore(data: "x", format: format, slots: 2000, scalingFactor: 10)
    let circuit = try bench.circuit([store]) {
      $0.rate = 1000
      // Channel 0 is sin 0 and channel 1 sin 90°, both forever.
      $0.signals["x"] = .sine(amplitude: 1, frequency: 0, phaseStep: 0.25)
    }
    try circuit.run()
    let changed = try bench.position(circuit, "x").index
    try circuit.set("x_sf", to: 100)
    bench.wait(100)
    let words = try bench.poll(
      circuit, "x", size: 2000, from: Int64(changed) - 2, room: 4
    ).1
    #expect(words == [0, 10, 0, 100])
    #expect(try circuit.values(of: ["x_sf"]) == [100])
  }

  @Test("The same seed gives the same run, another one another start")
  func seeds() throws {
    func brackets(_ seed: UInt64) throws -> [Int64] {
      let bench = SimulatorBench()
      let circuit = try bench.circuit([.plain()]) {
        $0.latency = .optical
        $0.seed = seed
      }
      try circuit.run()
      return try (0..<20).map { _ in
        bench.wait(5)
        let bracket = try circuit.fire(.software(1), mode: .pulse)
        return bracket.after - bracket.before
      }
    }
    #expect(try brackets(1) == brackets(1))
    #expect(try brackets(1) != brackets(2))
  }

  @Test("Calls take what the bus takes: a megabyte from an RZ over the optical bus, 100 ms")
  func transferTime() throws {
    let bench = SimulatorBench()
    let circuit = try bench.circuit([.plain(slots: 250_000)]) {
      $0.rate = 1e6
      $0.latency = .optical
    }
    try circuit.run()
    bench.wait(1000)
    let before = bench.timekeeper.now
    _ = try bench.poll(circuit, "x", size: 250_000, from: 0, room: 250_000)
    let took = bench.timekeeper.now - before
    // 100 ms for the bytes, about 1.5 ms for nine calls, and at most a few outliers of 30 ms.
    #expect((100_500_000...200_000_000).contains(took))
  }

  @Test("An RP has a slower bus, and writing to an RX is slower than reading")
  func busLimits() {
    func seconds(_ model: String, _ writes: Bool) -> Double {
      var latency = Latency(.optical, device: model, seed: 1)
      let transfer =
        writes ? latency.write(bytes: 1_000_000).transfer : latency.read(bytes: 1_000_000).transfer
      return Double(transfer) * 1e-9
    }
    #expect(abs(seconds("RP2", false) - 1 / 1.5) < 1e-6)
    #expect(abs(seconds("RX8", false) - 0.1) < 1e-6)
    #expect(abs(seconds("RX8", true) - 0.4) < 1e-6)
    #expect(abs(seconds("RZ2", true) - 0.1) < 1e-6)
  }

  @Test("One call in a hundred is an outlier of 5 to 30 ms, the rest are near their median")
  func outliers() {
    var latency = Latency(.optical, device: "RZ2", seed: 3)
    var times: [Double] = []
    for _ in 0..<20_000 {
      let ways = latency.scalar()
      times.append(Double(ways.there + ways.back) * 1e-6)
    }
    let outliers = times.filter { $0 > 5 }
    #expect((150...250).contains(outliers.count))
    #expect(outliers.allSatisfy { $0 < 32 })
    times.sort()
    #expect(abs(times[10_000] - 0.25) < 0.02)
  }
}
