import Devices
import NWB
import Samples

/// One line of the control channel, understood.
struct ControlRequest: Sendable {
  enum Action: Sendable {
    case setSignal(SignalRequest)
    case note(String)
    case startTrial([String: TrialValue])
    case stopTrial
    case setTag(circuit: String, tag: String, value: Double)
    case fire(Trigger, circuit: String)
    case status
    case emergencyStop
    case stop
  }

  struct SignalRequest: Sendable {
    var channel: Int
    var signal: Signal
    var immediate: Bool
    var allowsLongPhase: Bool
  }

  /// What is wrong with a line, and the id it was given.
  struct Problem: Error {
    var id: JSONValue
    var place: String
    var message: String
  }

  /// What its answers carry; null if the line gives none.
  var id: JSONValue
  var action: Action

  /// Whether it is done at once, whatever is under way.
  var isUrgent: Bool {
    switch action {
    case .status, .emergencyStop, .stop: true
    default: false
    }
  }

  private static let names = [
    "set_signal", "note", "trial", "set_tag", "trigger", "status", "estop", "stop",
  ]

  init(_ line: String) throws(Problem) {
    let (root, grammar) = JSON5Parser.parse(line)
    if let first = grammar.first {
      throw Problem(id: .null, place: "line", message: "this is not JSON: \(first.message)")
    }
    guard case .object(let members) = root.content else {
      throw Problem(
        id: .null, place: "line", message: "an object is wanted: {\"note\": \"…\"} for example")
    }
    id = root.child("id")?.json ?? .null
    let given = members.map(\.key).filter { $0 != "id" }
    guard given.count == 1, let name = given.first, Self.names.contains(name) else {
      let allowed = Self.names.joined(separator: ", ")
      let wrong = given.first { !Self.names.contains($0) }
      let hint = wrong.flatMap { Self.names.nearest(to: $0) }.map { "; did you mean \($0)?" } ?? ""
      throw Problem(
        id: id, place: wrong ?? "line",
        message: given.isEmpty
          ? "there is no request; one of \(allowed) is wanted"
          : wrong.map { "\($0) is no request\(hint.isEmpty ? "; there is \(allowed)" : hint)" }
            ?? "one request a line is wanted, not \(given.joined(separator: " and "))")
    }
    let problems = SessionProblems()
    let body = root.child(name) ?? root
    let reader = ValueReader(node: body, path: [name], problems: problems)
    let action = Self.read(name, reader)
    if let first = problems.all.first {
      throw Problem(id: id, place: first.path, message: first.message)
    }
    guard let action else {
      throw Problem(id: id, place: name, message: "this is not understood")
    }
    self.action = action
  }

  private static func read(_ name: String, _ value: ValueReader) -> Action? {
    switch name {
    case "set_signal": value.object { signal($0) }.map { .setSignal($0) }
    case "note": value.text().map { .note($0) }
    case "trial": value.object { trial($0) } ?? nil
    case "set_tag":
      value.object {
        .setTag(
          circuit: $0.requiredText("circuit"), tag: $0.requiredText("tag"),
          value: $0.required("value", "a number")?.number() ?? 0)
      }
    case "trigger": value.object { trigger($0) } ?? nil
    case "status": value.object { _ in .status }
    case "estop": value.object { _ in .emergencyStop }
    case "stop": value.object { _ in .stop }
    default: nil
    }
  }

  /// What is wrong with the numbers of a signal is not said here: the stimulator refuses it, and that
  /// is in the recorder's log.
  private static func signal(_ reader: ObjectReader) -> SignalRequest {
    let channel = reader.required("channel", "its number")?.integer(in: -1_000_000...1_000_000)
    let isVoltage = reader.has("amplitudes_in_mV")
    _ = reader.has("amplitudes_in_mA")
    let amplitudes = isVoltage ? "amplitudes_in_mV" : "amplitudes_in_mA"
    return SignalRequest(
      channel: channel ?? 0,
      signal: Signal(
        amplitudes: reader.required(amplitudes, "a list")?.rawNumbers() ?? [],
        durations: reader.required("durations_in_ms", "a list")?.rawNumbers() ?? [],
        repeats: reader.integer("repeat", in: 0...Int(Int32.max), default: 0)),
      immediate: reader.flag("immediate", default: false),
      allowsLongPhase: reader.flag("allow_long_phase", default: false))
  }

  private static func trial(_ reader: ObjectReader) -> Action? {
    let start = reader["start"]
    let stop = reader["stop"]
    switch (start, stop) {
    case (let start?, nil):
      let entries = start.entries() ?? []
      return .startTrial(
        Dictionary(
          entries.compactMap { key, value in value.trialValue().map { (key, $0) } },
          uniquingKeysWith: { first, _ in first }))
    case (nil, let stop?):
      return stop.object { _ in .stopTrial }
    default:
      reader.report("{\"start\": {…}} or {\"stop\": {}} is wanted", at: "start")
      return nil
    }
  }

  private static func trigger(_ reader: ObjectReader) -> Action? {
    let circuit = reader.requiredText("circuit")
    guard let value = reader.required("trigger", "1 to 10, \"A\" or \"B\"") else { return nil }
    switch value.node.content {
    case .text("A"): return .fire(.zBusA, circuit: circuit)
    case .text("B"): return .fire(.zBusB, circuit: circuit)
    default: return value.integer(in: 1...10).map { .fire(.software($0), circuit: circuit) }
    }
  }
}

extension ValueReader {
  /// A list of numbers, whatever they are.
  fileprivate func rawNumbers() -> [Double] {
    (elements() ?? []).compactMap { value in
      if case .number(let number) = value.node.content { return number }
      // JSON has no number that is not one; a program writes null for it.
      if value.node.isNull { return .nan }
      value.refuse(allowed: "a number")
      return nil
    }
  }
}
