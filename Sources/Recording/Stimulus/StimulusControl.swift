import Clocks
public import Devices
public import NWB
public import Samples
import Synchronization

/// What became of a signal change that somebody asked for.
public enum ChangeOutcome: Sendable {
  /// Its first sample is in the device's hands: the row of the ledger.
  case queued(SignalChange)
  /// A later change of the same channel came before it was queued.
  case superseded
  /// It will never leave, for this reason.
  case refused(String)
}

/// One stimulator's signals while it streams: what a program sets, and what came of it.
///
/// Any thread may use it, and nothing here waits for the device, the disk or another caller.
/// Outcomes and states are reported on the thread that owns the device: what is called there must
/// not block.
public final class StimulusControl: Sendable {
  private struct State {
    var info: StimulatorInfo?
    var streamer = StreamerState.idle
    var observers: [@Sendable (StreamerState) -> Void] = []
    var lastRequest = 0
    var waiting: [Int: @Sendable (ChangeOutcome) -> Void] = [:]
  }

  let inbox: StimulusInbox
  private let plan: StimulatorPlan
  private let now: @Sendable () -> Double
  private let post: @Sendable (Record) -> Void
  private let shared = Mutex(State())

  /// `now` is the recording clock; `post` takes rows of the recorder's log.
  init(
    _ plan: StimulatorPlan, timekeeper: any Timekeeper, now: @escaping @Sendable () -> Double,
    post: @escaping @Sendable (Record) -> Void
  ) {
    self.plan = plan
    self.now = now
    self.post = post
    inbox = StimulusInbox(timekeeper)
  }

  /// nil until the device is open.
  public var info: StimulatorInfo? { shared.withLock { $0.info } }

  public var state: StreamerState { shared.withLock { $0.streamer } }

  /// Calls `body` with every state from now on, the present one first.
  public func observe(_ body: @escaping @Sendable (StreamerState) -> Void) {
    body(
      shared.withLock { state in
        state.observers.append(body)
        return state.streamer
      })
  }

  /// Replaces the signal of a channel, also of one that had none: at the next period boundary, or
  /// with `immediate` as soon as no pulse is running.
  ///
  /// `allowLongPhase` permits more than 200 ms without a sample of zero, in which a feed may end. A
  /// signal that cannot be put out is refused here, with channel and element; nothing is queued
  /// then, and the refusal is in the recorder's log. `outcome` is called once for every other.
  public func setSignal(
    _ signal: Signal, on channel: Int, immediate: Bool = false, allowLongPhase: Bool = false,
    outcome: @escaping @Sendable (ChangeOutcome) -> Void = { _ in }
  ) throws(SignalError) {
    let time = now()
    do throws(SignalError) {
      guard let info else {
        throw SignalError(channel: channel, message: "\(plan.name) is not open yet")
      }
      let compiled = try plan.compiled(
        signal, on: channel, info, allowLongPhase: allowLongPhase)
      noteRounding(of: signal, to: compiled, on: channel, at: time)
      let id = register(outcome)
      let request = StimulusInbox.Request.set(
        id: id, channel: channel, compiled, immediate: immediate, time: time)
      if let reason = inbox.post(request) {
        forget(id)
        throw SignalError(channel: channel, message: "\(plan.name): \(reason)")
      }
    } catch {
      post(.log(.refused, "\(error) (\(signal.summary))", time: time))
      throw error
    }
  }

  /// Lets channels whose signals were set here fall silent after the present period, as a change to
  /// a signal of zeros; what the session planned goes on.
  public func silence(_ channels: [Int]) {
    _ = inbox.post(.silence(channels, time: now()))
  }

  /// Silence at once, whatever is queued; nothing leaves again in this session.
  public func emergencyStop() {
    post(.log(.note, "\(plan.name): emergency stop asked for", time: now()))
    inbox.emergencyStop()
  }

  // MARK: - For the owner of the device

  func opened(_ info: StimulatorInfo) { shared.withLock { $0.info = info } }

  func enter(_ state: StreamerState) {
    let observers = shared.withLock { shared in
      shared.streamer = state
      return shared.observers
    }
    for observer in observers { observer(state) }
  }

  func answer(_ request: Int, _ outcome: ChangeOutcome) {
    shared.withLock { $0.waiting.removeValue(forKey: request) }?(outcome)
  }

  private func register(_ body: @escaping @Sendable (ChangeOutcome) -> Void) -> Int {
    shared.withLock { state in
      state.lastRequest += 1
      state.waiting[state.lastRequest] = body
      return state.lastRequest
    }
  }

  private func forget(_ request: Int) {
    shared.withLock { _ = $0.waiting.removeValue(forKey: request) }
  }

  /// The ledger has what is realised; what was asked for is logged where it differs.
  private func noteRounding(
    of signal: Signal, to compiled: CompiledSignal, on channel: Int, at time: Double
  ) {
    guard !compiled.isExact else { return }
    post(
      .log(
        .note, "channel \(channel): asked for \(signal.summary), realised \(compiled.summary)",
        time: time))
  }
}

extension Signal {
  /// For the log.
  var summary: String { signalSummary(amplitudes, durations, repeats) }
}

extension CompiledSignal {
  /// For the log.
  var summary: String { signalSummary(amplitudes, durations, repeats) }
}

/// The log is no place for thousands of numbers.
private func signalSummary(_ amplitudes: [Double], _ durations: [Double], _ repeats: Int) -> String
{
  func list(_ numbers: [Double]) -> String {
    let shown = numbers.prefix(16).map(\.short).joined(separator: ", ")
    return "[\(shown)\(numbers.count > 16 ? ", … \(numbers.count) in all" : "")]"
  }
  return "amplitudes \(list(amplitudes)), durations \(list(durations)) ms, repeat \(repeats)"
}
