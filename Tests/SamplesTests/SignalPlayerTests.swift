import Samples
import Testing

/// A player with what it has given so far.
private struct Recorder {
  var player = SignalPlayer()
  var stream: [Int16] = []
  var events: [SignalPlayer.Event] = []

  /// One feed.
  mutating func feed(upTo end: Int64, limit: Int64? = nil) {
    let start = player.position
    let limit = limit ?? end + 20_000
    var buffer = [Int16](repeating: 99, count: max(0, Int(limit - start)))
    var events: [SignalPlayer.Event] = []
    let count = buffer.withUnsafeMutableBufferPointer { buffer in
      player.generate(upTo: end, limit: limit, into: buffer) { events.append($0) }
    }
    #expect(player.position == start + Int64(count))
    self.events += events
    stream += buffer.prefix(count)
  }
}

/// A signal by its codes (of 0.002 mA each four) and samples.
private func signal(
  _ runs: [(steps: Int, count: Int)], repeats: Int = 0, allowLongPhase: Bool = false
) throws -> CompiledSignal {
  try Signal(
    amplitudes: runs.map { Double($0.steps) * 0.002 },
    durations: runs.map { Double($0.count) * 0.02 }, repeats: repeats
  ).compiled(on: currentScale(), channel: 0, allowLongPhase: allowLongPhase)
}

@Suite struct SignalPlayerTests {
  /// +4 +4 −4 −4 and six zeros: a period of ten samples.
  private func pulse(repeats: Int = 0) throws -> CompiledSignal {
    try signal([(1, 2), (-1, 2), (0, 6)], repeats: repeats)
  }

  private let period: [Int16] = [4, 4, -4, -4, 0, 0, 0, 0, 0, 0]

  @Test func `without a signal there are zeros`() {
    var recorder = Recorder()
    recorder.feed(upTo: 5)
    #expect(recorder.stream == [0, 0, 0, 0, 0])
    #expect(recorder.events == [])
    #expect(recorder.player.isIdle)
  }

  @Test func `a live signal starts at once in silence and repeats`() throws {
    var recorder = Recorder()
    recorder.feed(upTo: 3)
    #expect(recorder.player.set(try pulse(), id: 7) == nil)
    recorder.feed(upTo: 27)
    #expect(recorder.stream == [0, 0, 0] + period + period + period.prefix(5))
    #expect(recorder.events == [.onset(id: 7, sample: 3)])
  }

  @Test func `a feed ends after a zero`() throws {
    var recorder = Recorder()
    _ = recorder.player.set(try pulse(), id: 1)
    recorder.feed(upTo: 1)
    #expect(recorder.stream == [4, 4, -4, -4, 0])
    recorder.feed(upTo: 8)
    #expect(recorder.stream.count == 8)
  }

  @Test func `a pulse that would pass the limit waits for the next feed`() throws {
    var recorder = Recorder()
    _ = recorder.player.set(try pulse(), id: 1)
    recorder.feed(upTo: 12, limit: 13)
    #expect(recorder.player.position == 10)
    // With nothing else to give it is begun, and goes on in the next feed.
    recorder.feed(upTo: 12, limit: 13)
    #expect(recorder.player.position == 13)
    #expect(recorder.player.isInPulse)
    recorder.feed(upTo: 13)
    #expect(recorder.stream == period + period.prefix(5))
  }

  @Test func `n periods are exactly n`() throws {
    var recorder = Recorder()
    _ = recorder.player.set(try pulse(repeats: 3), id: 1)
    recorder.feed(upTo: 40)
    #expect(recorder.stream == period + period + period + [Int16](repeating: 0, count: 10))
    #expect(recorder.player.isIdle)
  }

  @Test func `a live change waits for the end of the period`() throws {
    var recorder = Recorder()
    _ = recorder.player.set(try pulse(), id: 1)
    recorder.feed(upTo: 6)
    #expect(recorder.player.set(try signal([(2, 1), (-2, 1), (0, 1)], repeats: 1), id: 2) == nil)
    recorder.feed(upTo: 14)
    #expect(recorder.stream == period + [8, -8, 0, 0])
    #expect(recorder.events == [.onset(id: 1, sample: 0), .onset(id: 2, sample: 10)])
  }

  @Test func `an immediate change waits for the end of the pulse only`() throws {
    var recorder = Recorder()
    _ = recorder.player.set(try pulse(), id: 1)
    recorder.feed(upTo: 2, limit: 2)
    _ = recorder.player.set(
      try signal([(2, 1), (-2, 1), (0, 1)], repeats: 1), id: 2, immediate: true)
    recorder.feed(upTo: 8)
    #expect(recorder.stream == [4, 4, -4, -4, 8, -8, 0, 0])
    #expect(recorder.events.last == .onset(id: 2, sample: 4))
  }

