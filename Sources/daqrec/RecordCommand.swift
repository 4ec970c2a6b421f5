import CLinux
import Clocks
import Glibc
import Recording

/// `daqrec record`: the main job.
enum RecordCommand: Command {
  static let name = "record"
  static let summary = "records a session into an HDF5 file that is NWB while it grows"
  static let usage = "SESSION"
  static let options = [
    OptionSpec("output", letter: "o", value: "FILE", "write to FILE instead of the session's path"),
    OptionSpec("duration", value: "S", "stop after S seconds instead of run.duration_s"),
    ValidateCommand.sessionSetting,
    OptionSpec("preview", "everything but the file"),
    OptionSpec("control", "requests as JSON lines on stdin, answers on stdout"),
    OptionSpec("quiet", letter: "q", "say only what is wrong"),
    OptionSpec("json", "JSON lines on stdout: status once a second, and a report at the end"),
  ]
  static let details = """
    An existing file is never overwritten. Interrupt (Ctrl-C), SIGTERM and a closed terminal stop
    cleanly: stimulator first, then the last poll, then the file.

    --control takes, a line each and with an optional "id" that the answers carry:
      {"set_signal": {"channel": 0, "amplitudes_in_mA": [0.1, -0.1, 0],
        "durations_in_ms": [0.2, 0.2, 49.6], "repeat": 5, "immediate": false}}
      {"note": "…"}  {"trial": {"start": {…}}}  {"trial": {"stop": {}}}  {"status": {}}
      {"set_tag": {"circuit": "rz", "tag": "gain", "value": 2}}  {"estop": {}}  {"stop": {}}
      {"trigger": {"circuit": "rz", "trigger": 1}}
    Each is answered at once with accepted or error, a signal once more when it is queued or
    superseded. At the end of stdin its signals go silent and the recording goes on.

    exit codes: 0 done · 65 bad session · 66 no such file · 69 device unavailable · 73 cannot
    create the output · 74 I/O error, full disk included · 75 recorded, but with losses or with the
    stimulation ended by a fault · 129, 130, 143 stopped by a signal, file complete

    example: daqrec record session.json5 --duration 60 -o pilot.nwb.h5
    """

  static func run(_ arguments: Arguments, _ console: Console) throws -> Int32 {
    Signals.block()
    let path = try arguments.only("SESSION")
    let session = try ValidateCommand.load(path, arguments)
    let duration = try arguments.number("duration", in: 1e-3...1e9)
    let timekeeper: any Timekeeper =
      session.speed.isInfinite ? VirtualTimekeeper() : RealTimekeeper(speed: session.speed)
    let devices = SessionDevices(session, timekeeper)
    let plan = SessionPlan(
      session, openers: devices.openers, output: arguments.value("output"), duration: duration,
      isPreview: arguments.has("preview"), software: Software.list)
    let recorder = Recorder(plan, timekeeper: timekeeper) { console.warn($0) }
    Signals.wait { recorder.stop.request(.signal($0)) }
    let output = LineOutput(console)
    defer { output.finish() }
    if arguments.has("control") { listen(to: recorder, output) }
    return try record(recorder, plan, console, output)
  }

  private static func listen(to recorder: Recorder, _ output: LineOutput) {
    let control = Control(recorder, status: { recorder.status().json }) { output.emit($0) }
    ControlReader.start(STDIN_FILENO, take: { control.take($0) }, end: { control.end() })
  }

  /// Runs a recording, showing its state and its report.
  static func record(
    _ recorder: Recorder, _ plan: SessionPlan, _ console: Console, _ output: LineOutput
  ) throws -> Int32 {
    for line in plan.promises { console.say(line) }
    var ticks = 0
    let report: Report
    do throws(Recorder.StartError) {
      report = try recorder.run { status in
        ticks += 1
        if console.isJSON { output.emit(status.json) }
        if console.isTerminal {
          let columns = Int(clinux_terminal_columns(STDERR_FILENO))
          console.refresh(StatusText.lines(status, columns: columns == 0 ? 80 : columns))
        } else if ticks % 10 == 0 {
          console.say(StatusText.line(status))
        }
      }
    } catch {
      throw Failure(exitCode: error.exitCode, place: error.place, message: error.description)
    }
    if console.isJSON { output.emit(report.json) }
    for line in report.lines { console.say(line) }
    return report.exitCode
  }
}
