/// A burst of equal pulses by its parameters, after PulseFile of ctrl-stg4000.
public struct Pulse: Sendable, Equatable {
  public enum Mode: String, Sendable, CaseIterable {
    /// A phase and its opposite.
    case biphasic
    /// One phase; leaves a net charge.
    case monophasic
  }

  /// Amplitude of the first phase: mA, or mV in voltage mode.
  public var intensity: Double
  public var mode: Mode
  /// Milliseconds of the first phase.
  public var width: Double
  /// Milliseconds of zero between the phases of a biphasic pulse.
  public var interphase: Double
  /// How many times longer, and weaker, the second phase is than the first; 1: symmetrical.
  public var recoveryRatio: Double
  /// Pulses of the burst.
  public var burstCount: Int
  /// Milliseconds of zero after each pulse, the last included.
  public var isi: Double
  /// Periods; 0: until replaced.
  public var repeats: Int

  public init(
    intensity: Double = 1, mode: Mode = .biphasic, width: Double = 0.1, interphase: Double = 0,
    recoveryRatio: Double = 1, burstCount: Int = 1, isi: Double = 49.8, repeats: Int = 0
  ) {
    self.intensity = intensity
    self.mode = mode
    self.width = width
    self.interphase = interphase
    self.recoveryRatio = recoveryRatio
    self.burstCount = burstCount
    self.isi = isi
    self.repeats = repeats
  }

  /// Milliseconds of the whole burst, every interval included.
  public var duration: Double {
    let pulse = mode == .biphasic ? width + interphase + width * recoveryRatio : width
    return Double(burstCount) * (pulse + isi)
  }

  /// Charge the burst leaves: nanocoulombs for an intensity in milliamperes; 0 if biphasic. What
  /// rounding to the device's grid adds is the compiled signal's `netCharge`.
  public var netCharge: Double {
    mode == .biphasic ? 0 : Double(burstCount) * intensity * width * 1000
  }

  /// The burst as amplitudes and durations. Throws for negative times, no pulses, or numbers that
  /// are not finite.
  public func signal() throws(SignalError) -> Signal {
    try check()
    var amplitudes = [intensity]
    var durations = [width]
    if mode == .biphasic {
      if interphase > 0 {
        amplitudes.append(0)
        durations.append(interphase)
      }
      amplitudes.append(-intensity / recoveryRatio)
      durations.append(width * recoveryRatio)
    }
    amplitudes.append(0)
    durations.append(isi)
    return Signal(
      amplitudes: Array(repeatElement(amplitudes, count: burstCount).joined()),
      durations: Array(repeatElement(durations, count: burstCount).joined()), repeats: repeats)
  }

  /// The burst `count` times, with `interval` milliseconds of zero between bursts.
  public func entrained(count: Int, interval: Double) throws(SignalError) -> Signal {
    guard count >= 1 else { throw SignalError(message: "\(count) bursts; at least 1 is needed") }
    try Self.checkTime(interval, "interval between bursts")
    let burst = try signal()
    var train = burst
    for _ in 0..<count - 1 {
      train.amplitudes += [0] + burst.amplitudes
      train.durations += [interval] + burst.durations
    }
    return train
  }

  private func check() throws(SignalError) {
    guard intensity.isFinite else {
      throw SignalError(message: "the pulse's intensity is \(intensity)")
    }
    try Self.checkTime(width, "pulse width")
    try Self.checkTime(interphase, "interphase gap")
    try Self.checkTime(isi, "interval between pulses")
    guard recoveryRatio.isFinite, recoveryRatio > 0 else {
      throw SignalError(message: "the recovery ratio is \(recoveryRatio); it must be positive")
    }
    guard (1...1_000_000).contains(burstCount) else {
      throw SignalError(message: "a burst of \(burstCount) pulses; 1 to 1000000 are possible")
    }
  }

  private static func checkTime(_ time: Double, _ name: String) throws(SignalError) {
    guard time.isFinite, time >= 0 else {
      throw SignalError(message: "the \(name) is \(time) ms; it must be 0 or more")
    }
  }
}
