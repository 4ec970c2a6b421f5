/// A circuit whose clock is read with every poll.
public struct CircuitClockDescription: Sendable, Equatable {
  public var name: String
  /// The buffers whose positions every reading has, in the order of the session.
  public var buffers: [String]
  /// Ticks a second, nominal.
  public var rate: Double

  public init(name: String, buffers: [String], rate: Double) {
    self.name = name
    self.buffers = buffers
    self.rate = rate
  }
}

/// A stimulator whose signal changes and stream clock are stored.
public struct StimulatorDescription: Sendable, Equatable {
  /// What amplitudes are stored in.
  public enum AmplitudeUnit: String, Sendable {
    case milliamperes = "mA"
    case millivolts = "mV"
  }

  public var name: String
  public var channels: Int
  /// Output samples a second and channel.
  public var rate: Double
  public var amplitudeUnit: AmplitudeUnit

  public init(name: String, channels: Int, rate: Double, amplitudeUnit: AmplitudeUnit) {
    self.name = name
    self.channels = channels
    self.rate = rate
    self.amplitudeUnit = amplitudeUnit
  }
}
