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
    first_sample and n_samples for each. A trial may be longer than the buffer.

    example: daqrec acquire session.json5 -b lfp --trigger=1 --until=running=0 --trials=5
    """

  static func run(_ arguments: Arguments, _ console: Console) throws -> Int32 {
    Signals.block()
    let path = try arguments.only("SESSION")
    let request = try request(arguments)
    let session = try ValidateCommand.load(path, arguments)
    let timekeeper: any Timekeeper =
      session.speed.isInfinite ? VirtualTimekeeper() : RealTimekeeper(speed: session.speed)
    let devices = SessionDevices(session, timekeeper)
    guard
      let plan = SessionPlan.forEpochs(
        of: request.buffer, session, openers: devices.openers, output: arguments.value("output"),
        software: Software.list)
    else {
      let names = session.buffers.filter { $0.kind == .samples }.map(\.name)
      throw UsageError(
        description: "the session has no buffer \(request.buffer); it has "
          + names.joined(separator: ", "))
    }
    let stop = StopSignal(timekeeper)
    Signals.wait { stop.request(.signal($0)) }
    let report: EpochReport
    do throws(Recorder.StartError) {
      report = try plan.acquire(request, timekeeper, stop: stop) { console.warn($0) }
    } catch {
      throw Failure(exitCode: error.exitCode, place: error.place, message: error.description)
    }
    show(report, console)
    return report.exitCode
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
    guard let equals = text.firstIndex(of: "=") else { return .tag(text, .changes) }
    let number = text[text.index(after: equals)...]
    var tag = text[..<equals]
    guard let value = Float(number), value.isFinite, !tag.isEmpty else {
      throw UsageError(description: "--until \(text): TAG, TAG=NUMBER or TAG>=NUMBER")
    }
    guard tag.last == ">" else { return .tag(String(tag), .equals(value)) }
    tag.removeLast()
    return .tag(String(tag), .atLeast(value))
  }

  private static func show(_ report: EpochReport, _ console: Console) {
    if console.isJSON {
      console.emit([
        "type": "report", "file": .text(report.path), "exit": .whole(report.exitCode),
        "reason": report.failure.map { .text($0) } ?? .null, "lost": .whole(report.lost),
        "trials": .list(
          report.epochs.map { epoch in
            [
              "first_sample": .whole(epoch.firstFrame), "n_samples": .whole(epoch.frameCount),
              "lost": .whole(epoch.losses.reduce(0) { $0 + $1.count }),
            ]
          }),
      ])
    }
    console.say("\(report.path): \(report.epochs.count) trials")
    for (number, epoch) in report.epochs.enumerated() {
      let lost = epoch.losses.reduce(0) { $0 + $1.count }
      console.say(
        "  trial \(number): \(epoch.frameCount) samples from \(epoch.firstFrame)"
          + (lost > 0 ? ", LOST \(lost)" : ""))
    }
    if let failure = report.failure { console.warn(failure) }
  }
}
