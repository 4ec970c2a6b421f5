/// When an epoch is over: what its handshake tag must do.
public enum EndCondition: Sendable, Equatable {
  /// It takes another value than just before the trigger of the trial.
  case changes
  case equals(Float)
  /// It has come to a value, or beyond.
  case atLeast(Float)

  /// Whether a value ends the trial that began with another.
  public func holds(_ value: Float, armed: Float) -> Bool {
    switch self {
    case .changes: value.bitPattern != armed.bitPattern
    case .equals(let wanted): value == wanted
    case .atLeast(let least): value >= least
    }
  }
}
