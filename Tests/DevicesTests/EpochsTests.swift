import Clocks
import Devices
import Samples
import Simulator
import Testing

/// A store of two channels at 1000 frames a second that trigger 1 enables for `length` frames; its
/// counter says which millisecond a frame is of. Calls take as long as over an optical bus.
@Suite("Acquiring epochs")
struct EpochsTests {
  private static let format = SlotFormat(source: .int32, destination: .int32, channels: 2)

  // MARK: - The seven forms

  @Test("Until a tag that says 'running' is false")
  func running() throws {
    let rig = try Rig(length: 300, tag: "running", atTrigger: .value(1), afterwards: .value(0))
    let epochs = try rig.acquire(until: "running", .equals(0))
    #expect(epochs.map(\.frameCount) == [300])
    rig.expectContiguous(epochs)
  }

  @Test("Until a tag that says 'complete' is true")
  func complete() throws {
    let rig = try Rig(length: 300, tag: "complete", atTrigger: .value(0), afterwards: .value(1))
    let epochs = try rig.acquire(until: "complete", .equals(1), trials: 2)
    #expect(epochs.map(\.frameCount) == [300, 300])
    rig.expectContiguous(epochs)
  }

  @Test("Until a tag toggles, armed at each trial")
  func toggle() throws {
    let rig = try Rig(length: 300, tag: "toggle", atTrigger: .none, afterwards: .toggle)
    let epochs = try rig.acquire(until: "toggle", .changes, trials: 3)
    #expect(epochs.map(\.frameCount) == [300, 300, 300])
    rig.expectContiguous(epochs)
  }

  @Test("Until a time stamp changes")
  func timestamp() throws {
    let rig = try Rig(length: 300, tag: "stamp", atTrigger: .none, afterwards: .tick)
    let epochs = try rig.acquire(until: "stamp", .changes, trials: 3)
    #expect(epochs.map(\.frameCount) == [300, 300, 300])
    rig.expectContiguous(epochs)
  }

  @Test("Until the index has come to 1000", arguments: [nil, 4] as [Int?])
  func index(latch: Int?) throws {
    let rig = try Rig(length: 700, slots: 4000, latch: latch)
    let epochs = try rig.acquire(until: "lfp_i", .atLeast(1000), trials: 2, latch: latch)
    // 500 frames are 1000 slots; polls are a tenth of a second apart.
    for epoch in epochs { #expect((500...700).contains(epoch.frameCount)) }
    rig.expectContiguous(epochs)
  }

  @Test("So many samples, exactly")
  func samples() throws {
    let rig = try Rig(length: 700)
    let epochs = try rig.acquire(samples: 400, trials: 3)
    #expect(epochs.map(\.frameCount) == [400, 400, 400])
    rig.expectContiguous(epochs)
  }

  @Test("Without a trigger reading goes on, trial after trial")
  func noTrigger() throws {
    let rig = try Rig(length: nil)
    let epochs = try rig.acquire(trigger: nil, samples: 400, trials: 3)
    #expect(epochs.map(\.firstFrame) == [0, 400, 800])
    #expect(epochs.map(\.frameCount) == [400, 400, 400])
    #expect(epochs.allSatisfy { $0.trigger == nil })
    rig.expectContiguous(epochs)
  }

  // MARK: - Trials

  @Test("An epoch may be much longer than the buffer")
  func longerThanBuffer() throws {
    let rig = try Rig(length: 5000, slots: 1000)
    let epochs = try rig.acquire(samples: 5000, trials: 2)
    #expect(epochs.map(\.frameCount) == [5000, 5000])
    #expect(epochs.flatMap(\.losses).isEmpty)
    rig.expectContiguous(epochs)
  }

  @Test("The frames of a trial begin with the one after the trigger")
  func onset() throws {
    let rig = try Rig(length: 300)
    let epochs = try rig.acquire(samples: 300, trials: 5, interval: 0.37)
    for (trial, epoch) in epochs.enumerated() {
      let trigger = try #require(epoch.trigger)
      let first = try #require(rig.blocks[trial].first { $0.frameCount > 0 }).values(
        as: Int32.self)[0]
      // The counter counts milliseconds since the circuit ran; a trigger takes under a millisecond.
      let milliseconds = Double(trigger.middle - rig.ranAt) * 1e-6
      #expect(abs(Double(first) - milliseconds) < 3)
      // And so do the recording's frames, from the first poll on.
      #expect(abs(Double(epoch.firstFrame) - Double(first) + Double(rig.firstCount)) < 5)
    }
  }

  @Test("A store that goes on where it was, trial after trial")
  func withoutReset() throws {
    let rig = try Rig(length: 300, resets: false)
    let epochs = try rig.acquire(samples: 300, trials: 3)
    #expect(epochs.map(\.frameCount) == [300, 300, 300])
    rig.expectContiguous(epochs)
  }

