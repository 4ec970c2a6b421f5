import NWB
import Recording

/// `daqrec info`: what a recording holds.
enum InfoCommand: Command {
  static let name = "info"
  static let summary = "says what a recording holds, also while it grows or after a crash"
  static let usage = "FILE"
  static let options = [OptionSpec.json]
  static let details = """
    The file is only read. A file that is being written is read as far as its last flush.

    example: daqrec info m42_2026-03-01_09-30-00.nwb.h5
    """

  static func run(_ arguments: Arguments, _ console: Console) throws -> Int32 {
    let path = try arguments.only("FILE")
    let summary = try read(path)
    if console.isJSON {
      console.emit(json(summary))
    } else {
      console.print(text(summary))
    }
    return 0
  }

  private static func read(_ path: String) throws -> RecordingSummary {
    guard isFile(path) else {
      throw Failure(exitCode: 66, place: path, message: "\(path): no such file")
    }
    do {
      let reader = try RecordingReader(reading: path)
      let summary = try reader.summary()
      try reader.close()
      return summary
    } catch {
      throw Failure(exitCode: 65, place: path, message: "\(path): \(error)")
    }
  }

  private static func text(_ summary: RecordingSummary) -> String {
    var lines = [
      "\(summary.path): \(summary.state.rawValue), \(StatusText.decimal(Double(summary.bytes) / 1e6, 1)) MB",
      "session    \(summary.sessionID): \(summary.sessionDescription)",
      "started    \(summary.startTime), \(StatusText.decimal(summary.duration, 3)) s",
    ]
    if let subject = summary.subject { lines.append("subject    \(subject)") }
    lines.append("devices    \(summary.devices.joined(separator: ", "))")
    for entry in summary.series {
      let series = entry.series
      var line = "series     \(series.name): \(series.frames) × \(series.channels) \(series.type)"
      line +=
        ", \(series.rate) Hz, \(series.unit), from \(StatusText.decimal(series.startingTime, 6)) s"
      if entry.invalidFrames > 0 {
        line += ", \(entry.invalidFrames) frames INVALID in \(entry.invalid.count) places"
      }
      lines.append(line)
    }
    for clock in summary.clocks {
      let bracket = clock.medianBracket.map {
        ", median bracket \(StatusText.decimal(Double($0) / 1e3, 0)) µs"
      }
      lines.append(
        "clock      \(clock.name): \(clock.readings) readings over "
          + "\(StatusText.decimal(clock.span, 1)) s\(bracket ?? "")")
    }
    for table in summary.tables where table.rows > 0 {
      lines.append("table      \(table.path): \(table.rows) rows")
    }
    if let reason = summary.stopReason { lines.append("ended      \(reason)") }
    return lines.joined(separator: "\n")
  }

  private static func json(_ summary: RecordingSummary) -> JSONValue {
    [
      "file": .text(summary.path), "state": .text(summary.state.rawValue),
      "bytes": .whole(summary.bytes), "session": .text(summary.sessionID),
      "description": .text(summary.sessionDescription), "start": .text(summary.startTime),
      "duration_s": .number(summary.duration),
      "subject": summary.subject.map { .text($0) } ?? .null,
      "devices": .list(summary.devices.map { .text($0) }),
      "series": .list(
        summary.series.map { entry in
          [
            "name": .text(entry.series.name), "samples": .whole(entry.series.frames),
            "channels": .whole(entry.series.channels), "type": .text("\(entry.series.type)"),
            "rate": .number(entry.series.rate), "unit": .text(entry.series.unit),
            "starting_time": .number(entry.series.startingTime),
            "invalid": .whole(entry.invalidFrames), "gaps": .whole(entry.invalid.count),
          ]
        }),
      "clocks": .list(
        summary.clocks.map { clock in
          [
            "name": .text(clock.name), "readings": .whole(clock.readings),
            "span_s": .number(clock.span),
            "median_bracket_ns": clock.medianBracket.map { .whole($0) } ?? .null,
          ]
        }),
      "tables": .object(
        summary.tables.map { JSONValue.Member($0.path, .whole($0.rows)) }),
      "ended": summary.stopReason.map { .text($0) } ?? .null,
    ]
  }
}
