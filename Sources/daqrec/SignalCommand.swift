import Devices
import Foundation
import Recording
import Samples

/// `daqrec signal`: what a stimulus will be on the device's grid.
enum SignalCommand: Command {
  static let name = "signal"
  static let summary = "compiles and shows a stimulus signal, or the plan of a session"
  static let usage = "--amplitudes LIST --durations LIST | --pulse … | --file FILE | --plan SESSION"
  static let options = [
    OptionSpec("amplitudes", value: "A,B,…", "amplitudes in mA (mV in voltage mode)"),
    OptionSpec("durations", value: "A,B,…", "how long each lasts, ms"),
    OptionSpec("repeat", value: "N", "periods; without it until replaced"),
    OptionSpec("pulse", value: "KEY=VALUE,…", "a burst of pulses, see below"),
    OptionSpec("file", value: "FILE", "a stimulus file of Multi Channel Systems (.dat)"),
    OptionSpec("channel", value: "N", "channel of the file, from 0"),
    OptionSpec("plan", value: "SESSION", "the whole plan of a session, checked; no device is used"),
    ValidateCommand.sessionSetting,
    OptionSpec("rate", value: "HZ", "output rate, 50000 or 10000"),
    OptionSpec("mode", value: "MODE", "current (the default) or voltage"),
    OptionSpec("dac-bits", value: "N", "bits of the device's converter, 14"),
    OptionSpec("resolution-nA", value: "X", "one step of it, 2000 nA (1000 µV in voltage mode)"),
    OptionSpec("range-nA", value: "X", "its full scale, 16e6 nA (8e6 µV in voltage mode)"),
    OptionSpec("allow-long-phase", "permit more than 200 ms without a sample of zero"),
    .json,
  ]
  static let details = """
    Amplitudes are rounded to whole steps of the converter, durations to whole samples; what is
    realised is shown. A pulse's keys are those of a session: intensity_in_mA, mode (biphasic or
    monophasic), pulsewidth_in_ms, interphase_in_ms, recovery_ratio, burstcount, isi_in_ms.

    examples: daqrec signal --amplitudes 1,-1,0 --durations 0.1,0.1,49.8
              daqrec signal --pulse intensity_in_mA=0.1,pulsewidth_in_ms=0.2,isi_in_ms=49.6 --json
              daqrec signal --plan session.json5
    """

  static func run(_ arguments: Arguments, _ console: Console) throws -> Int32 {
    guard arguments.operands.isEmpty else {
      throw UsageError(
        description: "\(arguments.operands[0]) is too much; --help shows the options")
    }
    let forms = ["amplitudes", "pulse", "file", "plan"].filter { arguments.has($0) }
    guard forms.count == 1 else {
      throw UsageError(description: "one of --amplitudes, --pulse, --file and --plan is wanted")
    }
    if let path = arguments.value("plan") { return try showPlan(path, arguments, console) }
    let compiled: CompiledSignal
    do {
      let (signal, unit) = try signal(arguments, forms[0])
      compiled = try signal.compiled(
        on: try scale(unit, arguments),
        channel: Int(try arguments.number("channel", in: 0...63) ?? 0),
        allowLongPhase: arguments.has("allow-long-phase"))
    } catch let error as SignalError {
      throw Failure(exitCode: 65, place: "signal", message: "signal: \(error)")
    }
    if console.isJSON { console.emit(json(compiled)) } else { console.print(text(compiled)) }
    return 0
  }

  // MARK: - What is asked for

  private static func signal(
    _ arguments: Arguments, _ form: String
  ) throws -> (Signal, CodeScale.Unit) {
    let unit = try unit(arguments)
    var (signal, found): (Signal, CodeScale.Unit)
    switch form {
    case "pulse": (signal, found) = (try pulse(arguments, unit).signal(), unit)
    case "file": (signal, found) = try file(arguments)
    default:
      guard arguments.has("durations") else {
        throw UsageError(description: "--durations is missing: one for each amplitude")
      }
      let amplitudes = try numbers("amplitudes", arguments)
      (signal, found) = (
        Signal(amplitudes: amplitudes, durations: try numbers("durations", arguments)), unit
      )
    }
    if let repeats = try arguments.number("repeat", in: 1...Double(Int32.max)) {
      signal.repeats = Int(repeats)
    }
    return (signal, found)
  }