  @Test func `the gap of a pulse is no place to change`() throws {
    var recorder = Recorder()
    _ = recorder.player.set(try signal([(1, 1), (0, 3), (-1, 1), (0, 5)]), id: 1)
    recorder.feed(upTo: 2, limit: 2)
    _ = recorder.player.silence(immediate: true)
    recorder.feed(upTo: 8)
    #expect(recorder.stream == [4, 0, 0, 0, -4, 0, 0, 0])
    #expect(recorder.player.isIdle)
  }

  @Test func `a signal of zeros is a boundary at every sample`() throws {
    var recorder = Recorder()
    _ = recorder.player.set(try signal([(0, 1000)]), id: 1)
    recorder.feed(upTo: 5)
    _ = recorder.player.set(try pulse(), id: 2)
    recorder.feed(upTo: 10)
    #expect(recorder.stream == [0, 0, 0, 0, 0, 4, 4, -4, -4, 0])
    #expect(recorder.events == [.onset(id: 1, sample: 0), .onset(id: 2, sample: 5)])
  }

  @Test func `a later live change supersedes one that has not started`() throws {
    var recorder = Recorder()
    _ = recorder.player.set(try pulse(), id: 1)
    recorder.feed(upTo: 6)
    #expect(recorder.player.set(try pulse(repeats: 1), id: 2) == nil)
    #expect(recorder.player.set(try pulse(repeats: 2), id: 3) == 2)
    #expect(recorder.player.silence() == 3)
    recorder.feed(upTo: 20)
    #expect(recorder.stream == period + [Int16](repeating: 0, count: 10))
    #expect(recorder.events == [.onset(id: 1, sample: 0)])
  }

  /// The pulse at 20 would end at 24 and is not begun; that at 10 ends at 14.
  @Test(arguments: [14, 17, 20, 21, 23])
  func `a planned signal starts at its sample`(sample: Int) throws {
    var recorder = Recorder()
    _ = recorder.player.set(try pulse(), id: 1)
    recorder.player.plan(try signal([(3, 1), (-3, 1), (0, 8)]), atSample: Int64(sample), id: 2)
    recorder.feed(upTo: Int64(sample) + 3)
    let before = (period + period + period).prefix(min(sample, 20))
    let zeros = [Int16](repeating: 0, count: sample - before.count)
    #expect(recorder.stream == Array(before) + zeros + [12, -12, 0])
    #expect(recorder.events.last == .onset(id: 2, sample: Int64(sample)))
  }

  @Test func `a pulse may end just where a planned signal starts`() throws {
    var recorder = Recorder()
    _ = recorder.player.set(try pulse(), id: 1)
    recorder.player.plan(try pulse(), atSample: 24, id: 2)
    recorder.feed(upTo: 28)
    #expect(recorder.stream == period + period + [4, 4, -4, -4, 4, 4, -4, -4, 0])
  }

  @Test func `a plan that comes too late starts as soon as it can`() throws {
    var recorder = Recorder()
    _ = recorder.player.set(try pulse(), id: 1)
    recorder.feed(upTo: 2, limit: 2)
    recorder.player.plan(try pulse(repeats: 1), atSample: 1, id: 2)
    recorder.feed(upTo: 8)
    #expect(recorder.stream == [4, 4, -4, -4, 4, 4, -4, -4, 0])
    #expect(recorder.events.last == .onset(id: 2, sample: 4))
  }

