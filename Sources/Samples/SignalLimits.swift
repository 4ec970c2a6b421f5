/// Bounds of one channel, checked by everyone between the plan and the device.
public struct SignalLimits: Sendable, Equatable {
  /// Milliamperes in current mode, millivolts in voltage mode.
  public var maximumAmplitude: Double
  /// Nanocoulombs of one phase; nil in voltage mode.
  public var maximumPhaseCharge: Double?
  /// Nanocoulombs a period may leave; nil: 1 % of the largest phase.
  public var maximumNetCharge: Double?

  public init(
    maximumAmplitude: Double, maximumPhaseCharge: Double?, maximumNetCharge: Double?
  ) {
    self.maximumAmplitude = maximumAmplitude
    self.maximumPhaseCharge = maximumPhaseCharge
    self.maximumNetCharge = maximumNetCharge
  }

  /// The share of the largest phase that may be left where no net charge is given.
  public static let defaultNetShare = 0.01
}

extension CompiledSignal {
  /// Checks the codes, as they will be sent, against the bounds of a channel.
  public func check(_ limits: SignalLimits, channel: Int) throws(SignalError) {
    let unit = scale.unit.rawValue
    for (element, amplitude) in amplitudes.enumerated()
    where counts[element] > 0 && exceeds(abs(amplitude), limits.maximumAmplitude) {
      throw SignalError(
        channel: channel, element: element,
        message: "\(amplitude) \(unit) is beyond the limit of \(limits.maximumAmplitude) \(unit)")
    }
    guard let phaseCharge, let netCharge else { return }
    if let most = limits.maximumPhaseCharge, exceeds(phaseCharge, most) {
      throw SignalError(
        channel: channel,
        message: "a phase of \(phaseCharge) nC is beyond the limit of \(most) nC")
    }
    let most = limits.maximumNetCharge ?? phaseCharge * SignalLimits.defaultNetShare
    if exceeds(abs(netCharge), most) {
      throw SignalError(
        channel: channel,
        message: "a period leaves \(netCharge) nC, beyond the limit of \(most) nC")
    }
  }

  /// Not-a-number as a limit is exceeded by everything.
  private func exceeds(_ value: Double, _ limit: Double) -> Bool {
    !(value <= limit * (1 + 1e-9))
  }
}
