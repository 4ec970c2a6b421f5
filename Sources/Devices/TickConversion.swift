/// What times and frequencies are given in.
public enum TimeUnit: String, Sendable, CaseIterable {
  /// Hz.
  case frequency
  /// Samples in one period.
  case samplesPerPeriod
  case samples
  case seconds
  case milliseconds

  /// Whether it counts samples, of which there are only whole ones.
  var isCount: Bool { self == .samples || self == .samplesPerPeriod }
}

/// A conversion to what a circuit can do.
public struct Conversion: Sendable, Equatable {
  /// In the unit asked for; a whole number where it counts samples, rounded to the nearest.
  public let value: Double
  /// What that amounts to in the unit that it was converted from.
  public let achieved: Double
}

extension Circuit {
  /// Converts between times, frequencies and samples at the circuit's rate.
  ///
  /// - Precondition: the value is finite, and positive if it is, or becomes, a frequency.
  public func convert(_ value: Double, from source: TimeUnit, to target: TimeUnit) -> Conversion {
    Conversion(value, from: source, to: target, rate: rate)
  }
}

extension Conversion {
  /// Converts at a rate in samples a second.
  ///
  /// - Precondition: the value is finite, and positive if it is, or becomes, a frequency.
  public init(_ value: Double, from source: TimeUnit, to target: TimeUnit, rate: Double) {
    precondition(value.isFinite && rate > 0, "a time is a finite number")
    let exact = Self.value(of: Self.samples(of: value, source, rate), target, rate)
    // 0.29 · 100 is 28.999999999999996: nearest, never towards zero.
    self.value = target.isCount ? exact.rounded() : exact
    achieved =
      target.isCount
      ? Self.value(of: Self.samples(of: self.value, target, rate), source, rate) : value
  }

  private static func samples(of value: Double, _ unit: TimeUnit, _ rate: Double) -> Double {
    switch unit {
    case .frequency: rate / value
    case .samplesPerPeriod, .samples: value
    case .seconds: value * rate
    case .milliseconds: value * rate / 1000
    }
  }

  private static func value(of samples: Double, _ unit: TimeUnit, _ rate: Double) -> Double {
    switch unit {
    case .frequency: rate / samples
    case .samplesPerPeriod, .samples: samples
    case .seconds: samples / rate
    case .milliseconds: samples * 1000 / rate
    }
  }
}
