import Samples
import Testing

/// The STG4000's usual current range: 14 bits, 2 µA steps, 16 mA: 2000 codes per mA.
func currentScale(rate: Double = 50_000) throws -> CodeScale {
  try CodeScale(
    unit: .milliamperes, rate: rate, dacBits: 14, resolution: 2000, range: 16_000_000)
}

@Suite struct CodeScaleTests {
  @Test func `codes per unit come from what the device reports`() throws {
    #expect(try currentScale().codesPerUnit == 2000)
    let voltage = try CodeScale(
      unit: .millivolts, rate: 50_000, dacBits: 14, resolution: 1000, range: 8_000_000)
    // 1 mV steps: 4000 codes per volt.
    #expect(voltage.codesPerUnit == 4)
    #expect(voltage.chargePerCode == nil)
  }

  @Test(
    arguments: [
      (0.5, 1000), (-0.5, -1000), (0.001, 4), (-0.001, -4), (0.000999, 0), (0.0029, 4), (0.003, 8),
      (-0.003, -8), (16, 32000), (-16, -32000), (0, 0),
    ] as [(Double, Int16)])
  func `amplitudes become whole steps, half away from zero`(mA: Double, code: Int16) throws {
    #expect(try currentScale().code(of: mA) == code)
  }

  @Test func `what is beyond the range or the code has no code`() throws {
    let scale = try currentScale()
    #expect(scale.code(of: 16.001) == nil)
    #expect(scale.code(of: -16.001) == nil)
    // A range of 20 mA needs 40000 codes; the last whole step of 16 bits is 32764.
    let wide = try CodeScale(
      unit: .milliamperes, rate: 50_000, dacBits: 14, resolution: 2000, range: 20_000_000)
    #expect(wide.maximumAmplitude == 16.382)
    #expect(wide.code(of: 16.382) == 32764)
    #expect(wide.code(of: 16.384) == nil)
  }

  @Test(arguments: [
    (0.58, 29), (0.01, 1), (0.03, 2), (0.29, 15), (0.57, 29), (0.009, 0), (49.8, 2490), (0, 0),
  ])
  func `durations become the nearest sample, half up`(milliseconds: Double, count: Int) throws {
    #expect(try currentScale().samples(of: milliseconds) == count)
  }

  @Test func `all durations on the grid up to 100 ms are exact`() throws {
    let scale = try currentScale()
    for count in 1...5000 {
      // As written in decimal: 0.02, 0.04, … 100.
      let text = "\(count * 2 / 100).\(count * 2 % 100 / 10)\(count * 2 % 10)"
      let milliseconds = try #require(Double(text))
      #expect(scale.samples(of: milliseconds) == count)
      #expect(scale.samples(of: Double(count) * 0.02) == count)
      #expect(scale.duration(of: count) == milliseconds)
    }
  }

  @Test func `senseless devices are refused`() {
    #expect(throws: SignalError.self) {
      try CodeScale(unit: .milliamperes, rate: 1, dacBits: 14, resolution: 2000, range: 16e6)
    }
    #expect(throws: SignalError.self) {
      try CodeScale(unit: .milliamperes, rate: 50_000, dacBits: 17, resolution: 2000, range: 16e6)
    }
    #expect(throws: SignalError.self) {
      try CodeScale(unit: .milliamperes, rate: 50_000, dacBits: 14, resolution: 0, range: 16e6)
    }
    #expect(throws: SignalError.self) {
      try CodeScale(unit: .milliamperes, rate: 50_000, dacBits: 14, resolution: 2000, range: .nan)
    }
  }
}

@Suite struct CompiledSignalTests {
  private func compile(
    _ amplitudes: [Double], _ durations: [Double], repeats: Int = 0, rate: Double = 50_000,
    allowLongPhase: Bool = false
  ) throws -> CompiledSignal {
    try Signal(amplitudes: amplitudes, durations: durations, repeats: repeats)
      .compiled(on: currentScale(rate: rate), channel: 3, allowLongPhase: allowLongPhase)
  }

