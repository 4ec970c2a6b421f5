import Clocks
import Devices
import Foundation
import Samples
import Testing

@testable import Simulator

/// What a circuit records of a stimulator: against the truth, to the tick.
@Suite struct EvokedTests {
  /// A circuit that records `model` on a float store, and a stimulator that puts out `samples` once.
  private func record(
    _ model: SignalModel, _ samples: [Int16], sync: [Int16] = [], keepsTruth: Bool = true,
    latency: LatencyModel = .none
  ) throws -> (values: [Double], times: [Double], world: SimulatedWorld) {
    let bench = SimulatorBench(keepsTruth: keepsTruth)
    let circuit = try bench.circuit([.float(slots: 20_000)]) {
      $0.rate = 24414.0625
      $0.partsPerMillion = 60
      $0.wander = 1
      $0.latency = latency
      $0.signals["x"] = model
    }
    var settings = StimulatorSimulation()
    settings.latency = latency
    settings.partsPerMillion = -80
    let stimulator = SimulatedStimulator(settings: settings, world: bench.world)
    let contract = StimulatorContract(stimulator: stimulator, timekeeper: bench.timekeeper)
    _ = try stimulator.configure(contract.setup())
    try stimulator.arm(limits: [], queueMilliseconds: 250, timeToLiveMilliseconds: 60_000)
    var reply = FeedReply()
    try samples.withUnsafeBufferPointer { samples in
      try sync.withUnsafeBufferPointer { sync in
        try stimulator.feed(
          [
            FeedChunk(channel: 0, kind: .signal, from: 0, samples: samples),
            FeedChunk(channel: 0, kind: .sync, from: 0, samples: sync),
          ], &reply)
      }
    }
    _ = try stimulator.start(triggers: 1)
    try circuit.run()
    let (ring, words) = try bench.poll(circuit, "x", size: 20_000, from: 0, room: 20_000)
    #expect(ring.start == 0)
    let times = try (0..<words.count).map {
      Double(try #require(circuit.hostTime(ofFrame: Int64($0), in: "x"))) * 1e-9
    }
    return (words.map { Double(Float(bitPattern: $0)) }, times, bench.world)
  }

  /// One pulse of 1 mA for 0.2 ms, after 40 ms of nothing: the circuit needs a while to start.
  private let pulse =
    Array(repeating: Int16(0), count: 2000) + Array(repeating: 2000, count: 10)
    + Array(repeating: 0, count: 100)

  @Test("A loop-back records the output: its edges fall on the first tick after the truth")
  func loopBack() throws {
    let (values, times, world) = try record(.output(stimulusChannel: 0), pulse)
    let runs = world.runs(of: .channel(0))
    let on = Double(runs[0].time) * 1e-9
    let off = Double(runs[1].time) * 1e-9
    for (value, time) in zip(values, times) {
      // A nanosecond, for the rounding of the times.
      guard abs(time - on) > 2e-9, abs(time - off) > 2e-9 else { continue }
      #expect(value == (time > on && time < off ? 1 : 0))
    }
    #expect((4...5).contains(values.filter { $0 == 1 }.count), "0.2 ms are 4.9 ticks")
  }

  @Test("The sync line is recorded at its level")
  func sync() throws {
    let high = Array(repeating: Int16(0), count: 2000) + Array(repeating: 1, count: 50) + [0]
    let (values, times, world) = try record(.sync(output: 0, level: 5), pulse, sync: high)
    let edges = world.runs(of: .sync(0))
    #expect(edges.map(\.code) == [1, 0])
    let first = try #require(values.firstIndex { $0 == 5 })
    #expect(times[first] >= Double(edges[0].time) * 1e-9)
    #expect(times[first - 1] < Double(edges[0].time) * 1e-9 + 1e-9)
    #expect((24...25).contains(values.filter { $0 == 5 }.count), "1 ms is 24.4 ticks")
  }

  @Test("An evoked response is an alpha function of the charge, later by its latency")
  func evoked() throws {
    let latency = 0.005
    let timeConstant = 0.003
    let (values, times, world) = try record(
      .evoked(stimulusChannel: 0, gain: 2, latency: latency, timeConstant: timeConstant), pulse)
    let runs = world.runs(of: .channel(0))
    let onset = Double(runs[0].time) * 1e-9
    let width = Double(runs[1].time - runs[0].time) * 1e-9
    #expect(abs(width - 0.0002 * 1.00008) < 2e-9)
    for (value, time) in zip(values, times) {
      // The pulse of 0.2 ms as 200 impulses.
      var expected = 0.0
      for impulse in 0..<200 {
        let x = (time - onset - latency - (Double(impulse) + 0.5) * width / 200) / timeConstant
        if x > 0 { expected += 2 * width * 5 * x * exp(1 - x) }
      }
      #expect(abs(value - expected) < 2e-6, "at \((time - onset) * 1000) ms")
    }
    let peak = try #require(values.max())
    #expect(abs(peak - 2 * 0.2) < 0.001, "unit peak for 1 mA · ms")
    let place = try #require(values.firstIndex(of: peak))
    #expect(abs(times[place] - onset - latency - timeConstant - 0.0001) < 1e-4)
  }

  @Test("Cathodic and anodic phases evoke alike, and responses add up")
  func rectified() throws {
    let model = SignalModel.evoked(
      stimulusChannel: 0, gain: 1, latency: 0.001, timeConstant: 0.002)
    let biphasic =
      Array(repeating: Int16(0), count: 2000) + Array(repeating: 2000, count: 10)
      + Array(repeating: -2000, count: 10) + [0]
    let one = try #require(record(model, pulse).values.max())
    let both = try #require(record(model, biphasic).values.max())
    #expect(both > 1.98 * one && both < 2 * one)
  }

  @Test("A world that forgets records the same")
  func forgetting() throws {
    let model = SignalModel.evoked(
      stimulusChannel: 0, gain: 1, latency: 0.001, timeConstant: 0.002)
    let train = (0..<40).flatMap { _ in
      Array(repeating: Int16(2000), count: 5) + Array(repeating: 0, count: 45)
    }
    #expect(
      try record(model, train, keepsTruth: true).values
        == record(model, train, keepsTruth: false).values)
  }

