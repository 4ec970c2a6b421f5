import Clocks
import Devices
import Recording

/// `daqrec acquire`: epochs of one buffer.
enum AcquireCommand: Command {
  static let name = "acquire"
  static let summary = "acquires trials: fires a trigger and reads until a tag or a count says so"
  static let usage = "SESSION --buffer=NAME --trigger=N (--samples=N | --until=TAG…)"
  static let options = [
    OptionSpec("buffer", letter: "b", value: "NAME", "the session's buffer that is read"),
    OptionSpec("trigger", value: "T", "fired for each trial: 1 … 10, A, B, or none"),
    OptionSpec("samples", value: "N", "a trial is N samples per channel, whole blocks"),
    OptionSpec(
      "until", value: "TAG", "a trial ends when TAG changes; TAG=V, TAG>=V: when it gets there"),
    OptionSpec("trials", value: "N", "how many (1)"),
    OptionSpec("interval", value: "S", "seconds from a trial's end to the next trigger (0)"),
    OptionSpec("poll", value: "S", "seconds between reads (0.1)"),
    OptionSpec("timeout", value: "S", "give up after S seconds without a new sample (10)"),
    OptionSpec("output", letter: "o", value: "FILE", "write to FILE instead of the session's path"),
    ValidateCommand.sessionSetting,
    .json,
  ]
  static let details = """
    The file has the usual series, unwritten between the trials, and a row in its trials table with
    first_sample and n_samples for each. A trial may be longer than the buffer. The circuit's outputs
    and events take part as in `record`; other buffers and the stimulator are left alone.

    Exit codes are those of `record`; 69 also when a trial gives no new sample for --timeout.

    example: daqrec acquire session.json5 -b lfp --trigger=2 --until=running=0 --trials=5
    """

  static func run(_ arguments: Arguments, _ console: Console) throws -> Int32 {
    Signals.block()
    let path = try arguments.only("SESSION")
    let request = try request(arguments)
    let session = try ValidateCommand.load(path, arguments)
    try check(request, session)
    let timekeeper: any Timekeeper =
      session.speed.isInfinite ? VirtualTimekeeper() : RealTimekeeper(speed: session.speed)
    let devices = SessionDevices(session, timekeeper)
    guard
      let plan = SessionPlan.forEpochs(
        request, session, openers: devices.openers, output: arguments.value("output"),
        software: Software.list)
    else { throw UsageError(description: noBuffer(request.buffer, session)) }
    let recorder = Recorder(plan, timekeeper: timekeeper) { console.warn($0) }
    Signals.wait { recorder.stop.request(.signal($0)) }
    let output = LineOutput(console)
    defer { output.finish() }
    return try RecordCommand.record(recorder, plan, console, output)
  }

  private static func noBuffer(_ name: String, _ session: Session) -> String {
    let names = session.buffers.filter { $0.kind == .samples }.map(\.name)
    let rest = names.isEmpty ? "it has none of samples" : "it has \(names.joined(separator: ", "))"
    return session.buffers.contains { $0.name == name }
      ? "buffer \(name) of the session is one of events; trials are of samples: \(rest)"
      : "the session has no buffer \(name); \(rest)"
  }

  private static func check(_ request: EpochRequest, _ session: Session) throws(UsageError) {
    let circuit = session.buffers.first { $0.name == request.buffer }?.circuit ?? ""
    if let latch = session.circuit(circuit)?.latchTrigger, request.trigger == .software(latch) {
      throw UsageError(
        description:
          "--trigger \(latch): \(latch) is the circuit's latch_trigger, which every poll "
          + "fires")
    }
  }

  private static func request(_ arguments: Arguments) throws(UsageError) -> EpochRequest {
    guard let buffer = arguments.value("buffer") else {
      throw UsageError(description: "no --buffer is given")
    }
    let goal: EpochRequest.Goal
    switch (arguments.value("samples"), arguments.value("until")) {
    case (let text?, nil):
      guard let count = Int(text), count > 0 else {
        throw UsageError(description: "--samples \(text): a whole number from 1")
      }
      goal = .samples(count)
    case (nil, let text?): goal = try condition(text)
    default: throw UsageError(description: "either --samples or --until is wanted")
    }
    var request = EpochRequest(
      buffer: buffer, trigger: try trigger(arguments.value("trigger")), goal: goal)
    if let trials = arguments.value("trials") {
      guard let count = Int(trials), count > 0 else {
        throw UsageError(description: "--trials \(trials): a whole number from 1")
      }
      request.trials = count
    }
    request.interval = try arguments.number("interval", in: 0...1e6) ?? request.interval
    request.poll = try arguments.number("poll", in: 0.001...1e3) ?? request.poll
    request.timeout = try arguments.number("timeout", in: 0.001...1e6) ?? request.timeout
    return request
  }

  private static func trigger(_ text: String?) throws(UsageError) -> Trigger? {
    switch text {
    case "none": return nil
    case "A": return .zBusA
    case "B": return .zBusB
    case let text?:
      if let number = Int(text), (1...10).contains(number) { return .software(number) }
      throw UsageError(description: "--trigger \(text): 1 … 10, A, B or none")
    case nil: throw UsageError(description: "no --trigger is given: 1 … 10, A, B or none")
    }
  }

  /// `TAG`, `TAG=V`, `TAG>=V`.
  private static func condition(_ text: String) throws(UsageError) -> EpochRequest.Goal {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let isAtLeast = parts.count == 2 && parts[0].last == ">"
    let tag = String(isAtLeast ? parts[0].dropLast() : parts[0])
    let value = parts.count == 2 ? Float(parts[1]) : 0
    // No tag has a name of these: it is a comparison that does not exist.
    guard let value, value.isFinite, !tag.isEmpty, !tag.contains(where: { "<>!=".contains($0) })
    else {
      throw UsageError(description: "--until \(text): TAG, TAG=NUMBER or TAG>=NUMBER")
    }
    guard parts.count == 2 else { return .tag(tag, .changes) }
    return .tag(tag, isAtLeast ? .atLeast(value) : .equals(value))
  }
}
