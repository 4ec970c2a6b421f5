/// How amplitudes and durations become the codes and samples of one stimulator channel.
///
/// A code is signed, at 16-bit full scale, and always a whole number of DAC steps: the device
/// would truncate the low bits downward and leave a biphasic pulse with a net charge.
public struct CodeScale: Sendable, Equatable {
  /// What an amplitude is.
  public enum Unit: String, Sendable, CaseIterable {
    case milliamperes = "mA"
    case millivolts = "mV"

    /// Device units (nA, µV) in one.
    var deviceUnits: Double { self == .milliamperes ? 1e6 : 1e3 }
  }

  /// The output rates a signal may be compiled for, samples a second.
  public static let rates: [Double] = [50_000, 10_000]

  public let unit: Unit
  /// Output samples a second.
  public let rate: Double
  public let dacBits: Int
  /// One DAC step, nA or µV, as the device reports it.
  public let resolution: Double
  /// Full scale, nA or µV, as the device reports it.
  public let range: Double

  /// Throws if the numbers make no sense, as a device's may not.
  public init(
    unit: Unit, rate: Double, dacBits: Int, resolution: Double, range: Double
  ) throws(SignalError) {
    guard Self.rates.contains(rate) else {
      throw SignalError(message: "the output rate is \(rate) Hz; 50000 or 10000 are possible")
    }
    guard (1...16).contains(dacBits) else {
      throw SignalError(message: "a DAC of \(dacBits) bits; 1 to 16 are possible")
    }
    guard resolution > 0, resolution.isFinite, range >= resolution, range.isFinite else {
      throw SignalError(
        message: "a resolution of \(resolution) and a range of \(range) are no DAC's")
    }
    self.unit = unit
    self.rate = rate
    self.dacBits = dacBits
    self.resolution = resolution
    self.range = range
  }

  /// Codes in one DAC step.
  public var codesPerStep: Int { 1 << (16 - dacBits) }

  /// Codes in one mA or mV.
  public var codesPerUnit: Double { Double(codesPerStep) * unit.deviceUnits / resolution }

  /// The greatest amplitude, mA or mV: the range, or the last whole step the code can hold.
  public var maximumAmplitude: Double {
    min(range / unit.deviceUnits, amplitude(of: Int16(Int(Int16.max) & ~(codesPerStep - 1))))
  }

  /// The amplitude that a code stands for, mA or mV.
  public func amplitude(of code: Int16) -> Double {
    Double(code) * resolution / (Double(codesPerStep) * unit.deviceUnits)
  }

  /// The code nearest an amplitude, in whole steps, half away from zero so that +x and −x cancel;
  /// nil beyond the device.
  public func code(of amplitude: Double) -> Int16? {
    let steps = Self.nearest(abs(amplitude) * unit.deviceUnits / resolution)
    // A hair of tolerance: the range itself is allowed however it was computed.
    guard abs(amplitude) <= maximumAmplitude * (1 + 1e-12) else { return nil }
    let code = Int(steps) * codesPerStep
    return Int16(exactly: amplitude < 0 ? -code : code)
  }

  /// Output samples nearest a duration of so many milliseconds, half up; nil beyond 2^40.
  public func samples(of duration: Double) -> Int? {
    let samples = Self.nearest(duration * rate / 1000)
    return samples <= 0x1p40 ? Int(samples) : nil
  }

  /// Milliseconds of so many output samples.
  public func duration(of samples: Int) -> Double { Double(samples) * 1000 / rate }

  /// Nanocoulombs of one code lasting one sample; nil where the unit is no current.
  public var chargePerCode: Double? {
    unit == .milliamperes ? resolution / Double(codesPerStep) / rate : nil
  }

  /// Whether `realised` is what was asked for, but for the last digits of binary numbers.
  static func isExact(_ asked: Double, _ realised: Double) -> Bool {
    abs(asked - realised) <= 4 * max(asked.ulp, realised.ulp)
  }

  /// The whole number nearest a product of decimal numbers, half up.
  ///
  /// 0.29 ms at 50 kHz is 14.5 samples, but 14.499999999999998 in binary: a few units in the last
  /// place are forgiven before rounding.
  private static func nearest(_ value: Double) -> Double {
    (value + 4 * value.ulp + 0.5).rounded(.down)
  }
}
