import Clocks
import Devices
import Samples
import Testing

@testable import Simulator

/// A simulated stimulator that streams on channel 0, fed by a test.
private final class StreamBench {
  let bench = SimulatorBench()
  let stimulator: SimulatedStimulator
  let contract: StimulatorContract
  var fed: Int64 = 0

  init(
    continuous: Bool = true, seconds capacity: Double = 0.1, queue: Int = 250,
    timeToLive: Int = 60_000, _ change: (inout StimulatorSimulation) -> Void = { _ in }
  ) throws {
    var settings = StimulatorSimulation()
    settings.latency = .none
    change(&settings)
    stimulator = SimulatedStimulator(settings: settings, world: bench.world)
    contract = StimulatorContract(stimulator: stimulator, timekeeper: bench.timekeeper)
    var setup = contract.setup(continuous: continuous)
    setup.capacityBytes = setup.capacityBytes.map { _ in Int(capacity * 100_000) }
    _ = try stimulator.configure(setup)
    try stimulator.arm(
      limits: [], queueMilliseconds: queue, timeToLiveMilliseconds: timeToLive)
  }

  @discardableResult
  func feed(_ samples: [Int16], sync: [Int16]? = nil) throws -> FeedReply {
    var reply = FeedReply()
    try samples.withUnsafeBufferPointer { samples in
      try (sync ?? []).withUnsafeBufferPointer { sync in
        var chunks = [FeedChunk(channel: 0, kind: .signal, from: fed, samples: samples)]
        if !sync.isEmpty {
          chunks.append(FeedChunk(channel: 0, kind: .sync, from: fed, samples: sync))
        }
        try stimulator.feed(chunks, &reply)
      }
    }
    fed += Int64(reply.accepted[0])
    return reply
  }

  /// Prefills with zeros and starts.
  func start() throws {
    try feed(contract.zeros(2500))
    _ = try stimulator.start(triggers: 1)
  }

  /// Feeds zeros every 10 ms for so long.
  func idle(milliseconds: Int64) throws -> [FeedReply] {
    try (0..<milliseconds / 10).map { _ in
      bench.wait(10)
      return try feed(contract.zeros(2500))
    }
  }

  var runs: [OutputRun] { bench.world.runs(of: .channel(0)) }
}

