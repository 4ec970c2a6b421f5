/// A signal as a stimulator will put it out: whole DAC steps for whole output samples.
public struct CompiledSignal: Sendable, Equatable {
  /// Consecutive samples of one code, at least one.
  public struct Run: Sendable, Equatable {
    public let code: Int16
    public let count: Int

    public init(code: Int16, count: Int) {
      self.code = code
      self.count = count
    }
  }

  public let scale: CodeScale
  /// One period, in order; elements shorter than half a sample are not in it.
  public let runs: [Run]
  /// Whether the signal may be cut within a run, one for each of `runs`.
  ///
  /// Those runs are of code zero, and the charge since the period's start is back to zero (to 1 %
  /// of the largest phase): between pulses, never in the gap of one. Where a period as a whole
  /// leaves a charge, or these runs are more than 200 ms apart, every run of code zero is one.
  /// Where no run is one, the signal may be cut between its periods.
  public let rests: [Bool]
  /// Samples of one period, at least one.
  public let period: Int
  /// Periods; 0: until replaced.
  public let repeats: Int

  /// As realised, one for each element of the signal: mA or mV, and milliseconds.
  public let amplitudes: [Double]
  public let durations: [Double]
  /// Samples of each element; 0 for those that were too short.
  public let counts: [Int]
  /// Whether everything is realised as it was asked for.
  public let isExact: Bool

  /// Nanocoulombs a period leaves; nil in voltage mode.
  public let netCharge: Double?
  /// Nanocoulombs of the largest phase: a longest stretch of codes of one sign, across periods where
  /// the signal repeats. Infinite if it never ends; nil in voltage mode.
  public let phaseCharge: Double?

  /// The longest stretch without a zero-code sample that is put out unasked, seconds.
  public static let longestPhase = 0.2

  /// Whether every code is zero.
  public var isSilent: Bool { runs.allSatisfy { $0.code == 0 } }

  /// Samples until the signal ends; nil: it does not.
  public var length: Int? {
    guard repeats > 0 else { return nil }
    let (product, overflow) = period.multipliedReportingOverflow(by: repeats)
    return overflow ? nil : product
  }

  /// Amplitudes for a download, one for each element: whole nA or µV.
  public var deviceAmplitudes: [Int] {
    amplitudes.map { Int(($0 * scale.unit.deviceUnits).rounded()) }
  }

  /// Durations for a download, one for each element: whole microseconds.
  public var deviceDurations: [Int] { durations.map { Int(($0 * 1000).rounded()) } }

  fileprivate init(
    scale: CodeScale, signal: Signal, runs: [Run], codes: [Int16], counts: [Int]
  ) {
    self.scale = scale
    self.runs = runs
    self.counts = counts
    repeats = signal.repeats
    period = runs.reduce(0) { $0 + $1.count }
    amplitudes = codes.map { scale.amplitude(of: $0) }
    durations = counts.map { scale.duration(of: $0) }
    isExact =
      zip(signal.amplitudes, amplitudes).allSatisfy { CodeScale.isExact($0, $1) }
      && zip(signal.durations, durations).allSatisfy { CodeScale.isExact($0, $1) }
    let charges = RunCharges(runs, repeats: signal.repeats)
    netCharge = scale.chargePerCode.map { charges.net * $0 }
    phaseCharge = scale.chargePerCode.map { charges.largestPhase * $0 }
    rests = charges.rests(runs, within: Int(scale.rate * Self.longestPhase))
  }
}

extension Signal {
  /// Quantises the signal for a channel of a stimulator.
  ///
  /// Off-grid amplitudes and durations are rounded to the nearest, half away from zero; the result
  /// says what is realised. Throws, naming channel and element, for anything that cannot be put
  /// out. `allowLongPhase` permits more than 200 ms without a zero-code sample.
  public func compiled(
    on scale: CodeScale, channel: Int, allowLongPhase: Bool = false
  ) throws(SignalError) -> CompiledSignal {
    try checkShape(channel)
    var codes: [Int16] = []
    var counts: [Int] = []
    var runs: [CompiledSignal.Run] = []
    for element in amplitudes.indices {
      func problem(_ message: String) -> SignalError {
        SignalError(channel: channel, element: element, message: message)
      }
      let (amplitude, duration) = (amplitudes[element], durations[element])
      guard amplitude.isFinite else { throw problem("the amplitude is \(amplitude)") }
      guard duration.isFinite else { throw problem("the duration is \(duration)") }
      guard duration >= 0 else { throw problem("the duration of \(duration) ms is negative") }
      guard let code = scale.code(of: amplitude) else {
        let unit = scale.unit.rawValue
        throw problem(
          "\(amplitude) \(unit) is beyond the device's \(scale.maximumAmplitude) \(unit)")
      }
      guard let count = scale.samples(of: duration) else {
        throw problem("the duration of \(duration) ms is too long")
      }
      codes.append(code)
      counts.append(count)
      if count > 0 { runs.append(CompiledSignal.Run(code: code, count: count)) }
    }
    guard !runs.isEmpty else {
      throw SignalError(
        channel: channel,
        message: duration > 0
          ? "every element is shorter than half a sample" : "the total duration is zero")
    }
    let signal = CompiledSignal(
      scale: scale, signal: self, runs: runs, codes: codes, counts: counts)
    let longest = RunCharges.longestStretch(runs, repeats: repeats) { runs[$0].code == 0 }
    guard allowLongPhase || Double(longest) <= scale.rate * CompiledSignal.longestPhase else {
      throw SignalError(
        channel: channel,
        message: (longest == .max
          ? "no sample is zero" : "\(scale.duration(of: longest)) ms without a zero sample")
          + "; a feed cannot end within 200 ms unless allow_long_phase is set")
    }
    return signal
  }

  private func checkShape(_ channel: Int) throws(SignalError) {
    guard amplitudes.count == durations.count else {
      throw SignalError(
        channel: channel,
        message: "\(amplitudes.count) amplitudes but \(durations.count) durations")
    }
    guard !amplitudes.isEmpty else {
      throw SignalError(channel: channel, message: "the signal is empty")
    }
    guard repeats >= 0 else {
      throw SignalError(channel: channel, message: "\(repeats) repeats; 0 is until replaced")
    }
  }
}