  @Test("Hours of pulses, read second by second, leave nothing behind")
  func bounded() throws {
    let timekeeper = VirtualTimekeeper()
    let world = SimulatedWorld(timekeeper: timekeeper)
    var settings = CircuitSimulation()
    settings.latency = .none
    settings.rate = 1000
    settings.signals["x"] = .evoked(
      stimulusChannel: 0, gain: 1, latency: 0.01, timeConstant: 0.005)
    let circuit = try SimulatedCircuit(
      name: "rz", settings: settings, stores: [.float(slots: 1000)], latchTrigger: 1, world: world)
    let follower = OutputFollower(
      SignalContext(
        rate: 1000, format: circuit.stores[0].store.format, seed: 1, world: world,
        memory: 1_000_000_000, player: { _ throws(DeviceError) in preconditionFailure() },
        array: { _ throws(DeviceError) in preconditionFailure() }), .channel(0))
    let stimulator = SimulatedStimulator(world: world)
    let contract = StimulatorContract(stimulator: stimulator, timekeeper: timekeeper)
    try contract.arm(timeToLive: 20_000)
    // 100 Hz for an hour.
    try stimulator.download(
      channel: 0, amplitudes: [500_000, -500_000, 0], durations: [100, 100, 9800], repeats: 360_000)
    _ = try stimulator.start(triggers: 1)
    try circuit.run()
    let memory = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: 1000)
    defer { memory.deallocate() }
    var peak: Float = 0
    for second in 0..<600 {
      timekeeper.sleep(until: timekeeper.now + 900_000_000)
      if second % 10 == 0 { try stimulator.heartbeat() }
      var poll = Poll(
        latch: 1,
        rings: [
          Poll.Ring(
            tags: RingTags(data: "x", index: "x_i", cycle: "x_c"), size: 1000, destination: memory)
        ])
      try circuit.poll(&poll)
      for word in memory.prefix(poll.rings[0].count) { peak = max(peak, Float(bitPattern: word)) }
      follower.follow(until: timekeeper.now)
      follower.trim()
      #expect(follower.runs.count < 2000)
    }
    #expect(peak > 0.05)
    #expect(world.runs(of: .channel(0)).count < 2000)
  }
}
