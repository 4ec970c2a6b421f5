/// Takes the lines of a stimulus file, as lower-case words, one after the other.
struct StimulusFileParser {
  /// The data of one channel while they are read.
  private struct Table {
    let channel: Int
    /// Pairs of value and time in a row; nil before the line of column names.
    var pairs: Int?
    var hasRepeat = false
    var signal = Signal(amplitudes: [], durations: [])
  }

  private var greetings = [
    ["multi", "channel", "systems", "mc_stimulus", "ii"], ["ascii", "import", "version"],
  ]
  private var unit: CodeScale.Unit?
  private var channels: Int?
  private var format: Int?
  private var signals: [Int: Signal] = [:]
  private var seen: Set<Int> = []
  private var table: Table?

  mutating func take(_ words: [String], line: Int) throws(StimulusFileError) {
    if let greeting = greetings.first {
      try takeGreeting(words, greeting, line)
    } else if let (key, value) = Self.entry(words) {
      try takeEntry(key, value, line)
    } else if table == nil {
      throw StimulusFileError(
        line: line,
        message: "'\(words[0])' is no keyword; channels:, output mode:, format: and "
          + "channel: are")
    } else if table?.pairs == nil {
      try takeColumns(words, line)
    } else {
      try takeRow(words, line)
    }
  }

  mutating func finish(line: Int) throws(StimulusFileError) -> StimulusFile {
    guard greetings.isEmpty else {
      throw StimulusFileError(line: line, message: "not a file of MC_Stimulus II")
    }
    try closeTable(line)
    guard let unit, let channels, format != nil, !seen.isEmpty else {
      let missing = unit == nil ? "output mode:" : channels == nil ? "channels:" : "channel:"
      throw StimulusFileError(line: line, message: "the file has no '\(missing)'")
    }
    return StimulusFile(unit: unit, channels: channels, signals: signals)
  }

  private mutating func takeGreeting(
    _ words: [String], _ greeting: [String], _ line: Int
  ) throws(StimulusFileError) {
    guard words.starts(with: greeting) else {
      throw StimulusFileError(
        line: line,
        message: "the file must begin with 'Multi Channel Systems MC_Stimulus II' and 'ASCII "
          + "import Version 1.10'")
    }
    if greetings.count == 1, !["1.10", "1.00"].contains(words.last ?? "") {
      throw StimulusFileError(line: line, message: "version \(words.last ?? "") is not known")
    }
    greetings.removeFirst()
  }

  /// `key: value` or `key:value`; keys may be of two words.
  private static func entry(_ words: [String]) -> (key: String, value: String)? {
    let line = words.joined(separator: " ")
    guard let colon = line.firstIndex(of: ":") else { return nil }
    let value = line[line.index(after: colon)...].drop { $0 == " " }
    return (String(line[..<colon]), String(value))
  }

  private mutating func takeEntry(
    _ key: String, _ value: String, _ line: Int
  ) throws(StimulusFileError) {
    switch key {
    case "channels":
      channels = try Self.whole(value, "a number of channels", 1...1024, line)
    case "output mode":
      guard value == "current" || value == "voltage" else {
        throw StimulusFileError(
          line: line, message: "the output mode is '\(value)'; it must be current or voltage")
      }
      unit = value == "current" ? .milliamperes : .millivolts
    case "format":
      let number = try Self.whole(value, "a format", 1...6, line)
      guard number <= 4 else {
        throw StimulusFileError(
          line: line,
          message: "format \(number) is not read (5 has ramps and sines, 6 absolute times); 1 to "
            + "4 are")
      }
      format = number
    case "channel":
      try closeTable(line)
      guard unit != nil, let channels, format != nil else {
        throw StimulusFileError(
          line: line, message: "'channels:', 'output mode:' and 'format:' come before a channel")
      }
      // Each analog channel has a sync output, numbered after the analog ones.
      let number = try Self.whole(value, "a channel", 1...2 * channels, line)
      guard seen.insert(number).inserted else {
        throw StimulusFileError(line: line, message: "channel \(number) stands twice")
      }
      table = Table(channel: number - 1)
    default:
      throw StimulusFileError(line: line, message: "'\(key):' is no keyword")
    }
  }

  private mutating func takeColumns(
    _ words: [String], _ line: Int
  ) throws(StimulusFileError) {
    let hasRepeat = words.last == "repeat"
    let names = words.dropLast(hasRepeat ? 1 : 0)
    let expected = (0..<names.count).map { $0 % 2 == 0 ? "value" : "time" }
    guard !names.isEmpty, names.count % 2 == 0, Array(names) == expected else {
      throw StimulusFileError(
        line: line,
        message: "columns must be 'value time', perhaps more pairs, perhaps 'repeat' at the end")
    }
    table?.pairs = names.count / 2
    table?.hasRepeat = hasRepeat
  }

  private mutating func takeRow(_ words: [String], _ line: Int) throws(StimulusFileError) {
    guard var table, let pairs = table.pairs, let unit else { return }
    let columns = 2 * pairs + (table.hasRepeat ? 1 : 0)
    guard words.count == columns else {
      throw StimulusFileError(
        line: line, message: "\(words.count) numbers where \(columns) columns are named")
    }
    var amplitudes: [Double] = []
    var durations: [Double] = []
    for pair in 0..<pairs {
      let value = try Self.number(words[2 * pair], line)
      let time = try Self.number(words[2 * pair + 1], line)
      guard time >= 0 else {
        throw StimulusFileError(line: line, message: "the time of \(time) µs is negative")
      }
      amplitudes.append(unit == .milliamperes ? value / 1000 : value)
      durations.append(time / 1000)
    }
    let repeats =
      table.hasRepeat
      ? try Self.whole(words[columns - 1], "a number of repeats", 1...1_000_000, line) : 1
    for _ in 0..<repeats {
      table.signal.amplitudes += amplitudes
      table.signal.durations += durations
    }
    self.table = table
  }

  private mutating func closeTable(_ line: Int) throws(StimulusFileError) {
    guard let table, let channels else { return }
    guard table.pairs != nil else {
      throw StimulusFileError(
        line: line, message: "channel \(table.channel + 1) ends without its columns")
    }
    // A channel that is named and empty is silent.
    if table.channel < channels, !table.signal.amplitudes.isEmpty {
      signals[table.channel] = table.signal
    }
    self.table = nil
  }

  private static func whole(
    _ text: String, _ what: String, _ range: ClosedRange<Int>, _ line: Int
  ) throws(StimulusFileError) -> Int {
    guard let number = Int(text), range.contains(number) else {
      throw StimulusFileError(
        line: line,
        message: "'\(text)' is not \(what) from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private static func number(_ text: String, _ line: Int) throws(StimulusFileError) -> Double {
    guard let number = Double(text), number.isFinite else {
      throw StimulusFileError(line: line, message: "'\(text)' is not a number")
    }
    return number
  }
}
