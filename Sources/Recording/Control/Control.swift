import Clocks
import Devices
import NWB
import Samples
import Synchronization

/// The control channel: lines of JSON in, lines of JSON out.
///
/// Lines may come from any thread, one after the other. Replies may be given on any thread, also
/// that of the stimulator: `reply` must not block. Until the recording has begun, requests wait, but
/// for status, stop and emergency stop.
public final class Control: Sendable {
  private struct State {
    /// Channels whose signal was set through here.
    var channels: Set<Int> = []
    /// Lines that came before the recording began, in order; nil afterwards.
    var early: [ControlRequest]? = []
    var hasEnded = false
  }

  private let recorder: Recorder
  private let status: @Sendable () -> JSONValue
  private let reply: @Sendable (JSONValue) -> Void
  private let state = Mutex(State())

  /// `status` is what a status request is answered with.
  public init(
    _ recorder: Recorder, status: @escaping @Sendable () -> JSONValue,
    reply: @escaping @Sendable (JSONValue) -> Void
  ) {
    self.recorder = recorder
    self.status = status
    self.reply = reply
    recorder.whenBegun { self.begin() }
  }

  /// Takes one line; empty ones are ignored.
  public func take(_ line: String) {
    guard !line.allSatisfy(\.isWhitespace) else { return }
    let request: ControlRequest
    do throws(ControlRequest.Problem) {
      request = try ControlRequest(line)
    } catch {
      refuse(error.id, code: 64, error.place, error.message)
      return
    }
    let waits = state.withLock { state in
      if !request.isUrgent { state.early?.append(request) }
      return !request.isUrgent && state.early != nil
    }
    if !waits { perform(request) }
  }

  /// There will be no more lines: the signals that were set go silent, and the recording goes on.
  public func end() {
    let channels = state.withLock { state in
      state.hasEnded = true
      return state.channels
    }
    guard !channels.isEmpty else { return }
    recorder.note("control has ended: its signals go silent")
    recorder.stimulus?.silence(channels.sorted())
  }

  private func begin() {
    // Those that come meanwhile go behind.
    while let next = state.withLock({ state -> ControlRequest? in
      guard let first = state.early?.first else {
        state.early = nil
        return nil
      }
      state.early?.removeFirst()
      return first
    }) {
      perform(next)
    }
    if state.withLock({ $0.hasEnded }) { end() }
  }

  // MARK: - Requests

  private func perform(_ request: ControlRequest) {
    let id = request.id
    do throws(ControlError) {
      switch request.action {
      case .setSignal(let signal):
        setSignal(signal, id)
        return
      case .note(let text): recorder.note(text)
      case .startTrial(let values): try recorder.startTrial(values)
      case .stopTrial: try recorder.stopTrial()
      case .setTag(let circuit, let tag, let value):
        try recorder.set(tag: tag, of: circuit, to: value) { [self] in report($0, circuit, id) }
      case .fire(let trigger, let circuit):
        try recorder.fire(trigger, on: circuit) { [self] in report($0, circuit, id) }
      case .status:
        answer(id, [("accepted", true), ("status", status())])
        return
      case .emergencyStop:
        guard let stimulus = recorder.stimulus else {
          throw ControlError(place: "estop", message: "the session has no stimulator")
        }
        stimulus.emergencyStop()
      case .stop: recorder.stop.request(.control)
      }
      answer(id, [("accepted", true)])
    } catch {
      refuse(id, code: 65, error.place, error.message)
    }
  }

  private func setSignal(_ request: ControlRequest.SignalRequest, _ id: JSONValue) {
    guard let stimulus = recorder.stimulus else {
      refuse(id, code: 65, "set_signal", "the session has no stimulator")
      return
    }
    // The outcome may come before this call has returned: the first answer goes first.
    let outcomes = Sequencer()
    do throws(SignalError) {
      try stimulus.setSignal(
        request.signal, on: request.channel, immediate: request.immediate,
        allowLongPhase: request.allowsLongPhase
      ) { [self] outcome in
        outcomes.second { self.report(outcome, request.channel, id) }
      }
      state.withLock { _ = $0.channels.insert(request.channel) }
      outcomes.first { answer(id, [("accepted", true)]) }
    } catch {
      refuse(id, code: 65, "set_signal", error.description)
    }
  }

  private func report(_ outcome: ChangeOutcome, _ channel: Int, _ id: JSONValue) {
    switch outcome {
    case .queued(let change):
      answer(
        id,
        [
          ("channel", .whole(channel)), ("requested", .number(change.requested)),
          ("queued", .number(change.queued)), ("onset", .number(change.onset)),
          ("uncertainty", .number(change.uncertainty)),
          ("stream_sample", .whole(change.streamSample)),
        ])
    case .superseded: answer(id, [("channel", .whole(channel)), ("superseded", true)])
    case .refused(let reason): refuse(id, code: 75, "set_signal", reason)
    }
  }

  private func report(
    _ outcome: Result<Void, DeviceError>, _ circuit: String, _ id: JSONValue
  ) {
    if case .failure(let error) = outcome { refuse(id, code: 69, circuit, "\(error)") }
  }

  // MARK: - Replies

  private func answer(_ id: JSONValue, _ members: [(String, JSONValue)]) {
    reply(
      .object(
        [.init("type", "reply"), .init("id", id)] + members.map { .init($0.0, $0.1) }))
  }

  private func refuse(_ id: JSONValue, code: Int, _ place: String, _ message: String) {
    answer(
      id,
      [("error", ["code": .whole(code), "where": .text(place), "message": .text(message)])])
  }
}

/// Two steps that may be reached in either order and are done in one.
private final class Sequencer: Sendable {
  private struct State {
    var isFirstDone = false
    var second: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())

  func first(_ body: () -> Void) {
    body()
    let waiting = state.withLock { state in
      state.isFirstDone = true
      return state.second
    }
    waiting?()
  }

  func second(_ body: @escaping @Sendable () -> Void) {
    let isNow = state.withLock { state in
      if !state.isFirstDone { state.second = body }
      return state.isFirstDone
    }
    if isNow { body() }
  }
}
