import Samples
import Testing

@Suite struct PulseTests {
  @Test func `the default is a biphasic pulse of 20 Hz`() throws {
    let pulse = Pulse()
    let signal = try pulse.signal()
    #expect(signal.amplitudes == [1, -1, 0])
    #expect(signal.durations == [0.1, 0.1, 49.8])
    #expect(signal.repeats == 0)
    #expect(abs(pulse.duration - 50) < 1e-12)
    #expect(pulse.netCharge == 0)
  }

  @Test func `a monophasic pulse leaves its charge`() throws {
    let pulse = Pulse(intensity: -0.2, mode: .monophasic, width: 0.5, burstCount: 3, isi: 9.5)
    #expect(try pulse.signal().amplitudes == [-0.2, 0, -0.2, 0, -0.2, 0])
    #expect(pulse.duration == 30)
    // 0.2 mA for 0.5 ms are 100 nC.
    #expect(abs(pulse.netCharge + 300) < 1e-9)
    #expect(abs(try pulse.signal().netCharge + 300) < 1e-9)
  }

  @Test func `a gap stands between the phases`() throws {
    let signal = try Pulse(intensity: 2, width: 0.2, interphase: 0.05, burstCount: 2, isi: 5)
      .signal()
    #expect(signal.amplitudes == [2, 0, -2, 0, 2, 0, -2, 0])
    #expect(signal.durations == [0.2, 0.05, 0.2, 5, 0.2, 0.05, 0.2, 5])
  }

  @Test func `an asymmetric recovery is longer and weaker by the same ratio`() throws {
    let pulse = Pulse(intensity: 0.4, width: 0.2, recoveryRatio: 4, isi: 9)
    let signal = try pulse.signal()
    #expect(signal.amplitudes == [0.4, -0.1, 0])
    #expect(signal.durations == [0.2, 0.8, 9])
    #expect(pulse.duration == 10)
    #expect(abs(signal.netCharge) < 1e-12)
  }

  @Test func `bursts are entrained with zero between them`() throws {
    let train = try Pulse(repeats: 7).entrained(count: 2, interval: 1)
    #expect(train.amplitudes == [1, -1, 0, 0, 1, -1, 0])
    #expect(train.durations == [0.1, 0.1, 49.8, 1, 0.1, 0.1, 49.8])
    #expect(train.repeats == 7)
    #expect(try Pulse().entrained(count: 1, interval: 1) == Pulse().signal())
  }

  @Test(arguments: [
    Pulse(width: -1), Pulse(isi: -1), Pulse(burstCount: 0), Pulse(interphase: -0.1),
    Pulse(intensity: .nan), Pulse(width: .infinity), Pulse(recoveryRatio: 0),
  ])
  func `senseless pulses are refused`(pulse: Pulse) {
    #expect(throws: SignalError.self) { try pulse.signal() }
    #expect(throws: SignalError.self) { try pulse.entrained(count: 2, interval: 0) }
  }

  @Test func `senseless trains are refused`() {
    #expect(throws: SignalError.self) { try Pulse().entrained(count: 0, interval: 1) }
    #expect(throws: SignalError.self) { try Pulse().entrained(count: 2, interval: -1) }
  }
}

@Suite struct StimulusFileTests {
  private let header = """
    Multi Channel Systems MC_Stimulus II
    ASCII import Version 1.10

    channels: 2
    output mode: current
    format: 4

    """

  private func message(_ text: String) -> String {
    let error = #expect(throws: StimulusFileError.self) { try StimulusFile(parsing: text) }
    return error?.description ?? ""
  }