@Suite struct StimulatorOutputTests {
  @Test("What is fed leaves sample by sample, at the times of the stimulator's own clock")
  func truth() throws {
    let stream = try StreamBench { $0.partsPerMillion = 200 }
    try stream.feed([0, 2000, 2000, -2000, -2000, 0, 1000, 0])
    try stream.start()
    let started = stream.bench.timekeeper.now
    stream.bench.wait(10)
    let start = try #require(stream.bench.world.hostTime(ofStreamFrame: 0, channel: 0))
    #expect((0...20_000).contains(start - started), "at the next frame")
    let runs = stream.runs
    #expect(runs.map(\.streamFrame) == [1, 3, 5, 6, 7])
    #expect(runs.map(\.code) == [2000, -2000, 0, 1000, 0])
    #expect(runs.map(\.level) == [1, -1, 0, 0.5, 0])
    for run in runs {
      // 20 µs a sample, 200 ppm faster.
      let expected = Double(run.streamFrame) * 20_000 / 1.0002
      #expect(abs(Double(run.time - start) - expected) < 2)
      #expect(
        stream.bench.world.hostTime(ofStreamFrame: run.streamFrame, channel: 0) == run.time)
    }
    #expect(stream.bench.world.hostTime(ofStreamFrame: 2508, channel: 0) == nil, "not fed yet")
  }

  @Test("The low bits that the DAC does not have are cut off, downwards")
  func truncation() throws {
    let stream = try StreamBench()
    try stream.feed([1, 2, 3, 4, 7, 0, -1, -4, -5, 0])
    try stream.start()
    stream.bench.wait(10)
    #expect(stream.runs.map(\.code) == [4, 0, -4, -8, 0])
    #expect(stream.runs.map(\.streamFrame) == [3, 5, 6, 8, 9])
  }

  @Test("Voltage mode: 1 mV steps of a 14-bit DAC are 4 codes")
  func voltage() throws {
    let stream = try StreamBench()
    var setup = stream.contract.setup()
    setup.mode = .voltage
    _ = try stream.stimulator.configure(setup)
    try stream.feed([4000, 0])
    try stream.start()
    stream.bench.wait(10)
    #expect(stream.runs.map(\.level) == [1000, 0], "mV")
  }

  @Test(
    "The device's ring is about half full, so that its latency is capacity / 4 / rate",
    arguments: [0.05, 0.1, 0.2])
  func halfFull(seconds: Double) throws {
    let stream = try StreamBench(seconds: seconds)
    try stream.start()
    _ = try stream.idle(milliseconds: 200)
    var sum = 0.0
    var random = SplitMix64(seed: 3)
    for _ in 0..<200 {
      stream.bench.timekeeper.sleep(
        until: stream.bench.timekeeper.now + 5_000_000 + Int64(random.next(below: 5_000_000)))
      let reply = try stream.feed(stream.contract.zeros(2500))
      sum += Double(reply.framesBuffered[0])
    }
    // capacity_bytes / 4 samples, 25 of them on average on the way within a slice.
    let expected = seconds * 100_000 / 4
    #expect(abs(sum / 200 - expected) <= 26)
  }

  @Test("A change leaves after the two rings: 50 ms and half of 100 ms here")
  func latency() throws {
    let stream = try StreamBench()
    try stream.start()
    _ = try stream.idle(milliseconds: 500)
    // Room for a slice in the ring that is otherwise full.
    stream.bench.wait(1)
    let asked = stream.bench.timekeeper.now
    let frame = stream.fed
    try stream.feed([2000, 0])
    _ = try stream.idle(milliseconds: 300)
    let left = try #require(stream.bench.world.hostTime(ofStreamFrame: frame, channel: 0))
    #expect(abs(Double(left - asked) * 1e-6 - 100) < 2)
    #expect(stream.runs.first?.time == left)
  }

  @Test("The counters bracket the truth: frame n has left, frame n + 52 has not")
  func counters() throws {
    let stream = try StreamBench {
      $0.latency = .usb
      $0.partsPerMillion = -70
    }
    try stream.start()
    var readings = 0
    let replies = try stream.idle(milliseconds: 2000)
    stream.bench.wait(10)
    for reply in replies where reply.isClockReading {
      readings += 1
      #expect(reply.framesDone % 50 == 0)
      let truth = { stream.bench.world.hostTime(ofStreamFrame: $0, channel: 0) }
      let begun = try #require(truth(reply.framesDone))
      let later = try #require(truth(reply.framesDone + 52))
      #expect(begun <= reply.bracket.after)
      #expect(reply.bracket.before <= later)
    }
    #expect(readings > 150, "most readings hold still")
  }

  @Test("Starved, a continuous output is zero and goes on with what comes; it is told once")
  func starvation() throws {
    let stream = try StreamBench()
    try stream.feed(Array(repeating: 2000, count: 500) + stream.contract.zeros(1500))
    _ = try stream.stimulator.start(triggers: 1)
    stream.bench.wait(100)
    let reply = try stream.feed([1000, 1000, 0])
    #expect(reply.underrun)
    #expect(reply.framesDone == 2000, "fills are not stream samples")
    stream.bench.wait(10)
    #expect(try stream.feed([0]).underrun, "it starved again")
    stream.bench.wait(0)
    #expect(try !stream.feed(stream.contract.zeros(10)).underrun)
    let world = stream.bench.world
    let last = try #require(world.hostTime(ofStreamFrame: 1999, channel: 0))
    let next = try #require(world.hostTime(ofStreamFrame: 2000, channel: 0))
    #expect(abs(next - last - 60_020_000) <= 20_001, "60 ms of nothing in between")
    #expect(stream.runs.map(\.code) == [2000, 0, 1000, 0])
  }

  @Test("Starved, a non-continuous output stops its trigger")
  func deadMansSwitch() throws {
    let stream = try StreamBench(continuous: false)
    try stream.feed(Array(repeating: 2000, count: 500))
    _ = try stream.stimulator.start(triggers: 1)
    stream.bench.wait(100)
    let reply = try stream.feed(Array(repeating: 1000, count: 500))
    #expect(reply.underrun)
    stream.bench.wait(100)
    #expect(stream.runs.map(\.code) == [2000, 0], "it needs another start")
    _ = try stream.stimulator.start(triggers: 1)
    stream.bench.wait(100)
    #expect(stream.runs.map(\.code) == [2000, 0, 1000, 0])
  }

  @Test("The sync output follows its stream where the sync map wires it")
  func sync() throws {
    let stream = try StreamBench()
    let sync = Array(repeating: Int16(1), count: 50) + Array(repeating: 0, count: 50)
    try stream.feed(stream.contract.zeros(100), sync: sync)
    try stream.start()
    stream.bench.wait(10)
    let runs = stream.bench.world.runs(of: .sync(0))
    #expect(runs.map(\.code) == [1, 0])
    #expect(runs.map(\.streamFrame) == [0, 50])
    #expect(runs[1].time - runs[0].time == 1_000_000)

    let unwired = try StreamBench()
    var setup = unwired.contract.setup()
    setup.syncMap = setup.syncMap.map { _ in 0 }
    _ = try unwired.stimulator.configure(setup)
    try unwired.feed(unwired.contract.zeros(100), sync: sync)
    try unwired.start()
    unwired.bench.wait(10)
    #expect(unwired.bench.world.runs(of: .sync(0)).isEmpty)
  }

  @Test("A graceful stop plays what is queued, a plain one cuts it, an emergency stop too")
  func stops() throws {
    func codes(_ stop: (SimulatedStimulator) throws -> Void) throws -> [Int64] {
      let stream = try StreamBench()
      try stream.feed(stream.contract.zeros(1000) + Array(repeating: 2000, count: 500) + [0])
      _ = try stream.stimulator.start(triggers: 1)
      stream.bench.wait(25)
      try stop(stream.stimulator)
      stream.bench.wait(1000)
      #expect(stream.runs.map(\.code) == [2000, 0])
      return stream.runs.map(\.streamFrame)
    }
    #expect(
      try codes { stimulator in
        try stimulator.stop(triggers: 1, gracefully: true)
      } == [1000, 1500])
    let cut = try codes { try $0.stop(triggers: 1, gracefully: false) }
    #expect((1249...1251).contains(cut[1]))
    let stream = try StreamBench()
    try stream.feed(stream.contract.zeros(1000) + Array(repeating: 2000, count: 500))
    _ = try stream.stimulator.start(triggers: 1)
    stream.bench.wait(25)
    try stream.stimulator.emergencyStop()
    let now = stream.bench.timekeeper.now
    stream.bench.wait(1000)
    #expect(stream.runs.last?.code == 0)
    #expect(stream.runs.last.map { abs($0.time - now) <= 20_000 } == true)
  }

  @Test("Unheard for its time to live, the device plays what is queued and falls silent")
  func watchdog() throws {
    let stream = try StreamBench(timeToLive: 300)
    try stream.start()
    for _ in 0..<20 {
      stream.bench.wait(10)
      try stream.feed([2000, 0] + stream.contract.zeros(500))
    }
    let heard = stream.bench.timekeeper.now
    stream.bench.wait(5000)
    let last = try #require(stream.runs.last)
    #expect(last.code == 0)
    #expect(last.time < heard + 500_000_000)
    #expect(throws: DeviceError.self) { try stream.stimulator.heartbeat() }
  }

  @Test("Unheard, a stored signal ends with its period, or at once if that is long")
  func watchdogOfDownload() throws {
    func last(_ pause: Int) throws -> OutputRun? {
      let stream = try StreamBench(timeToLive: 1000)
      try stream.stimulator.download(
        channel: 0, amplitudes: [100_000, -100_000, 0], durations: [200, 200, pause],
        repeats: 1_000_000)
      _ = try stream.stimulator.start(triggers: 1)
      stream.bench.wait(5000)
      #expect(throws: DeviceError.self) { try stream.stimulator.heartbeat() }
      #expect(stream.runs.last?.code == 0)
      return stream.runs.last
    }
    // 1 s of 100 Hz, and one pulse of 1/3 Hz.
    let often = try #require(try last(9600))
    #expect((99...101).contains(often.streamFrame / 500))
    #expect(often.streamFrame % 500 == 20)
    #expect(try last(2_999_600)?.streamFrame == 20)
  }

  @Test("With its link gone the device empties its own ring, then stops by itself")
  func disconnect() throws {
    let stream = try StreamBench(timeToLive: 400) {
      $0.faults = [StimulatorFault(kind: .disconnect(seconds: 5), at: 2)]
    }
    try stream.start()
    let opened = VirtualTimekeeper.start
    while stream.bench.timekeeper.now < opened + 1_985_000_000 {
      stream.bench.wait(10)
      try stream.feed(Array(repeating: 2000, count: 490) + Array(repeating: 0, count: 10))
    }
    stream.bench.wait(100)
    #expect(throws: DeviceError.self) { try stream.feed([0]) }
    stream.bench.wait(1000)
    #expect(throws: DeviceError.self) { try stream.stimulator.stop(triggers: 1, gracefully: false) }
    let last = try #require(stream.runs.last)
    #expect(last.code == 0)
    // Half of the device's 100 ms, counted from when the link went.
    let silent = Double(last.time - opened) * 1e-9 - 2
    #expect((0.03...0.06).contains(silent), "\(silent)")
    stream.bench.wait(5000)
    // It can be reached again, and says that it gave up.
    do {
      try stream.stimulator.heartbeat()
      Issue.record("the heart-beat was not missed")
    } catch { #expect(error.code == .heartbeat) }
  }

  @Test("Scripted underrun and over-current: zeros for 20 ms, and an output that is off")
  func faults() throws {
    let stream = try StreamBench {
      $0.faults = [
        StimulatorFault(kind: .underrun, at: 1.5), StimulatorFault(kind: .overCurrent, at: 2),
      ]
    }
    try stream.feed(Array(repeating: 2000, count: 2500))
    _ = try stream.stimulator.start(triggers: 1)
    var underruns = 0
    do {
      for _ in 0..<200 {
        stream.bench.wait(10)
        if try stream.feed(Array(repeating: 2000, count: 2500)).underrun { underruns += 1 }
      }
      Issue.record("nobody noticed the over-current")
    } catch let error as DeviceError { #expect(error.code == .overCurrent) }
    #expect(underruns == 1)
    let runs = stream.runs
    #expect(runs.map(\.code) == [2000, 0, 2000, 0])
    #expect(runs.count == 4 && abs(runs[2].time - runs[1].time - 20_000_000) < 2)
    #expect(runs.count == 4 && abs(runs[3].time - VirtualTimekeeper.start - 2_000_000_000) < 20_001)
  }

  @Test("A stored signal plays from the device's memory, as often as told")
  func download() throws {
    let stream = try StreamBench()
    try stream.stimulator.download(
      channel: 2, amplitudes: [100_000, -100_000, 0], durations: [200, 200, 600], repeats: 3)
    _ = try stream.stimulator.start(triggers: 4)
    stream.bench.wait(100)
    let runs = stream.bench.world.runs(of: .channel(2))
    #expect(runs.map(\.code) == [200, -200, 0, 200, -200, 0, 200, -200, 0])
    #expect(runs.map(\.streamFrame) == [0, 10, 20, 50, 60, 70, 100, 110, 120])
    #expect(runs.map(\.level).prefix(2) == [0.1, -0.1])
    // It survives the host: started again, it plays again.
    _ = try stream.stimulator.start(triggers: 4)
    stream.bench.wait(100)
    #expect(stream.bench.world.runs(of: .channel(2)).count == 18)
    #expect(throws: DeviceError.self) { try stream.feed([0]) }
  }

  @Test("Nothing is kept of what every reader has seen, unless the world keeps the truth")
  func pruning() throws {
    func kept(_ keepsTruth: Bool) throws -> Int {
      let world = SimulatedWorld(timekeeper: VirtualTimekeeper(), keepsTruth: keepsTruth)
      let reader = world.addReader(of: .channel(0), memory: 1_000_000_000)
      let stimulator = SimulatedStimulator(world: world)
      let contract = StimulatorContract(stimulator: stimulator, timekeeper: world.timekeeper)
      _ = try stimulator.configure(contract.setup())
      try contract.arm()
      let pulse: [Int16] = [2000, -2000] + contract.zeros(8)
      let pulses = Array(repeating: pulse, count: 200).flatMap { $0 }
      try contract.feed(from: 0, pulses)
      _ = try stimulator.start(triggers: 1)
      contract.wait(milliseconds: 100)
      var taken: [OutputRun] = []
      world.drain(reader, into: &taken)
      #expect(taken.count == 600)
      return world.runs(of: .channel(0)).count
    }
    #expect(try kept(true) == 600)
    #expect(try kept(false) == 1, "the present level")
  }

  @Test("A reader that never comes, or is gone, does not make the truth grow")
  func lateReaders() throws {
    let world = SimulatedWorld(timekeeper: VirtualTimekeeper())
    let stimulator = SimulatedStimulator(world: world)
    let contract = StimulatorContract(stimulator: stimulator, timekeeper: world.timekeeper)
    try contract.arm(timeToLive: 80_000_000)
    // 3000 runs a second.
    try stimulator.download(
      channel: 0, amplitudes: [500_000, -500_000, 0], durations: [100, 100, 800],
      repeats: 10_000_000)
    _ = try stimulator.start(triggers: 1)
    let late = world.addReader(of: .channel(0), memory: 500_000_000)
    contract.wait(milliseconds: 60_000)
    #expect(world.runs(of: .channel(0)).count <= 8192)
    var runs: [OutputRun] = []
    world.drain(late, into: &runs)
    #expect(runs.count >= 1500, "half a second")
    #expect(runs.last.map { world.timekeeper.now - $0.time < 1_000_000 } == true)
    world.removeReader(late)
    contract.wait(milliseconds: 1000)
    #expect(world.runs(of: .channel(0)).count == 1)
  }
}
