import Samples
import Testing

@testable import Recording

@Suite struct SignalReadingTests {
  @Test func `a long phase must be meant`() throws {
    let long = "amplitudes_in_mA: [0.1, -0.1, 0], durations_in_ms: [150, 150, 10]"
    Wrong(
      """
      stimulator: {},
      stimulus: { signals: [{ channel: 0, amplitudes_in_mA: ¦[0.1, -0.1, 0],
        durations_in_ms: [150, 150, 10] }] },
      """,
      "stimulus.signals.0.amplitudes_in_mA: channel 0: 300.0 ms without a zero sample; a feed cannot "
        + "end within 200 ms unless allow_long_phase is set"
    ).check()
    let session = try SessionText(
      """
      stimulator: {},
      stimulus: {
        signals: [{ channel: 0, \(long), allow_long_phase: true }],
        changes: [{ at_s: 1, channel: 1, \(long), allow_long_phase: true }],
        protocol: { isi_s: 1, conditions: [
          { name: "x", channel: 2, \(long), allow_long_phase: true }] },
      },
      """
    ).load()
    #expect(session.stimulus.signals.map(\.allowsLongPhase) == [true])
    #expect(session.stimulus.changes.map(\.allowsLongPhase) == [true])
    #expect(session.stimulus.plan?.conditions.map(\.allowsLongPhase) == [true])
  }

  @Test func `a pulse is the signal it stands for`() throws {
    let session = try SessionText(
      """
      stimulator: {},
      stimulus: { signals: [{ channel: 0, repeat: 3, pulse: { intensity_in_mA: 0.1,
        pulsewidth_in_ms: 0.2, interphase_in_ms: 0.1, burstcount: 2, isi_in_ms: 9.5 } }] },
      """
    ).load()
    #expect(
      session.stimulus.signals.first?.signal
        == Signal(
          amplitudes: [0.1, 0, -0.1, 0, 0.1, 0, -0.1, 0],
          durations: [0.2, 0.1, 0.2, 9.5, 0.2, 0.1, 0.2, 9.5], repeats: 3))
  }

  static let file = """
    Multi Channel Systems MC_Stimulus II
    ASCII import Version 1.10
    channels: 4
    output mode: current
    format: 4
    channel: 2
    value\ttime
    100\t200
    -100\t200
    0\t9600

    """

  @Test func `a stimulus file gives the signal of its channel`() throws {
    let folder = try TemporaryFolder(["x.dat": Array(Self.file.utf8)])
    func load(_ keys: String) throws -> Signal? {
      try SessionText("stimulator: {},\nstimulus: { signals: [{ file: \"x.dat\", \(keys) }] },")
        .load(folder: folder.path).stimulus.signals.first?.signal
    }
    let expected = Signal(amplitudes: [0.1, -0.1, 0], durations: [0.2, 0.2, 9.6])
    // The only channel of the file, whatever the stimulator's; channel 2 of the file is 1 from 0.
    #expect(try load("channel: 0") == expected)
    #expect(try load("channel: 0, file_channel: 1") == expected)
    Wrong(
      "stimulator: {},\nstimulus: { signals: [{ file: ¦\"x.dat\", channel: 0, file_channel: 3 }] },",
      "stimulus.signals.0.file: \(folder.path)/x.dat has no signal for channel 3; file_channel "
        + "allowed: 1"
    ).check(folder: folder.path)
    Wrong(
      "stimulator: { mode: \"voltage\" },\nstimulus: { signals: [{ file: ¦\"x.dat\", channel: 0 }] },",
      "stimulus.signals.0.file: \(folder.path)/x.dat is in mA, the stimulator in mV"
    ).check(folder: folder.path)
  }
}