  @Test func `a planned signal without room for a pulse never starts`() throws {
    var recorder = Recorder()
    recorder.player.plan(try pulse(), atSample: 4, id: 1)
    recorder.player.plan(try pulse(), atSample: 6, id: 2)
    recorder.player.plan(try pulse(), atSample: 6, id: 3)
    recorder.feed(upTo: 11)
    #expect(recorder.stream == [0, 0, 0, 0, 0, 0, 4, 4, -4, -4, 0])
    #expect(
      recorder.events == [.superseded(id: 1), .superseded(id: 2), .onset(id: 3, sample: 6)])
  }

  @Test func `given up plans do not start`() throws {
    var recorder = Recorder()
    recorder.player.plan(try pulse(), atSample: 4, id: 1)
    recorder.player.plan(try pulse(), atSample: 6, id: 2)
    #expect(recorder.player.cancelPlans() == [1, 2])
    recorder.feed(upTo: 9)
    #expect(recorder.stream == [Int16](repeating: 0, count: 9))
  }

  @Test func `a live change outlives a planned one that comes first`() throws {
    var recorder = Recorder()
    _ = recorder.player.set(try pulse(), id: 1)
    recorder.feed(upTo: 5)
    recorder.player.plan(try signal([(0, 500)]), atSample: 7, id: 2)
    _ = recorder.player.set(try pulse(repeats: 1), id: 3)
    recorder.feed(upTo: 13)
    #expect(recorder.stream == [4, 4, -4, -4, 0, 0, 0, 0, 4, 4, -4, -4, 0])
    #expect(
      recorder.events == [
        .onset(id: 1, sample: 0), .onset(id: 2, sample: 7), .onset(id: 3, sample: 8),
      ])
  }

  @Test func `a signal without zeros may be cut between its periods`() throws {
    let wave = try signal([(1, 2), (-1, 2)], allowLongPhase: true)
    var recorder = Recorder()
    _ = recorder.player.set(wave, id: 1)
    recorder.player.plan(try pulse(), atSample: 10, id: 2)
    recorder.feed(upTo: 3)
    #expect(recorder.player.position == 4)
    recorder.feed(upTo: 12)
    #expect(recorder.stream == [4, 4, -4, -4, 4, 4, -4, -4, 0, 0, 4, 4, -4, -4, 0])
  }

  @Test func `a signal of millions of samples takes no time`() throws {
    var recorder = Recorder()
    _ = recorder.player.set(try signal([(1, 1), (-1, 1), (0, 1_000_000_000)]), id: 1)
    recorder.feed(upTo: 100_000)
    #expect(recorder.stream.count == 100_000)
    #expect(recorder.stream.count { $0 != 0 } == 2)
  }

  @Test(arguments: 0..<200)
  func `random changes give the stream of the plain model`(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed))
    var recorder = Recorder()
    var reference = ReferencePlayer()
    var expected: [Int16] = []
    var id = 0
    var lastPlan: Int64 = 0
    for _ in 0..<60 {
      if generator.next(below: 3) == 0 {
        id += 1
        let signal = try randomSignal(&generator)
        let immediate = generator.next(below: 2) == 0
        #expect(recorder.player.set(signal, id: id, immediate: immediate) == reference.pending?.id)
        reference.pending = (signal, id, immediate)
      }
      if generator.next(below: 12) == 0 {
        let immediate = generator.next(below: 2) == 0
        #expect(recorder.player.silence(immediate: immediate) == reference.pending?.id)
        reference.pending = (nil, nil, immediate)
      }
      while generator.next(below: 3) == 0 {
        id += 1
        lastPlan = max(lastPlan, recorder.player.position - 3) + Int64(generator.next(below: 60))
        let signal = try randomSignal(&generator)
        recorder.player.plan(signal, atSample: lastPlan, id: id)
        reference.plans.append((signal, id, lastPlan))
      }
      let position = recorder.player.position
      let end = position + Int64(generator.next(below: 50))
      let limit = end + Int64(generator.next(below: 40))
      recorder.feed(upTo: end, limit: limit)
      #expect(recorder.player.position <= limit, "seed \(seed)")
      while reference.position < recorder.player.position { expected.append(reference.step()) }
      #expect(recorder.stream == expected, "seed \(seed)")
      #expect(recorder.events == reference.events, "seed \(seed)")
      guard recorder.stream == expected, recorder.events == reference.events else { return }
    }
  }

  @Test(arguments: 0..<50)
  func `feeds of any size give the same stream`(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(1000 + seed))
    var many = Recorder()
    var sample: Int64 = 0
    for id in 0..<20 {
      sample += Int64(generator.next(below: 80))
      many.player.plan(try randomSignal(&generator), atSample: sample, id: id)
    }
    var one = many
    one.feed(upTo: 2000)
    while many.player.position < 2000 {
      let start = many.player.position
      many.feed(upTo: start + 1 + Int64(generator.next(below: 30)))
    }
    let count = min(one.stream.count, many.stream.count)
    #expect(count >= 2000)
    #expect(one.stream.prefix(count) == many.stream.prefix(count), "seed \(seed)")
    #expect(one.events == many.events, "seed \(seed)")
  }

  /// Pulses with and without gaps, delays, net charge, zeros at the end; trains; waves; silence.
  private func randomSignal(_ generator: inout SplitMix64) throws -> CompiledSignal {
    var runs: [(steps: Int, count: Int)] = []
    func length(_ most: Int) -> Int { generator.next(below: most) + 1 }
    for _ in 0..<length(3) {
      let steps = generator.next(below: 5) - 2
      let width = length(4)
      if generator.next(below: 4) == 0 { runs.append((0, length(6))) }
      runs.append((steps, width))
      if generator.next(below: 3) == 0 { runs.append((0, length(3))) }
      if generator.next(below: 5) != 0 { runs.append((-steps, width)) }
      if generator.next(below: 5) != 0 { runs.append((0, length(15))) }
    }
    return try signal(
      runs, repeats: generator.next(below: 2) == 0 ? 0 : length(4), allowLongPhase: true)
  }
}
