import Clocks
import Devices
import NWB
import Recording
import Samples
import Simulator
import Synchronization
import Testing

/// A streamer on the simulated stimulator, in virtual time.
@Suite struct StreamerTests {
  /// What the streamer said, from its own thread.
  final class Heard: Sendable {
    let changes = Mutex<[SignalChange]>([])
    let log = Mutex<[String]>([])
    let states = Mutex<[StreamerState]>([])
  }

  struct Bench {
    let timekeeper = VirtualTimekeeper()
    let world: SimulatedWorld
    let heard = Heard()

    init() { world = SimulatedWorld(timekeeper: timekeeper, keepsTruth: true) }

    func streamer(
      _ simulation: StimulatorSimulation = StimulatorSimulation(),
      _ settings: Streamer.Settings = Streamer.Settings()
    ) throws -> Streamer {
      let (world, heard) = (world, heard)
      let streamer = try Streamer(
        settings, timekeeper: timekeeper,
        open: { SimulatedStimulator(settings: simulation, world: world) },
        ledger: { change in heard.changes.withLock { $0.append(change) } },
        log: { line in heard.log.withLock { $0.append(line) } })
      streamer.control.observe { state in heard.states.withLock { $0.append(state) } }
      return streamer
    }

    func wait(_ seconds: Double) {
      timekeeper.sleep(until: timekeeper.now + Nanoseconds(seconds * 1e9))
    }
  }

  static let pulses = Signal(amplitudes: [0.1, -0.1, 0], durations: [0.2, 0.2, 9.6])

