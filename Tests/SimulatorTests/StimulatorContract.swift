import Clocks
import Devices
import Samples
import Testing

/// What every stimulator does, whoever drives it: run it on the simulator in process, behind a
/// bridge, and on hardware with nothing but resistors connected.
///
/// The stimulator has at least 2 channels of 14 bits, 2 µA steps and 16 mA, and is freshly opened.
struct StimulatorContract {
  let stimulator: any Stimulator
  let timekeeper: any Timekeeper

  func wait(milliseconds: Int64) {
    timekeeper.sleep(until: timekeeper.now + milliseconds * 1_000_000)
  }

  /// Host ring of 50 ms, device ring of 100 ms, trigger i drives channel i and its sync output.
  func setup(continuous: Bool = true) -> StimulatorSetup {
    let triggers = stimulator.info.triggers
    let diagonal = (0..<triggers).map { UInt32(1) << UInt32($0) }
    return StimulatorSetup(
      mode: .current, rate: 50_000, capacityBytes: Array(repeating: 10_000, count: triggers),
      ringSamples: 2500, channelMap: diagonal, syncMap: diagonal, digitalMap: diagonal,
      autostart: Array(repeating: 0, count: triggers), callbackPercent: 10, continuous: continuous)
  }

  var limits: [SignalLimits?] {
    Array(
      repeating: SignalLimits(
        maximumAmplitude: 1, maximumPhaseCharge: 200, maximumNetCharge: nil),
      count: stimulator.info.channels)
  }

  func arm(queue: Int = 250, timeToLive: Int = 1000) throws {
    try stimulator.arm(
      limits: limits, queueMilliseconds: queue, timeToLiveMilliseconds: timeToLive)
  }

  /// Feeds one channel's signal (and its sync, low).
  @discardableResult
  func feed(
    _ channel: Int = 0, from: Int64, _ samples: [Int16]
  ) throws -> FeedReply {
    var reply = FeedReply()
    try samples.withUnsafeBufferPointer { samples in
      try stimulator.feed(
        [FeedChunk(channel: channel, kind: .signal, from: from, samples: samples)], &reply)
    }
    return reply
  }

  func zeros(_ count: Int) -> [Int16] { Array(repeating: 0, count: count) }

  func code(_ body: () throws -> Void) -> DeviceError.Code? {
    do {
      try body()
      return nil
    } catch let error as DeviceError {
      return error.code
    } catch {
      return nil
    }
  }

  func check() throws {
    let info = stimulator.info
    #expect(info.channels >= 2)
    #expect(info.triggers >= 2)
    #expect(info.rangeNanoamperes.count == info.channels)
    #expect(info.resolutionMicrovolts.count == info.channels)
    try setUpIsReadBack()
    try badSetUpsAreRefused()
    try nothingIsFedUnarmed()
    try feedsAreIdempotent()
    try streamingMovesOn()
    try limitsAreChecked()
    try emergencyStopLatches()
    try missedHeartbeatStops()
    try downloadsAreChecked()
    stimulator.close()
    stimulator.close()
    #expect(code { try stimulator.heartbeat() } == .notOpen)
  }

  private func setUpIsReadBack() throws {
    #expect(try stimulator.configure(setup()) == setup())
    var other = setup(continuous: false)
    other.rate = 10_000
    other.mode = .voltage
    #expect(try stimulator.configure(other) == other)
    other.rate = 44_100
    #expect(try stimulator.configure(other).rate != 44_100)
    _ = try stimulator.configure(setup())
  }

  private func badSetUpsAreRefused() throws {
    var setup = setup()
    let most = stimulator.info.memoryBytes / stimulator.info.triggers
    setup.capacityBytes[1] = most + 2
    do {
      _ = try stimulator.configure(setup)
      Issue.record("too large a capacity was taken")
    } catch {
      #expect(error.code == .capacity)
      #expect(error.message.contains("\(most + 2)") && error.message.contains("\(most)"))
    }
    setup = self.setup()
    setup.ringSamples = 0
    #expect(code { _ = try stimulator.configure(setup) } == .badArgument)
    setup = self.setup()
    setup.channelMap.removeLast()
    #expect(code { _ = try stimulator.configure(setup) } == .badArgument)
    _ = try stimulator.configure(self.setup())
  }

