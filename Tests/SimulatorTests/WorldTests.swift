import Clocks
import Devices
import Samples
import Synchronization
import Testing

@testable import Simulator

/// Both devices, each on its own owner.
@Suite struct WorldTests {
  /// A circuit that records the loop-back and a stimulator that streams pulses, for two seconds.
  ///
  /// - Returns: every word read, and when each of the feeds was over.
  private func run(seed: UInt64) throws -> (words: [UInt32], feeds: [Nanoseconds]) {
    let timekeeper = VirtualTimekeeper()
    let world = SimulatedWorld(timekeeper: timekeeper)
    let words = Mutex<[UInt32]>([])
    let feeds = Mutex<[Nanoseconds]>([])
    let failures = Mutex<[String]>([])
    let recorder = timekeeper.startOwner("recorder") {
      do {
        var settings = CircuitSimulation()
        settings.seed = seed
        settings.signals["x"] = .sum([
          .output(stimulusChannel: 0), .noise(deviation: 0.1, correlation: 0.9),
        ])
        let circuit = try SimulatedCircuit(
          name: "rz", settings: settings, stores: [.float(slots: 24_000)], latchTrigger: 1,
          world: world)
        try circuit.run()
        let memory = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: 24_000)
        defer { memory.deallocate() }
        var poll = Poll(
          latch: 1,
          rings: [
            Poll.Ring(
              tags: RingTags(data: "x", index: "x_i", cycle: "x_c"), size: 24_000,
              destination: memory)
          ])
        for _ in 0..<200 {
          timekeeper.sleep(until: timekeeper.now + 10_000_000)
          try circuit.poll(&poll)
          let ring = poll.rings[0]
          words.withLock { $0 += Array(memory.prefix(ring.count)) }
          poll.rings[0].from = ring.start + Int64(ring.count)
        }
        circuit.close()
      } catch { failures.withLock { $0.append("\(error)") } }
    }
    let feeder = timekeeper.startOwner("feeder") {
      do {
        var settings = StimulatorSimulation()
        settings.seed = seed
        let stimulator = SimulatedStimulator(settings: settings, world: world)
        let contract = StimulatorContract(stimulator: stimulator, timekeeper: timekeeper)
        _ = try stimulator.configure(contract.setup())
        try contract.arm()
        let pulse: [Int16] = [2000, 2000, -2000, -2000] + contract.zeros(496)
        var fed: Int64 = 0
        for step in 0..<150 {
          if step == 5 { _ = try stimulator.start(triggers: 1) }
          fed += Int64(try contract.feed(from: fed, pulse).accepted[0])
          feeds.withLock { $0.append(timekeeper.now) }
          if step >= 5 { timekeeper.sleep(until: timekeeper.now + 5_000_000) }
        }
        stimulator.close()
      } catch { failures.withLock { $0.append("\(error)") } }
    }
    recorder.join()
    feeder.join()
    #expect(failures.withLock { $0 } == [])
    return (words.withLock { $0 }, feeds.withLock { $0 })
  }

  @Test("A run with both devices on their own threads is the same every time")
  func determinism() throws {
    let first = try run(seed: 1)
    #expect(first.words.count > 48_000)
    #expect(first.words.contains { Float(bitPattern: $0) > 0.7 }, "pulses are recorded")
    for _ in 0..<3 {
      let again = try run(seed: 1)
      #expect(again.words == first.words)
      #expect(again.feeds == first.feeds)
    }
    let other = try run(seed: 2)
    #expect(other.feeds != first.feeds)
  }
}