  @Test func itGoesFromIdleOverArmingAndStreamingBackToIdle() throws {
    let bench = Bench()
    let streamer = try bench.streamer()
    try streamer.setSignal(Self.pulses, on: 0)
    #expect(streamer.state == .idle)
    try streamer.start()
    #expect(streamer.state == .streaming)
    bench.wait(0.5)
    streamer.stop()
    #expect(
      bench.heard.states.withLock { $0 } == [.idle, .arming, .streaming, .stopping, .idle])
    streamer.close()
    // Pulses of 200 and −200 codes, and nothing after the stop.
    let runs = bench.world.runs(of: .channel(0))
    #expect(Set(runs.map(\.code)) == [200, -200, 0])
    #expect(runs.last?.code == 0)
  }

  @Test func startingWithoutASignalIsAnError() throws {
    let bench = Bench()
    let streamer = try bench.streamer()
    #expect {
      try streamer.start()
    } throws: {
      "\($0)" == "no signal is defined: use set_signal first"
    }
    streamer.close()
  }

  @Test func aRateThatIsReadBackDifferentlyReachesTheCallerOfStart() throws {
    let bench = Bench()
    var settings = Streamer.Settings()
    // Compiled for 10 kHz, which the device below does not grant.
    settings.rate = 10_000
    let (world, timekeeper) = (bench.world, bench.timekeeper)
    let streamer = try Streamer(
      settings, timekeeper: timekeeper,
      open: { StubbornStimulator(SimulatedStimulator(world: world)) })
    try streamer.setSignal(Self.pulses, on: 0)
    #expect {
      try streamer.start()
    } throws: {
      "\($0)".contains("50000.0 Hz") && "\($0)".contains("10000.0 Hz")
    }
    guard case .faulted = streamer.state else {
      Issue.record("\(streamer.state)")
      return
    }
    streamer.close()
  }

  @Test func moreCapacityThanTheMemoryNamesBothNumbers() throws {
    let bench = Bench()
    var simulation = StimulatorSimulation()
    simulation.memoryBytes = 8 * 4000
    let streamer = try bench.streamer(simulation)
    try streamer.setSignal(Self.pulses, on: 0)
    // 0.1 s of 50 000 samples of 2 bytes.
    #expect {
      try streamer.start()
    } throws: {
      "\($0)".contains("10000 bytes") && "\($0)".contains("4000 bytes")
    }
    streamer.close()
  }

  @Test func ringsOfMoreThanAQuarterSecondAreRefused() throws {
    let bench = Bench()
    let streamer = try bench.streamer()
    try streamer.setSignal(Self.pulses, on: 0)
    #expect(throws: DeviceError.self) { try streamer.start(capacity: 0.2, buffer: 0.1) }
    streamer.close()
  }

  @Test func anEmergencyStopIsSilentAtOnceAndStays() throws {
    let bench = Bench()
    let streamer = try bench.streamer()
    try streamer.setSignal(Self.pulses, on: 3)
    try streamer.start()
    bench.wait(0.5)
    let asked = bench.timekeeper.now
    streamer.control.emergencyStop()
    bench.wait(1)
    #expect(streamer.state == .faulted("emergency stop"))
    let last = try #require(bench.world.runs(of: .channel(3)).last)
    #expect(last.code == 0 && last.time - asked < 50_000_000)
    #expect(throws: SignalError.self) { try streamer.control.setSignal(Self.pulses, on: 3) }
    // Only an explicit start arms anew.
    try streamer.start()
    #expect(streamer.state == .streaming)
    streamer.close()
  }

  @Test func aLaterChangeSupersedesTheOneThatWaits() throws {
    let bench = Bench()
    let streamer = try bench.streamer()
    try streamer.setSignal(
      Signal(amplitudes: [0.1, -0.1, 0], durations: [0.2, 0.2, 49.6]), on: 0)
    try streamer.start()
    bench.wait(0.3)
    let outcomes = Mutex<[String]>([])
    for (name, level) in [("first", 0.2), ("second", 0.3)] {
      try streamer.setSignal(
        Signal(amplitudes: [level, -level, 0], durations: [0.2, 0.2, 49.6]), on: 0
      ) { outcome in
        outcomes.withLock { list in
          switch outcome {
          case .queued(let change): list.append("\(name) \(change.amplitudes[0])")
          case .superseded: list.append("\(name) superseded")
          case .refused(let why): list.append("\(name) \(why)")
          }
        }
      }
    }
    bench.wait(0.3)
    streamer.close()
    #expect(outcomes.withLock { $0 } == ["first superseded", "second 0.3"])
    // Start, second, and the silence of the stop; each at a period of 2500 samples.
    let changes = bench.heard.changes.withLock { $0 }
    #expect(changes.map { $0.amplitudes[0] } == [0.1, 0.3, 0])
    #expect((changes[1].streamSample - changes[0].streamSample) % 2500 == 0)
    #expect(bench.heard.log.withLock { $0 }.contains { $0.contains("a later change came first") })
  }

  @Test(arguments: [
    (9, [0.1], [1.0], "channel 9"), (0, [0.1, 0.2], [1.0], "2 amplitudes but 1 durations"),
    (0, [], [], "empty"), (0, [0.1], [0.0], "zero"),
    (1, [0, .nan], [1.0, 1.0], "channel 1, element 1"),
    (1, [0, 0.1], [1.0, -1.0], "channel 1, element 1"),
    (2, [0.1, 17], [1.0, 1.0], "channel 2, element 1"),
    (0, [0.1, 0.3, 0], [1.0, 1.0, 1.0], "beyond the limit"),
    (2, [0.1, -0.1], [1.0, 1.0], "without"), (2, [0.1, 0], [300.0, 1.0], "300"),
  ])
  func badInputIsRefusedAndTheStreamGoesOn(
    channel: Int, amplitudes: [Double], durations: [Double], says: String
  ) throws {
    let bench = Bench()
    var settings = Streamer.Settings()
    settings.limits = [
      0: SignalLimits(maximumAmplitude: 0.2, maximumPhaseCharge: 1000, maximumNetCharge: 1000)
    ]
    let streamer = try bench.streamer(StimulatorSimulation(), settings)
    try streamer.setSignal(Self.pulses, on: 0)
    try streamer.start()
    bench.wait(0.2)
    #expect {
      try streamer.setSignal(Signal(amplitudes: amplitudes, durations: durations), on: channel)
    } throws: {
      says == "without" ? "\($0)".contains("no sample is zero") : "\($0)".contains(says)
    }
    bench.wait(0.3)
    #expect(streamer.state == .streaming)
    #expect(bench.heard.changes.withLock { $0.count } == 1)
    #expect(bench.heard.log.withLock { $0 }.contains { $0.contains("channel \(channel)") })
    streamer.close()
  }

  @Test func aDownloadRunsFromTheDevicesOwnMemory() throws {
    let bench = Bench()
    let streamer = try bench.streamer()
    var signal = Self.pulses
    signal.repeats = 3
    try streamer.download(signal, to: 2)
    try streamer.startStimulation(triggers: [2])
    bench.wait(0.2)
    // Three periods of a positive and a negative phase.
    let codes = bench.world.runs(of: .channel(2)).map(\.code)
    #expect(codes == [200, -200, 0, 200, -200, 0, 200, -200, 0])
    #expect(throws: SignalError.self) { try streamer.download(Self.pulses, to: 2) }
    streamer.close()
  }

  @Test func itIsNoDownloaderWhileItStreams() throws {
    let bench = Bench()
    let streamer = try bench.streamer()
    try streamer.setSignal(Self.pulses, on: 0)
    try streamer.start()
    var signal = Self.pulses
    signal.repeats = 1
    #expect(throws: Streamer.UsageError.self) { try streamer.download(signal, to: 0) }
    streamer.close()
  }

  @Test func aStarvedTriggerThatStopsIsAFault() throws {
    let bench = Bench()
    var simulation = StimulatorSimulation()
    simulation.faults = [StimulatorFault(kind: .latency(seconds: 0.3), at: 2)]
    var settings = Streamer.Settings()
    settings.continuous = false
    let streamer = try bench.streamer(simulation, settings)
    try streamer.setSignal(Self.pulses, on: 0)
    try streamer.start()
    bench.wait(2)
    guard case .faulted(let why) = streamer.state else {
      Issue.record("\(streamer.state)")
      return
    }
    #expect(why.contains("ran dry"))
    streamer.close()
  }

  @Test(arguments: [
    StimulatorFault.Kind.error, .disconnect(seconds: .infinity), .overCurrent,
    .latency(seconds: 3),
  ])
  func anyFaultIsSilentWithinASecondAndForGood(kind: StimulatorFault.Kind) throws {
    let bench = Bench()
    var simulation = StimulatorSimulation()
    simulation.faults = [StimulatorFault(kind: kind, at: 2)]
    let streamer = try bench.streamer(simulation)
    let opened = bench.timekeeper.now
    try streamer.setSignal(Self.pulses, on: 0)
    try streamer.start()
    bench.wait(6)
    guard case .faulted = streamer.state else {
      Issue.record("\(streamer.state)")
      return
    }
    let last = try #require(bench.world.runs(of: .channel(0)).last)
    #expect(last.code == 0 && last.time - opened < 3_000_000_000)
    streamer.close()
  }
}

