import Samples
import Testing

/// What the ledger rests on: a change that puts nothing out leaves the signal before it alone.
@Suite struct StimulusPlayerTests {
  @Test func aLiveSignalThatWouldMeetAPlanNeverStartsAndTheOneBeforeGoesOn() throws {
    let scale = try CodeScale(
      unit: .milliamperes, rate: 50_000, dacBits: 14, resolution: 2000, range: 16_000_000)
    // Samples of 20 µs: 2 of 2000, 8 of 0; 15 of 4000, 5 of 0; 1 of 6000, 1 of 0.
    func signal(_ level: Double, _ on: Double, _ off: Double) throws -> CompiledSignal {
      try Signal(amplitudes: [level, 0], durations: [on, off]).compiled(on: scale, channel: 0)
    }
    var player = SignalPlayer()
    _ = player.set(try signal(1, 0.04, 0.16), id: 1)
    var samples = [Int16](repeating: 0, count: 30)
    var events: [SignalPlayer.Event] = []
    samples.withUnsafeMutableBufferPointer { buffer in
      _ = player.generate(upTo: 5, limit: 5, into: buffer) { events.append($0) }
    }
    player.plan(try signal(3, 0.02, 0.02), atSample: 20, id: 3)
    // Its boundary is sample 10; its pulse would run to 25.
    #expect(player.set(try signal(2, 0.3, 0.1), id: 2) == nil)
    samples.withUnsafeMutableBufferPointer { buffer in
      let rest = UnsafeMutableBufferPointer(rebasing: buffer[5...])
      _ = player.generate(upTo: 30, limit: 30, into: rest) { events.append($0) }
    }
    #expect(
      events == [.onset(id: 1, sample: 0), .superseded(id: 2), .onset(id: 3, sample: 20)])
    let expected: [Int16] =
      [2000, 2000, 0, 0, 0, 0, 0, 0, 0, 0] + [2000, 2000, 0, 0, 0, 0, 0, 0, 0, 0]
      + [6000, 0, 6000, 0, 6000, 0, 6000, 0, 6000, 0]
    #expect(samples == expected)
  }
}
