/// A stimulus file of Multi Channel Systems (MC_Stimulus II, "ASCII import Version 1.10").
///
/// Format: STG4002/4004/4008 manual, "Supported File Formats". Types 1 to 4 are read: pairs of
/// columns `value` and `time`, and perhaps a column `repeat` that repeats its row. Values are µA or
/// mV, times µs, channels are counted from 1 in the file and from 0 here. A `#` begins a comment;
/// keywords may be in either case.
public struct StimulusFile: Sendable, Equatable {
  /// What the values are.
  public var unit: CodeScale.Unit
  /// Analog channels of the stimulator the file is for; higher numbers in the file are digital sync
  /// outputs, which are checked and left out.
  public var channels: Int
  /// Signals by channel, in mA or mV and ms; each repeats until replaced.
  public var signals: [Int: Signal]

  public init(unit: CodeScale.Unit, channels: Int, signals: [Int: Signal]) {
    self.unit = unit
    self.channels = channels
    self.signals = signals
  }

  /// Reads the whole text of a file.
  public init(parsing text: String) throws(StimulusFileError) {
    var parser = StimulusFileParser()
    var number = 0
    // Lines end in LF or CR LF, which is one Character.
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      let content = line.prefix { $0 != "#" }
      let words = content.split(whereSeparator: \.isWhitespace).map { $0.lowercased() }
      if !words.isEmpty { try parser.take(words, line: number) }
    }
    self = try parser.finish(line: number)
  }

  /// The text of a file of type 4, as MC_Stimulus II itself exports. The type knows no repetition:
  /// finite repeats are written out.
  public var text: String {
    var lines = [
      "Multi Channel Systems MC_Stimulus II", "ASCII import Version 1.10", "",
      "channels: \(channels)", "",
      "output mode: \(unit == .milliamperes ? "current" : "voltage")", "", "format: 4",
    ]
    for (channel, signal) in signals.sorted(by: { $0.key < $1.key }) {
      lines += ["", "channel: \(channel + 1)", "", "value\ttime"]
      let period = zip(signal.amplitudes, signal.durations).map { amplitude, duration in
        let value = unit == .milliamperes ? amplitude * 1000 : amplitude
        return "\(Self.number(value))\t\(Self.number(duration * 1000))"
      }
      for _ in 0..<max(1, signal.repeats) { lines += period }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A number without the last digits that multiplying by 1000 made up (0.57 · 1000 in binary).
  private static func number(_ value: Double) -> String {
    let tidy = (value * 1e6).rounded() / 1e6
    let chosen = abs(tidy - value) <= 4 * value.ulp ? tidy : value
    return Int(exactly: chosen).map { "\($0)" } ?? "\(chosen)"
  }
}

/// What is wrong with a stimulus file, and where.
public struct StimulusFileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Counted from 1.
  public let line: Int
  public let message: String

  public var description: String { "line \(line): \(message)" }
}