/// A device whose output rate is what it is.
final class StubbornStimulator: Stimulator {
  private let device: SimulatedStimulator
  var info: StimulatorInfo { device.info }

  init(_ device: SimulatedStimulator) { self.device = device }

  func configure(_ setup: StimulatorSetup) throws(DeviceError) -> StimulatorSetup {
    var asked = setup
    asked.rate = 50_000
    return try device.configure(asked)
  }

  func arm(
    limits: [SignalLimits?], queueMilliseconds: Int, timeToLiveMilliseconds: Int
  ) throws(DeviceError) {
    try device.arm(
      limits: limits, queueMilliseconds: queueMilliseconds,
      timeToLiveMilliseconds: timeToLiveMilliseconds)
  }

  func feed(_ chunks: [FeedChunk], _ reply: inout FeedReply) throws(DeviceError) {
    try device.feed(chunks, &reply)
  }

  func start(triggers: UInt32) throws(DeviceError) -> Bracket {
    try device.start(triggers: triggers)
  }

  func stop(triggers: UInt32, gracefully: Bool) throws(DeviceError) {
    try device.stop(triggers: triggers, gracefully: gracefully)
  }

  func heartbeat() throws(DeviceError) { try device.heartbeat() }

  func emergencyStop() throws(DeviceError) { try device.emergencyStop() }

  func download(
    channel: Int, amplitudes: [Int], durations: [Int], repeats: Int
  ) throws(DeviceError) {
    try device.download(
      channel: channel, amplitudes: amplitudes, durations: durations, repeats: repeats)
  }

  func close() { device.close() }
}