  private func nothingIsFedUnarmed() throws {
    #expect(code { try feed(from: 0, zeros(10)) } == .notArmed)
    #expect(code { _ = try stimulator.start(triggers: 1) } == .notArmed)
    #expect(
      code {
        try stimulator.download(channel: 0, amplitudes: [0], durations: [20], repeats: 1)
      } == .notArmed)
  }

  private func feedsAreIdempotent() throws {
    try arm()
    #expect(try feed(from: 0, zeros(1000)).accepted == [1000])
    let again = try feed(from: 0, zeros(1000))
    #expect(again.accepted == [0])
    #expect(again.space == [1500])
    #expect(again.framesDone == 0)
    #expect(try feed(from: 500, zeros(1000)).accepted == [500], "the part that is new")
    #expect(code { try feed(from: 1501, zeros(10)) } == .badArgument)
    #expect(code { try feed(99, from: 0, zeros(10)) } == .badArgument)
    #expect(try feed(from: 1500, zeros(5000)).accepted == [1000], "the ring is full")
    try arm(queue: 20)
    #expect(try feed(1, from: 0, zeros(5000)).accepted == [1000], "20 ms are queued")
    try arm()
    #expect(try feed(1, from: 1000, zeros(5000)).accepted == [1500])
  }

  private func streamingMovesOn() throws {
    let before = timekeeper.now
    let bracket = try stimulator.start(triggers: 3)
    #expect(timekeeper.now - before >= 1_000_000_000, "the loop settles for a second")
    #expect(bracket.before <= bracket.after)
    #expect(code { _ = try stimulator.configure(setup()) } == .busy)
    var fed: [Int64] = [2500, 2500]
    var reply = FeedReply()
    var last: Int64 = 0
    for _ in 0..<40 {
      wait(milliseconds: 10)
      for channel in 0...1 {
        reply = try feed(channel, from: fed[channel], zeros(1000))
        fed[channel] += Int64(reply.accepted[0])
        #expect(!reply.underrun)
        #expect(reply.framesDone % 50 == 0, "slices of 1 ms")
        #expect(reply.framesDone >= last)
        #expect(reply.framesDone <= fed[channel])
        #expect((0...5000).contains(reply.framesBuffered[channel]))
        last = reply.framesDone
      }
    }
    let elapsed = Double(reply.bracket.after - bracket.before) * 1e-9
    #expect(Double(last) <= elapsed * 50_000 * 1.001)
    #expect(Double(last) >= (elapsed - 0.05) * 50_000 * 0.999)
    try stimulator.stop(triggers: 3, gracefully: true)
    wait(milliseconds: 300)
    try stimulator.stop(triggers: 3, gracefully: false)
    #expect(try stimulator.configure(setup()) == setup(), "it is idle")
  }

  private func limitsAreChecked() throws {
    try arm()
    // 2000 codes to the milliampere: 1 mA is allowed, for 10 samples of 20 nC each.
    let pulse = Array(repeating: Int16(2000), count: 10)
    let balance = Array(repeating: Int16(-2000), count: 10)
    #expect(try feed(from: 0, pulse + balance + [0]).accepted == [21])
    #expect(code { try feed(from: 21, [2004]) } == .limit)
    #expect(code { try feed(from: 21, [-2004]) } == .limit)
    #expect(code { try feed(from: 21, pulse + [2000]) } == .limit)
    // A phase goes on from one feed to the next.
    #expect(try feed(from: 21, pulse).accepted == [10])
    #expect(code { try feed(from: 31, [400]) } == .limit)
    #expect(try feed(from: 31, balance + zeros(1)).accepted == [11], "a refused feed takes nothing")
  }

  private func emergencyStopLatches() throws {
    try stimulator.emergencyStop()
    #expect(code { try feed(from: 42, zeros(1)) } == .emergencyStop)
    #expect(code { _ = try stimulator.start(triggers: 1) } == .emergencyStop)
    _ = try stimulator.configure(setup())
    #expect(code { try feed(from: 0, zeros(1)) } == .emergencyStop, "configuring does not unlatch")
    try arm()
    #expect(try feed(from: 0, zeros(1)).accepted == [1])
  }

  private func missedHeartbeatStops() throws {
    _ = try stimulator.configure(setup())
    try arm(timeToLive: 300)
    try feed(from: 0, zeros(2500))
    _ = try stimulator.start(triggers: 1)
    for _ in 0..<8 {
      wait(milliseconds: 100)
      try stimulator.heartbeat()
    }
    wait(milliseconds: 400)
    #expect(code { try stimulator.heartbeat() } == .heartbeat)
    #expect(code { try feed(from: 2500, zeros(1)) } == .heartbeat)
    wait(milliseconds: 400)
    #expect(code { _ = try stimulator.start(triggers: 1) } == .heartbeat, "it stays stopped")
    _ = try stimulator.configure(setup())
    try arm()
    try stimulator.heartbeat()
  }

  private func downloadsAreChecked() throws {
    func download(_ amplitudes: [Int], _ durations: [Int], _ repeats: Int = 1) throws {
      try stimulator.download(
        channel: 0, amplitudes: amplitudes, durations: durations, repeats: repeats)
    }
    #expect(code { try download([100_000], [30]) } == .badArgument)
    #expect(code { try download([100_000], [20, 20]) } == .badArgument)
    #expect(code { try download([], []) } == .badArgument)
    #expect(code { try download([100_000], [20], 0) } == .badArgument)
    #expect(code { try download([17_000_000], [20]) } == .badArgument)
    #expect(code { try download([2_000_000], [20]) } == .limit)
    #expect(code { try download([1_000_000], [220]) } == .limit)
    try download([1_000_000, -1_000_000, 0], [200, 200, 600], 3)
    let start = timekeeper.now
    _ = try stimulator.start(triggers: 1)
    #expect(timekeeper.now - start < 500_000_000, "no loop to settle")
    try stimulator.stop(triggers: 1, gracefully: false)
  }
}