  @Test func `microamperes and microseconds become milli`() throws {
    let file = try StimulusFile(
      parsing: header + "channel: 2\n\nvalue\ttime\n100\t200\n-100 200.0\n0\t49600\n")
    #expect(file.unit == .milliamperes)
    #expect(file.channels == 2)
    #expect(
      file.signals == [1: Signal(amplitudes: [0.1, -0.1, 0], durations: [0.2, 0.2, 49.6])])
  }

  @Test func `rows repeat, pairs follow each other, comments and cases do not matter`() throws {
    let text = """
      # made by hand
      MULTI Channel systems MC_Stimulus II\r
      ascii import version 1.10\r
      Channels:\t4
      Output Mode: Voltage   # mV
      FORMAT: 3
      channel: 1
      value time value time value time repeat
      500 20 -500 20 0 60 2   # twice
      0 100 0 0 0 0 1
      channel: 5
      value time
      1 1000
      0 1000
      channel: 3
      value time
      """
    let file = try StimulusFile(parsing: text)
    #expect(file.unit == .millivolts)
    #expect(
      file.signals == [
        0: Signal(
          amplitudes: [500, -500, 0, 500, -500, 0, 0, 0, 0],
          durations: [0.02, 0.02, 0.06, 0.02, 0.02, 0.06, 0.1, 0, 0])
      ])
  }

  @Test func `what is wrong is said with its line`() {
    #expect(message("").hasPrefix("line 1: not a file"))
    #expect(message("RIFF\n").hasPrefix("line 1: the file must begin"))
    #expect(
      message("Multi Channel Systems MC_Stimulus II\nASCII import Version 2.0\n")
        == "line 2: version 2.0 is not known")
    #expect(message(header).hasSuffix("the file has no 'channel:'"))
    #expect(message(header + "colour: 3").hasPrefix("line 7: 'colour:' is no keyword"))
    #expect(message(header + "1 2").hasPrefix("line 7: '1' is no keyword"))
    #expect(message(header + "channel: 5").hasPrefix("line 7: '5' is not a channel"))
    #expect(message(header + "channel: 1\n1 2").hasPrefix("line 8: columns must be"))
    #expect(
      message(header + "channel: 1\nvalue time\n1 2 3")
        == "line 9: 3 numbers where 2 columns are named")
    #expect(
      message(header + "channel: 1\nvalue time\n1 2\nx 5") == "line 10: 'x' is not a number")
    #expect(message(header + "channel: 1\nvalue time\n1 -2").contains("negative"))
    #expect(message(header + "channel: 1\nvalue time repeat\n1 2 0").contains("repeats"))
    #expect(
      message(header + "channel: 1\nvalue time\n1 2\nchannel: 1")
        == "line 10: channel 1 stands twice")
    #expect(
      message(header + "channel: 1\nchannel: 2") == "line 8: channel 1 ends without its columns")
    #expect(message(header + "format: 5").contains("format 5 is not read"))
    #expect(message(header + "output mode: light").contains("current or voltage"))
    #expect(
      message("Multi Channel Systems MC_Stimulus II\nASCII import Version 1.10\nchannel: 1")
        .hasPrefix("line 3: 'channels:', 'output mode:'"))
  }

  @Test func `a written file is as the reference's own`() {
    let file = StimulusFile(
      unit: .milliamperes, channels: 2,
      signals: [
        1: Signal(amplitudes: [0.57], durations: [0.58], repeats: 2),
        0: Signal(amplitudes: [1, -1, 0], durations: [0.1, 0.1, 49.8]),
      ])
    #expect(
      file.text == """
        Multi Channel Systems MC_Stimulus II
        ASCII import Version 1.10

        channels: 2

        output mode: current

        format: 4

        channel: 1

        value\ttime
        1000\t100
        -1000\t100
        0\t49800

        channel: 2

        value\ttime
        570\t580
        570\t580

        """)
  }

  @Test(arguments: CodeScale.Unit.allCases)
  func `what is written is read again`(unit: CodeScale.Unit) throws {
    let seed: UInt64 = 41
    var generator = SplitMix64(seed: seed)
    let signals = (0..<8).map { channel in
      (
        channel,
        Signal(
          amplitudes: (0..<20).map { _ in
            Double(Int.random(in: -8000...8000, using: &generator)) / 500
          },
          durations: (0..<20).map { _ in
            Double(Int.random(in: 0...5000, using: &generator)) * 2 / 100
          })
      )
    }
    let file = StimulusFile(
      unit: unit, channels: 8, signals: Dictionary(uniqueKeysWithValues: signals))
    #expect(try StimulusFile(parsing: file.text) == file, "seed \(seed)")
  }
}