  private func message(
    _ amplitudes: [Double], _ durations: [Double], repeats: Int = 0
  ) -> String {
    let error = #expect(throws: SignalError.self) {
      try compile(amplitudes, durations, repeats: repeats)
    }
    return error?.description ?? ""
  }

  private func runs(_ pairs: [(Int16, Int)]) -> [CompiledSignal.Run] {
    pairs.map { CompiledSignal.Run(code: $0.0, count: $0.1) }
  }

  /// 1 mA is code 2000; 0.1 ms are 5 samples; 1 mA · 0.1 ms are 100 nC.
  @Test func `a biphasic pulse of 20 Hz`() throws {
    let signal = try compile([1, -1, 0], [0.1, 0.1, 49.8])
    #expect(signal.runs == runs([(2000, 5), (-2000, 5), (0, 2490)]))
    #expect(signal.period == 2500)
    #expect(signal.amplitudes == [1, -1, 0])
    #expect(signal.durations == [0.1, 0.1, 49.8])
    #expect(signal.isExact)
    #expect(signal.netCharge == 0)
    #expect(signal.phaseCharge == 100)
    #expect(signal.rests == [false, false, true])
    #expect(signal.length == nil)
    #expect(!signal.isSilent)
  }

  @Test func `a download is in whole nanoamperes and microseconds`() throws {
    let signal = try compile([0.5, -0.1, 0], [0.1, 0.58, 49.32])
    #expect(signal.deviceAmplitudes == [500_000, -100_000, 0])
    #expect(signal.deviceDurations == [100, 580, 49_320])
  }

  @Test func `10 kHz has a grid of 0.1 ms`() throws {
    let signal = try compile([1, -1, 0], [0.1, 0.14, 1], rate: 10_000)
    #expect(signal.counts == [1, 1, 10])
    #expect(signal.durations == [0.1, 0.1, 1])
    #expect(!signal.isExact)
  }

  /// 0.0333 mA are 16.65 steps of 2 µA: 17 steps, 0.034 mA.
  @Test func `off-grid values are reported as realised`() throws {
    let signal = try compile([0.0333, -0.0333, 0], [0.211, 0.211, 5])
    #expect(signal.amplitudes == [0.034, -0.034, 0])
    #expect(signal.durations == [0.22, 0.22, 5])
    #expect(signal.netCharge == 0)
    #expect(!signal.isExact)
  }

  @Test func `an element too short for a sample has none`() throws {
    let signal = try compile([1, -1, 0], [0.1, 0.004, 1])
    #expect(signal.counts == [5, 0, 50])
    #expect(signal.durations == [0.1, 0, 1])
    #expect(signal.runs.count == 2)
  }

  @Test func `every bad input is an error with its place`() {
    #expect(message([1], [1, 2]) == "channel 3: 1 amplitudes but 2 durations")
    #expect(message([], []) == "channel 3: the signal is empty")
    #expect(message([1, 0], [0, 0]) == "channel 3: the total duration is zero")
    #expect(message([1], [0.001]) == "channel 3: every element is shorter than half a sample")
    #expect(message([0, .nan], [1, 1]) == "channel 3, element 1: the amplitude is nan")
    #expect(message([0, -.infinity], [1, 1]) == "channel 3, element 1: the amplitude is -inf")
    #expect(message([0, 1], [1, .nan]) == "channel 3, element 1: the duration is nan")
    #expect(
      message([1, 0], [-0.1, 1]) == "channel 3, element 0: the duration of -0.1 ms is negative")
    #expect(
      message([1, -17], [1, 1]) == "channel 3, element 1: -17.0 mA is beyond the device's 16.0 mA")
    #expect(message([1], [1e300]) == "channel 3, element 0: the duration of 1e+300 ms is too long")
    #expect(message([0], [1], repeats: -1) == "channel 3: -1 repeats; 0 is until replaced")
  }

  @Test func `a long stretch without a zero sample needs permission`() throws {
    #expect(message([1, -1, 0], [100, 100.02, 1]).contains("200.02 ms without a zero sample"))
    #expect(message([1, -1], [1, 1]).contains("no sample is zero"))
    // Two stretches of 150 ms meet where the period repeats, and do not if it does not.
    #expect(message([1, 0, -1], [150, 1, 150]).contains("300.0 ms"))
    #expect(try compile([1, 0, -1], [150, 1, 150], repeats: 1).period == 15050)
    #expect(try compile([1, -1, 0], [100, 100, 1]).period == 10050)
    #expect(try compile([1, -1], [1, 1], allowLongPhase: true).period == 100)
    #expect(try compile([1, -1], [1, 1], repeats: 100).length == 10_000)
  }

  @Test func `a phase is the longest stretch of one sign`() throws {
    // 1 mA · 0.1 ms + 2 mA · 0.2 ms = 500 nC, then −250 twice with nothing between.
    let signal = try compile([1, 2, -1, -1, 0], [0.1, 0.2, 0.25, 0.25, 1], repeats: 1)
    #expect(signal.counts == [5, 10, 13, 13, 50])
    #expect(signal.phaseCharge == 520)
    #expect(signal.netCharge == -20)
  }

  @Test func `a phase goes on across periods`() throws {
    let signal = try compile([1, 0, 1], [0.1, 1, 0.2])
    #expect(signal.phaseCharge == 300)
    let once = try compile([1, 0, 1], [0.1, 1, 0.2], repeats: 1)
    #expect(once.phaseCharge == 200)
    #expect(try compile([1], [1], allowLongPhase: true).phaseCharge == .infinity)
    #expect(try compile([1], [1], repeats: 3, allowLongPhase: true).phaseCharge == 3000)
  }

  @Test func `a voltage has no charge`() throws {
    let scale = try CodeScale(
      unit: .millivolts, rate: 50_000, dacBits: 14, resolution: 1000, range: 8_000_000)
    let signal = try Signal(amplitudes: [100, 0], durations: [1, 1]).compiled(on: scale, channel: 0)
    #expect(signal.runs.first?.code == 400)
    #expect(signal.netCharge == nil)
    #expect(signal.phaseCharge == nil)
  }

  @Test func `a signal may be cut between pulses, not in the gap of one`() throws {
    let gap = try compile([1, 0, -1, 0], [0.1, 0.05, 0.1, 10])
    #expect(gap.rests == [false, false, false, true])
    let delayed = try compile([0, 1, 0, -1, 0], [5, 0.1, 0.05, 0.1, 10])
    #expect(delayed.rests == [true, false, false, false, true])
  }

  @Test func `a signal that leaves a charge may be cut at every zero`() throws {
    #expect(try compile([1, 0, 1, 0], [0.1, 1, 0.1, 1]).rests == [false, true, false, true])
    // 0.5 % of a phase is a rounding, not a net charge.
    let nearly = try compile([10, 0, -9.95, 0], [0.1, 1, 0.1, 1])
    #expect(nearly.rests == [false, false, false, true])
  }

  @Test func `a gap too long to wait for is a place to cut`() throws {
    #expect(try compile([1, 0, -1, 0], [1, 250, 1, 1]).rests == [false, true, false, true])
    // No zero is between pulses: the period's end is.
    #expect(try compile([1, 0, -1], [1, 1, 1]).rests == [false, false, false])
  }
}