  private static func numbers(_ name: String, _ arguments: Arguments) throws -> [Double] {
    let text = arguments.value(name) ?? ""
    guard !text.allSatisfy(\.isWhitespace) else { return [] }
    return try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
      guard let number = Double(word.filter { !$0.isWhitespace }) else {
        throw UsageError(description: "--\(name): \"\(word)\" is not a number")
      }
      return number
    }
  }

  private static func unit(_ arguments: Arguments) throws -> CodeScale.Unit {
    switch arguments.value("mode") ?? "current" {
    case "current": return .milliamperes
    case "voltage": return .millivolts
    case let other: throw UsageError(description: "--mode \(other): current or voltage")
    }
  }

  private static func pulse(_ arguments: Arguments, _ unit: CodeScale.Unit) throws -> Pulse {
    var pulse = Pulse()
    var given: Set<String> = []
    let intensity = "intensity_in_\(unit.rawValue)"
    let keys = [
      intensity, "mode", "pulsewidth_in_ms", "interphase_in_ms", "recovery_ratio", "burstcount",
      "isi_in_ms",
    ]
    for word in (arguments.value("pulse") ?? "").split(separator: ",") {
      let parts = word.split(separator: "=", maxSplits: 1).map {
        String($0.drop(while: \.isWhitespace))
      }
      guard parts.count == 2, keys.contains(parts[0]) else {
        let nearest = keys.nearest(to: parts.first ?? "").map { "; did you mean \($0)?" } ?? ""
        throw UsageError(
          description: "--pulse: \(word)\(nearest) (KEY=VALUE with \(keys.joined(separator: ", ")))"
        )
      }
      given.insert(parts[0])
      if parts[0] == "mode" {
        guard let mode = Pulse.Mode(rawValue: parts[1]) else {
          throw UsageError(description: "--pulse: mode=\(parts[1]): biphasic or monophasic")
        }
        pulse.mode = mode
        continue
      }
      guard let number = Double(parts[1]) else {
        throw UsageError(description: "--pulse: \(word): a number is wanted")
      }
      switch parts[0] {
      case "pulsewidth_in_ms": pulse.width = number
      case "interphase_in_ms": pulse.interphase = number
      case "recovery_ratio": pulse.recoveryRatio = number
      case "burstcount": pulse.burstCount = Int(exactly: number) ?? 0
      case "isi_in_ms": pulse.isi = number
      default: pulse.intensity = number
      }
    }
    for key in [intensity, "pulsewidth_in_ms", "isi_in_ms"] where !given.contains(key) {
      throw UsageError(description: "--pulse: \(key) is missing")
    }
    return pulse
  }

  private static func file(_ arguments: Arguments) throws -> (Signal, CodeScale.Unit) {
    let path = arguments.value("file") ?? ""
    guard isFile(path), let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw Failure(exitCode: 66, place: path, message: "\(path): no such file, or it is not text")
    }
    let file: StimulusFile
    do {
      file = try StimulusFile(parsing: text)
    } catch {
      throw Failure(exitCode: 65, place: path, message: "\(path): \(error)")
    }
    let channels = file.signals.keys.sorted()
    let wanted = try arguments.number("channel", in: 0...63).map { Int($0) }
    guard let channel = wanted ?? (channels.count == 1 ? channels[0] : nil),
      let signal = file.signals[channel]
    else {
      throw UsageError(
        description: "\(path) has signals for the channels "
          + "\(channels.map { "\($0)" }.joined(separator: ", ")); --channel=N chooses one")
    }
    return (signal, file.unit)
  }

  private static func scale(
    _ unit: CodeScale.Unit, _ arguments: Arguments
  ) throws -> CodeScale {
    let isCurrent = unit == .milliamperes
    let bits = try arguments.number("dac-bits", in: 1...16) ?? 14
    let resolution = try arguments.number("resolution-nA", in: 1e-3...1e9)
    let range = try arguments.number("range-nA", in: 1e-3...1e12)
    return try CodeScale(
      unit: unit, rate: try arguments.number("rate", in: 1...1e6) ?? 50_000, dacBits: Int(bits),
      resolution: resolution ?? (isCurrent ? 2000 : 1000), range: range ?? (isCurrent ? 16e6 : 8e6))
  }

  // MARK: - What it will be

  private static func json(_ signal: CompiledSignal) -> JSONValue {
    let unit = signal.scale.unit.rawValue
    return .object([
      .init("rate_in_hz", .number(signal.scale.rate)), .init("samples", .whole(signal.period)),
      .init("runs", .list(signal.runs.map { [.whole($0.code), .whole($0.count)] })),
      .init("amplitudes_in_\(unit)", .list(signal.amplitudes.map { .number($0) })),
      .init("durations_in_ms", .list(signal.durations.map { .number($0) })),
      .init("exact", .bool(signal.isExact)),
      .init("net_charge_nC", signal.netCharge.map { .number($0) } ?? .null),
    ])
  }

  private static func text(_ signal: CompiledSignal) -> String {
    let unit = signal.scale.unit.rawValue
    var lines = [["element", unit, "ms", "samples"]]
    for (index, amplitude) in signal.amplitudes.enumerated() {
      lines.append([
        "\(index)", "\(amplitude)", "\(signal.durations[index])", "\(signal.counts[index])",
      ])
    }
    let period = signal.scale.duration(of: signal.period)
    var rest = "period \(period) ms, \(signal.period) samples at \(signal.scale.rate) Hz"
    rest += signal.repeats > 0 ? ", \(signal.repeats) times" : ", until replaced"
    rest += signal.isExact ? ", as asked for" : ", ROUNDED to the device's grid"
    if let net = signal.netCharge, let phase = signal.phaseCharge {
      rest += "\ncharge of the largest phase \(phase) nC, net \(net) nC a period"
    }
    return lines.table + "\n" + rest
  }

  // MARK: - The plan of a session

  private static func showPlan(
    _ path: String, _ arguments: Arguments, _ console: Console
  ) throws -> Int32 {
    let session = try ValidateCommand.load(path, arguments)
    guard let stimulator = session.stimulator, !session.stimulus.isEmpty else {
      throw Failure(exitCode: 65, place: path, message: "\(path): the session plans no stimulus")
    }
    let schedule = StimulusSchedule(session.stimulus)
    let signals: [CompiledSignal]
    do {
      signals = try schedule.compiled(on: try stimulator.nominalScale())
    } catch {
      throw Failure(exitCode: 65, place: path, message: "\(path): stimulus: \(error)")
    }
    if console.isJSON {
      console.emit(
        .object([
          .init("plan", .list(schedule.changes.map { json($0, schedule, signals) })),
          .init("duration_s", .number(end(of: schedule, signals))),
        ]))
      return 0
    }
    let unit = stimulator.mode == .current ? "mA" : "mV"
    var rows = [
      ["time s", "channel", "condition", "repeat", "peak \(unit)", "lasts s", "phase nC", "net nC"]
    ]
    for change in schedule.changes {
      let signal = signals[change.entry]
      rows.append([
        StatusText.decimal(change.time, 6), "\(schedule.entries[change.entry].channel)",
        change.condition ?? "-", change.presentation.map { "\($0)" } ?? "-",
        "\(signal.peak)", signal.seconds.map { StatusText.decimal($0, 6) } ?? "on",
        signal.phaseCharge.map { StatusText.decimal($0, 3) } ?? "-",
        signal.netCharge.map { StatusText.decimal($0, 3) } ?? "-",
      ])
    }
    console.print(rows.table)
    console.say(
      "\(schedule.changes.count) changes, the last ends at "
        + "\(StatusText.decimal(end(of: schedule, signals), 3)) s; within the limits of the session"
    )
    return 0
  }

  private static func json(
    _ change: StimulusSchedule.Change, _ schedule: StimulusSchedule, _ signals: [CompiledSignal]
  ) -> JSONValue {
    let signal = signals[change.entry]
    return .object([
      .init("time", .number(change.time)),
      .init("channel", .whole(schedule.entries[change.entry].channel)),
      .init("condition", change.condition.map { .text($0) } ?? .null),
      .init("repeat", change.presentation.map { .whole($0) } ?? .null),
      .init("amplitude_in_\(signal.scale.unit.rawValue)", .number(signal.peak)),
      .init("duration_s", signal.seconds.map { .number($0) } ?? .null),
      .init("charge_nC", signal.phaseCharge.map { .number($0) } ?? .null),
      .init("net_charge_nC", signal.netCharge.map { .number($0) } ?? .null),
    ])
  }

  /// When the last signal that has an end is over, or begins.
  private static func end(
    of schedule: StimulusSchedule, _ signals: [CompiledSignal]
  ) -> Double {
    schedule.changes.map { $0.time + (signals[$0.entry].seconds ?? 0) }.max() ?? 0
  }
}

extension CompiledSignal {
  /// The largest amplitude, without its sign.
  fileprivate var peak: Double { amplitudes.map(abs).max() ?? 0 }

  /// Seconds until it is over; nil: until replaced.
  fileprivate var seconds: Double? { length.map { Double($0) / scale.rate } }
}

extension [[String]] {
  /// Columns, aligned to the right.
  fileprivate var table: String {
    let widths = (self.first ?? []).indices.map { column in map { $0[column].count }.max() ?? 0 }
    return map { row in
      zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }
        .joined(separator: "  ")
    }.joined(separator: "\n")
  }
}
