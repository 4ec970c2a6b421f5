/// The states of a streaming stimulator; every transition is in the recorder's log.
public enum StreamerState: Sendable, Equatable, CustomStringConvertible {
  case idle
  case arming
  case streaming
  case stopping
  /// For good: nothing restarts a stimulator by itself.
  case faulted(String)

  public var description: String {
    switch self {
    case .idle: "idle"
    case .arming: "arming"
    case .streaming: "streaming"
    case .stopping: "stopping"
    case .faulted(let reason): "faulted: \(reason)"
    }
  }
}