@Suite struct SignalLimitsTests {
  private func check(
    _ amplitudes: [Double], _ durations: [Double], _ limits: SignalLimits
  ) -> String? {
    do {
      let signal = try Signal(amplitudes: amplitudes, durations: durations)
        .compiled(on: currentScale(), channel: 0)
      try signal.check(limits, channel: 0)
      return nil
    } catch {
      return "\(error)"
    }
  }

  private let limits = SignalLimits(
    maximumAmplitude: 0.2, maximumPhaseCharge: 20, maximumNetCharge: nil)

  /// 0.2 mA for 0.1 ms are 20 nC: all at the limit.
  @Test func `what is at the limit is allowed`() {
    #expect(check([0.2, -0.2, 0], [0.1, 0.1, 10], limits) == nil)
  }

  @Test func `amplitude, phase and net charge are refused beyond it`() {
    #expect(
      check([0, 0.202, 0], [1, 0.02, 10], limits)
        == "channel 0, element 1: 0.202 mA is beyond the limit of 0.2 mA")
    #expect(
      check([0.2, -0.2, 0], [0.12, 0.12, 10], limits)
        == "channel 0: a phase of 24.0 nC is beyond the limit of 20.0 nC")
    #expect(check([0.1, 0], [0.1, 10], limits)?.contains("a period leaves 10.0 nC") == true)
  }

  /// 0.2009 mA is put out as 0.2 mA, 0.2011 mA as 0.202 mA.
  @Test func `the codes are judged, not the numbers asked for`() {
    #expect(check([0.2009, -0.2009, 0], [0.1, 0.1, 10], limits) == nil)
    #expect(check([0.2011, -0.2011, 0], [0.02, 0.02, 10], limits) != nil)
  }

  @Test func `a given net charge permits monophasic pulses`() {
    var permissive = limits
    permissive.maximumNetCharge = 10
    #expect(check([0.1, 0], [0.1, 10], permissive) == nil)
    #expect(check([-0.1, 0], [0.1, 10], permissive) == nil)
    #expect(check([0.1, 0], [0.12, 10], permissive) != nil)
  }

  @Test func `a limit that is not a number permits nothing`() {
    let broken = SignalLimits(
      maximumAmplitude: .nan, maximumPhaseCharge: nil, maximumNetCharge: nil)
    #expect(check([0, 0], [1, 1], broken) != nil)
  }
}
