import Clocks
public import Devices
public import NWB
import Synchronization

/// Something that was asked of a running session and cannot be done.
public struct ControlError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What it is about: a circuit, a tag, a column of the trials.
  public let place: String
  public let message: String

  public var description: String { "\(place): \(message)" }
}

/// What a program may ask of a session while it runs, from any thread; nothing here waits for a
/// device or the disk, and everything that is done is in the file.
extension Recorder {
  /// Writes a line into the recorder's log.
  public func note(_ text: String) { inlet.log(.note, text, at: now) }

  /// Sets a scalar tag of a circuit with its next poll. `outcome` is called on the circuit's thread
  /// and must not block.
  public func set(
    tag: String, of circuit: String, to value: Double,
    outcome: @escaping @Sendable (Result<Void, DeviceError>) -> Void = { _ in }
  ) throws(ControlError) {
    let inbox = try inbox(of: circuit)
    if let tags = inbox.tags, !tags.contains(where: { $0.name == tag }) {
      let hint = tags.map(\.name).nearest(to: tag).map { "; did you mean \($0)?" } ?? ""
      throw ControlError(place: circuit, message: "there is no tag \(tag)\(hint)")
    }
    guard value.isFinite, Float(value).isFinite else {
      throw ControlError(place: "\(circuit).\(tag)", message: "\(value) is no value of a tag")
    }
    try post(.init(action: .set(tag: tag, value: value), outcome: outcome), to: inbox)
  }

  /// Fires a trigger of a circuit with its next poll. `outcome` is called on the circuit's thread
  /// and must not block.
  public func fire(
    _ trigger: Trigger, on circuit: String,
    outcome: @escaping @Sendable (Result<Void, DeviceError>) -> Void = { _ in }
  ) throws(ControlError) {
    if case .software(let number) = trigger, !(1...10).contains(number) {
      throw ControlError(place: circuit, message: "there is no trigger \(number); 1 to 10, A or B")
    }
    try post(.init(action: .fire(trigger), outcome: outcome), to: try inbox(of: circuit))
  }

  /// Begins a trial; the values are of the columns that the session declares.
  public func startTrial(_ values: [String: TrialValue] = [:]) throws(ControlError) {
    guard sampleZero.present != nil else {
      throw ControlError(place: "trial", message: "the recording has not begun")
    }
    for (name, value) in values { try check(value, of: name) }
    let time = now
    let isOpen = openTrial.withLock { trial in
      defer { if trial == nil { trial = OpenTrial(start: time, values: values) } }
      return trial != nil
    }
    if isOpen { throw ControlError(place: "trial", message: "another trial is under way") }
  }

  /// Ends the trial that was begun: its row is written.
  public func stopTrial() throws(ControlError) {
    guard endOpenTrial() else {
      throw ControlError(place: "trial", message: "no trial is under way")
    }
  }

  /// Calls `body` once the recording has begun, at once if it has.
  func whenBegun(_ body: @escaping @Sendable () -> Void) {
    let hasBegun = waitingToBegin.withLock { waiting in
      waiting?.append(body)
      return waiting == nil
    }
    if hasBegun { body() }
  }

  // MARK: - For the recorder

  /// A trial that was begun and is not over.
  struct OpenTrial: Sendable {
    var start: Double
    var values: [String: TrialValue]
  }

  func begin() {
    let bodies = waitingToBegin.withLock { waiting in
      defer { waiting = nil }
      return waiting
    }
    for body in bodies ?? [] { body() }
  }

  /// Writes the trial that is under way.
  ///
  /// - Returns: whether there was one.
  @discardableResult
  func endOpenTrial() -> Bool {
    let taken = openTrial.withLock { trial in
      defer { trial = nil }
      return trial
    }
    guard let trial = taken else { return false }
    let stop = max(now, trial.start)
    let frames = clock.view.frames(during: trial.start...stop)
    inlet.post(
      .trial(
        Trial(
          start: trial.start, stop: stop, firstSample: frames.lowerBound,
          samples: Int64(frames.count), values: trial.values)))
    return true
  }

  private var now: Double { clock.seconds(atHost: timekeeper.now) }

  private func inbox(of circuit: String) throws(ControlError) -> CircuitInbox {
    if let inbox = circuitInboxes.first(where: { $0.name == circuit }) { return inbox }
    let names = circuitInboxes.map(\.name).joined(separator: ", ")
    throw ControlError(
      place: circuit,
      message: "there is no such circuit; "
        + (names.isEmpty ? "there are none" : "there is \(names)"))
  }

  private func post(
    _ request: CircuitInbox.Request, to inbox: CircuitInbox
  ) throws(ControlError) {
    guard inbox.post(request) else {
      throw ControlError(place: inbox.name, message: "the circuit has ended")
    }
  }

  private func check(_ value: TrialValue, of name: String) throws(ControlError) {
    let columns = plan.session.trialColumns
    guard let column = columns.first(where: { $0.name == name }) else {
      let names = columns.map(\.name).joined(separator: ", ")
      throw ControlError(
        place: "trial.\(name)",
        message: "trials have no such column; "
          + (names.isEmpty ? "control.trial_columns declares none" : "there is \(names)"))
    }
    switch (column.kind, value) {
    case (.number, .number): break
    case (.text, .text(let text)) where text.utf8.count <= TrialColumn.longestText: break
    case (.number, _): throw ControlError(place: "trial.\(name)", message: "a number is wanted")
    case (.text, _):
      throw ControlError(
        place: "trial.\(name)",
        message: "a text of up to \(TrialColumn.longestText) bytes is wanted")
    }
  }
}
