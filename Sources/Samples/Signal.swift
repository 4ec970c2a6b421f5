/// A stimulus as asked for: amplitudes and how long each lasts.
///
/// It repeats until it is replaced, or a number of periods, and then there is silence.
public struct Signal: Sendable, Equatable {
  /// Milliamperes in current mode, millivolts in voltage mode.
  public var amplitudes: [Double]
  /// Milliseconds, one for each amplitude.
  public var durations: [Double]
  /// Periods; 0: until replaced.
  public var repeats: Int

  public init(amplitudes: [Double], durations: [Double], repeats: Int = 0) {
    self.amplitudes = amplitudes
    self.durations = durations
    self.repeats = repeats
  }

  /// Milliseconds of one period.
  public var duration: Double { durations.reduce(0, +) }

  /// Charge one period leaves behind: nanocoulombs for amplitudes in milliamperes.
  public var netCharge: Double {
    // 1 mA for 1 ms is 1000 nC.
    zip(amplitudes, durations).reduce(0) { $0 + $1.0 * $1.1 * 1000 }
  }
}

/// What is wrong with a stimulus: on which channel and at which element, counted from 0.
public struct SignalError: Error, Sendable, Equatable, CustomStringConvertible {
  /// nil: no single channel is to blame.
  public let channel: Int?
  /// nil: the signal as a whole.
  public let element: Int?
  public let message: String

  public init(channel: Int? = nil, element: Int? = nil, message: String) {
    self.channel = channel
    self.element = element
    self.message = message
  }

  public var description: String {
    let places = [channel.map { "channel \($0)" }, element.map { "element \($0)" }]
    let place = places.compactMap(\.self).joined(separator: ", ")
    return place.isEmpty ? message : "\(place): \(message)"
  }
}
