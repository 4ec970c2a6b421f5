import Glibc
import Recording

/// How the state of a session is shown.
enum StatusText {
  /// One line with what matters, for logs and pipes.
  static func line(_ status: StatusBoard.Snapshot) -> String {
    var parts = ["\(seconds(status.time)) s"]
    for buffer in status.buffers {
      var part = "\(buffer.name) \(buffer.samples) samples, ring \(percent(buffer.fill))"
      part += " (worst \(percent(buffer.worstFill)))"
      if buffer.lost > 0 { part += ", LOST \(buffer.lost)" }
      if buffer.clipped > 0 { part += ", \(clipped(buffer))" }
      if let constant = constant(buffer) { part += ", \(constant)" }
      if buffer.standsStill { part += ", STANDS STILL" }
      parts.append(part)
    }
    parts += warnings(status)
    if let stimulator = status.stimulator { parts.append(text(stimulator)) }
    parts.append(text(status.file))
    return parts.joined(separator: " | ")
  }

  /// A line per buffer, one for the stimulator, one for the file.
  static func lines(_ status: StatusBoard.Snapshot, columns: Int) -> [String] {
    var lines: [String] = []
    let width = status.buffers.map(\.name.count).max() ?? 0
    for buffer in status.buffers {
      var line = buffer.name.padding(to: width + 1)
      line += "\(decimal(buffer.rate, 1)) Hz  ring \(percent(buffer.fill)) "
      line += "(worst \(percent(buffer.worstFill)))"
      line += "  lost \(buffer.lost)  clipped \(buffer.clipped)"
      if buffer.standsStill { line += "  STANDS STILL" }
      let room = max(0, columns - line.count - 4)
      line += "  \(strip(buffer.levels, room))"
      lines.append(line)
    }
    for buffer in status.buffers {
      if buffer.clipped > 0 { lines.append("\(buffer.name) \(clipped(buffer))") }
      if let constant = constant(buffer) { lines.append("\(buffer.name) \(constant)") }
    }
    lines += warnings(status)
    if let stimulator = status.stimulator { lines.append(text(stimulator)) }
    lines.append("\(seconds(status.time)) s  \(text(status.file))\(clock(status))")
    return lines.map { String($0.prefix(max(20, columns - 1))) }
  }

  /// How many codes were at the limits, and of which channels.
  static func clipped(_ buffer: StatusBoard.Buffer) -> String {
    let those = buffer.clippedCodes.indices.filter { buffer.clippedCodes[$0] > 0 }
    return "clipped codes \(buffer.clipped) (\(channels(those)))"
  }

  /// The channels that had a single value over the last second; nil without any.
  private static func constant(_ buffer: StatusBoard.Buffer) -> String? {
    let those = buffer.levels.indices.filter { buffer.levels[$0].isConstant }
    return those.isEmpty ? nil : "constant (dead?) \(channels(those))"
  }

  /// `channel 3`, or `channels 0-2, 7`: ascending numbers, the first few ranges of them.
  static func channels(_ numbers: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for number in numbers {
      if let last = ranges.last, last.upperBound + 1 == number {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    let most = 4
    let texts = ranges.prefix(most).map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
    }
    return (numbers.count == 1 ? "channel " : "channels ") + texts.joined(separator: ", ")
      + (ranges.count > most ? " … (\(numbers.count))" : "")
  }

  static func text(_ ended: StatusBoard.EndedSeries) -> String {
    "\(ended.name) ENDED EARLY at \(decimal(ended.time, 3)) s: \(ended.reason)"
  }

  /// What is wrong beside the numbers of the series.
  private static func warnings(_ status: StatusBoard.Snapshot) -> [String] {
    var list = status.endedSeries.map(text)
    if status.lostEvents > 0 { list.append("events LOST \(status.lostEvents)") }
    return list
  }

  private static func text(_ stimulator: StatusBoard.Stimulator) -> String {
    "\(stimulator.name) \(stimulator.state), \(milliseconds(stimulator.ahead)) ms ahead, "
      + "\(stimulator.changes) changes"
      + (stimulator.underruns > 0 ? ", UNDERRUNS \(stimulator.underruns)" : "")
  }

  private static func text(_ file: StatusBoard.File) -> String {
    guard !file.path.isEmpty else { return "no file (preview)" }
    var text = "file \(decimal(Double(file.bytes) / 1e6, 1)) MB, "
    text += "\(decimal(file.megabytesPerSecond, 1)) MB/s, durable to \(seconds(file.durableTo)) s"
    if file.minutesLeft.isFinite { text += ", disk for \(decimal(file.minutesLeft, 0)) min" }
    if file.lateFlushes > 0 { text += ", LATE FLUSHES \(file.lateFlushes)" }
    return text
  }

  private static func clock(_ status: StatusBoard.Snapshot) -> String {
    guard let uncertainty = status.clockUncertainty else { return "" }
    return ", clock ± \(decimal(uncertainty * 1e6, 0)) µs"
  }

  /// The level of each channel as a strip of bars: the RMS on a logarithmic scale over four
  /// decades below the largest; a constant channel is a space, one that clips an exclamation mark.
  static func strip(_ levels: [StatusBoard.Level], _ columns: Int) -> String {
    let bars = Array("▁▂▃▄▅▆▇█")
    let most = levels.map(\.rms).filter(\.isFinite).max() ?? 0
    return String(
      levels.prefix(columns).map { level -> Character in
        if level.clipped > 0 { return "!" }
        guard !level.isConstant, level.rms > 0, most > 0, level.rms.isFinite else { return " " }
        let decades = log10(Double(level.rms / most)) + 4
        return bars[min(7, max(0, Int(decades * 2)))]
      })
  }

  static func seconds(_ value: Double) -> String { decimal(value, 1) }

  static func percent(_ share: Double) -> String { "\(decimal(share * 100, 0)) %" }

  static func milliseconds(_ seconds: Double) -> String { decimal(seconds * 1e3, 0) }

  /// A number with so many places.
  static func decimal(_ value: Double, _ places: Int) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = Int64((abs(value) * scale).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return "\(sign)\(scaled)" }
    let rest = String(scaled % Int64(scale))
    return "\(sign)\(scaled / Int64(scale))."
      + String(repeating: "0", count: places - rest.count) + rest
  }
}
