public import Clocks
import Devices
import Synchronization

/// What the simulated devices of one session share: the time, and what left the stimulator.
///
/// Circuits ask it what was on their inputs; the stimulator writes it. Either may do so from its
/// own thread. What every circuit has taken is forgotten, unless the world keeps the truth.
public final class SimulatedWorld: Sendable {
  struct State {
    var stimulator: StimulatorCore?
    var truth: OutputTruth
  }

  public let timekeeper: any Timekeeper
  /// Whether everything that leaves the stimulator is kept.
  public let keepsTruth: Bool
  private let state: Mutex<State>

  /// - Parameters:
  ///   - timekeeper: of the session.
  ///   - keepsTruth: whether everything that leaves the stimulator is kept, for ``runs(of:)``.
  public init(timekeeper: any Timekeeper, keepsTruth: Bool = false) {
    self.timekeeper = timekeeper
    self.keepsTruth = keepsTruth
    state = Mutex(State(truth: OutputTruth(keepsAll: keepsTruth)))
  }

  // MARK: - Ground truth

  /// Everything that an output put out until now; only its end unless the world keeps the truth.
  public func runs(of source: OutputSource) -> [OutputRun] {
    state.withLock { state in
      advance(&state)
      return state.truth.runs(of: source)
    }
  }

  /// When a stream sample began to leave a channel; nil if it has not (or never will).
  public func hostTime(ofStreamFrame frame: Int64, channel: Int) -> Nanoseconds? {
    state.withLock { state in
      advance(&state)
      return state.stimulator?.hostTime(ofStreamFrame: frame, channel: channel)
    }
  }

  // MARK: - For the devices

  /// Begins to keep what an output puts out, for somebody who may look back so many nanoseconds.
  func addReader(of source: OutputSource, memory: Nanoseconds) -> OutputTruth.Reader {
    state.withLock { $0.truth.addReader(of: source, memory: memory) }
  }

  func removeReader(_ reader: OutputTruth.Reader) {
    state.withLock { $0.truth.removeReader(reader) }
  }

  /// Appends the runs that began since a reader's last call.
  func drain(_ reader: OutputTruth.Reader, into runs: inout [OutputRun]) {
    let new = state.withLock { state in
      advance(&state)
      return state.truth.drain(reader)
    }
    runs.append(contentsOf: new)
  }

  /// Gives the world its stimulator, or takes it.
  func setStimulator(_ core: StimulatorCore?) {
    state.withLock { state in
      advance(&state)
      state.stimulator = core
    }
  }

  /// Brings the stimulator's state to now and changes it. `body` must not block.
  ///
  /// - Returns: what `body` returns; nil without a stimulator.
  func withStimulator<Result: Sendable>(
    _ body: (inout StimulatorCore, inout OutputTruth) throws(DeviceError) -> Result
  ) throws(DeviceError) -> Result? {
    try state.withLock { state throws(DeviceError) -> Result? in
      advance(&state)
      guard var core = state.stimulator else { return nil }
      // Taken out while it is changed, so that its queues are not copied.
      state.stimulator = nil
      defer { state.stimulator = core }
      return try body(&core, &state.truth)
    }
  }

  private func advance(_ state: inout State) {
    state.stimulator?.advance(to: timekeeper.now, &state.truth)
  }
}