  @Test("A store that always runs: a trial begins at its trigger")
  func ungated() throws {
    let rig = try Rig(length: nil)
    let epochs = try rig.acquire(samples: 250, trials: 3, interval: 0.5)
    #expect(epochs.map(\.frameCount) == [250, 250, 250])
    #expect(epochs[0].firstFrame < 5)
    // 250 frames and half a second later.
    #expect(abs(epochs[1].firstFrame - epochs[0].firstFrame - 750) < 20)
    rig.expectContiguous(epochs)
  }

  @Test("Trials may have different lengths")
  func differentLengths() throws {
    // The store always runs; the tag says "over" after 100 frames.
    let rig = try Rig(length: nil, tag: "over", atTrigger: .value(0), afterwards: .value(1), 100)
    let epochs = try rig.acquire(until: "over", .equals(1), trials: 3, poll: 0.07)
    for epoch in epochs { #expect((100...180).contains(epoch.frameCount)) }
    rig.expectContiguous(epochs)
  }

  @Test("With until, the tail shorter than a block is returned too")
  func tail() throws {
    let rig = try Rig(length: 333, tag: "running", atTrigger: .value(1), afterwards: .value(0))
    let epochs = try rig.acquire(until: "running", .equals(0), trials: 2, blockSize: 100)
    #expect(epochs.map(\.frameCount) == [333, 333])
    #expect(rig.blocks[0].map(\.frameCount).filter { $0 > 0 } == [100, 100, 100, 33])
    rig.expectContiguous(epochs)
  }

  @Test("Samples past the end stay readable")
  func surplus() throws {
    let rig = try Rig(length: 700)
    let epochs = try rig.acquire(samples: 400)
    rig.rig.wait(1)
    let rest = try rig.buffer.readAll()
    #expect(rest.firstFrame == epochs[0].firstFrame + 400)
    #expect(rest.frameCount == 300)
  }

  @Test("Values are by trial, channel and sample")
  func values() throws {
    let rig = try Rig(length: 200)
    let epochs = try rig.acquire(samples: 200, trials: 2)
    var collector = EpochCollector()
    for (trial, blocks) in rig.blocks.enumerated() {
      for block in blocks { collector.add(trial, block) }
    }
    let values = collector.values(of: epochs)
    #expect(values.map { $0.map(\.count) } == [[200, 200], [200, 200]])
    let first = values[1][0][0]
    #expect(values[1][0] == (0..<200).map { first + Double($0) })
    #expect(values[1][1] == (0..<200).map { first + Double($0) + 1000 })
  }

  @Test("What was lost in a trial is its loss, and counts as a sample of it")
  func losses() throws {
    let rig = try Rig(length: 1500, slots: 1000) {
      $0.faults = [CircuitFault(kind: .latency(seconds: 0.8), at: 0.6)]
    }
    let epochs = try rig.acquire(samples: 1500)
    #expect(epochs[0].frameCount == 1500)
    #expect(epochs[0].losses.map(\.reason) == [.overrun])
    let lost = try #require(epochs[0].losses.first)
    #expect((200...600).contains(lost.count))
    #expect(lost.first > epochs[0].firstFrame)
    var collector = EpochCollector()
    for block in rig.blocks[0] { collector.add(0, block) }
    let values = collector.values(of: epochs)[0][0]
    #expect(values.count { $0.isNaN } == Int(lost.count))
    // The others are in their places.
    for (place, value) in values.enumerated() where !value.isNaN {
      #expect(value == values[0] + Double(place))
    }
  }

  // MARK: - What goes wrong

  @Test("Samples that are no multiple of the block size are refused before anything starts")
  func badSamples() throws {
    let rig = try Rig(length: 700)
    let error = #expect(throws: BufferError.self) {
      try rig.acquire(samples: 250, blockSize: 100)
    }
    #expect(error?.kind == .badBlockSize)
    #expect(
      error?.message == "250 samples are not allowed: a multiple of the block size, 100")
    #expect(rig.blocks.isEmpty)
  }

  @Test("A handshake tag that does not exist is refused before anything starts")
  func badTag() throws {
    let rig = try Rig(length: 700)
    let error = #expect(throws: BufferError.self) { try rig.acquire(until: "nope", .changes) }
    #expect(error?.kind == .noSuchTag)
    #expect(
      error?.message.hasPrefix("the circuit has no scalar tag nope to wait for; its scalars are ")
        == true)
  }

  @Test("No new sample for ten seconds ends it")
  func timeout() throws {
    let rig = try Rig(length: 100)
    let began = rig.rig.timekeeper.now
    let error = #expect(throws: BufferError.self) { try rig.acquire(samples: 400) }
    #expect(error?.kind == .timeout)
    #expect(error?.message == "no new sample for 10.0 s; 100 were read")
    let took = Double(rig.rig.timekeeper.now - began) * 1e-9
    #expect(took > 10 && took < 10.5)
  }

  @Test("A tag that is true before the trial has given a sample does not end it")
  func endsNotBeforeItBegins() throws {
    // "running" is false until the trigger: the trial is over when it is false again.
    let rig = try Rig(length: 300, tag: "other", atTrigger: .value(0), afterwards: .value(0))
    let error = #expect(throws: BufferError.self) {
      try rig.acquire(trigger: .software(9), until: "other", .equals(0), timeout: 2)
    }
    #expect(error?.message == "no new sample for 2.0 s; 0 were read")
  }

  @Test("Triggers A and B begin trials too", arguments: [Trigger.zBusA, .zBusB])
  func busTriggers(trigger: Trigger) throws {
    let rig = try Rig(length: 300, trigger: trigger)
    let epochs = try rig.acquire(trigger: trigger, samples: 300, trials: 2)
    #expect(epochs.map(\.frameCount) == [300, 300])
    rig.expectContiguous(epochs)
  }

  // MARK: - Help

  /// A running circuit, and what `each` was given.
  final class Rig {
    let rig: SimulatedRig
    let isGated: Bool
    let slots: Int
    var blocks: [[SampleBlock]] = []
    private(set) var buffer: InputBuffer
    private(set) var ranAt: Nanoseconds = 0
    /// What the counter said when frame 0 was written, to a frame or two.
    private(set) var firstCount: Int32 = 0

    init(
      length: Int?, slots: Int = 2000, resets: Bool = true, trigger: Trigger = .software(1),
      tag: String = "tag", atTrigger: TagProgram.Change = .none,
      afterwards: TagProgram.Change = .none, _ ticks: Int? = nil, latch: Int? = nil,
      change: (inout CircuitSimulation) -> Void = { _ in }
    ) throws {
      let gate = length.map {
        SimulatedStore.Gate(trigger: trigger, length: .ticks($0), resetsPosition: resets)
      }
      rig = try SimulatedRig(
        [SimulatedStore(data: "lfp", format: EpochsTests.format, slots: slots, gate: gate)],
        programs: [
          TagProgram(
            trigger: trigger, tag: tag, atTrigger: atTrigger, ticks: ticks ?? length ?? 0,
            afterwards: afterwards)
        ], latch: latch
      ) {
        $0.rate = 1000
        change(&$0)
      }
      isGated = gate != nil
      self.slots = slots
      try rig.circuit.run()
      ranAt = rig.timekeeper.now - 250_000_000
      buffer = try rig.input(EpochsTests.format, isGated: isGated, latch: latch)
    }

    func acquire(
      trigger: Trigger? = .software(1), until tag: String, _ end: EndCondition, trials: Int = 1,
      poll: Double = 0.1, timeout: Double = 10, blockSize: Int = 1, latch: Int? = nil
    ) throws -> [Epoch] {
      try prepare(blockSize, latch)
      return try Epochs(buffer, timekeeper: rig.timekeeper).acquire(
        trigger: trigger, handshake: tag, until: end, trials: trials, poll: poll,
        timeout: timeout, each: take)
    }

    func acquire(
      trigger: Trigger? = .software(1), samples: Int, trials: Int = 1, interval: Double = 0,
      blockSize: Int = 1
    ) throws -> [Epoch] {
      try prepare(blockSize, nil)
      return try Epochs(buffer, timekeeper: rig.timekeeper).acquireSamples(
        trigger: trigger, samples: samples, trials: trials, interval: interval, each: take)
    }

    private func prepare(_ blockSize: Int, _ latch: Int?) throws {
      buffer = try rig.input(
        EpochsTests.format, blockSize: blockSize, isGated: isGated, latch: latch)
      firstCount = Int32((rig.timekeeper.now - ranAt) / 1_000_000)
    }

    private func take(_ trial: Int, _ block: SampleBlock) {
      while blocks.count <= trial { blocks.append([]) }
      blocks[trial].append(block)
    }

    /// Every frame of every trial is there, once, in order, and where the epoch says.
    func expectContiguous(
      _ epochs: [Epoch], sourceLocation: SourceLocation = #_sourceLocation
    ) {
      #expect(epochs.count == blocks.count, sourceLocation: sourceLocation)
      for (epoch, blocks) in zip(epochs, blocks) {
        let values = blocks.flatMap { $0.values(as: Int32.self) }
        #expect(Int64(values.count) == 2 * epoch.frameCount, sourceLocation: sourceLocation)
        guard let start = values.first else { continue }
        var expected: [Int32] = []
        for frame in 0..<Int32(epoch.frameCount) {
          expected += [start + frame, start + frame + 1000]
        }
        #expect(values == expected, sourceLocation: sourceLocation)
        let first = blocks.first { $0.frameCount > 0 }?.firstFrame
        #expect(first == epoch.firstFrame, sourceLocation: sourceLocation)
        #expect(epoch.losses.isEmpty, sourceLocation: sourceLocation)
      }
    }
  }
}
