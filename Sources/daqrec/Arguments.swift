import CLinux
import Glibc

/// An option of a command, as getopt_long knows it and `--help` shows it.
struct OptionSpec: Sendable {
  let name: String
  /// The one-letter form.
  var letter: Character?
  /// What stands for the value in the help; nil: the option takes none.
  var value: String?
  let help: String

  init(_ name: String, letter: Character? = nil, value: String? = nil, _ help: String) {
    self.name = name
    self.letter = letter
    self.value = value
    self.help = help
  }

  static let help = OptionSpec("help", letter: "h", "show this help")
  static let json = OptionSpec("json", "one JSON object on stdout; text for people on stderr")
}

/// A wrong use of the command line. Exit code 64.
struct UsageError: Error, CustomStringConvertible {
  let description: String
}

/// The words of a command line, parsed with GNU habits: `--name=value`, `-o FILE`, options after
/// operands, `--`.
struct Arguments {
  private(set) var operands: [String] = []
  private var values: [String: [String]] = [:]

  /// - Throws: ``UsageError``, which names the option and what is allowed.
  init(_ words: [String], options: [OptionSpec], command: String) throws(UsageError) {
    // getopt_long wants C strings that stay where they are; it may reorder the array.
    var strings = ([command] + words).map { strdup($0) }
    let names = options.map { strdup($0.name) }
    defer { for string in strings + names { free(string) } }
    strings.append(nil)
    var long = options.enumerated().map { index, spec in
      option(
        name: names[index], has_arg: spec.value == nil ? no_argument : required_argument,
        flag: nil, val: 256 + Int32(index))
    }
    long.append(option())
    let short =
      ":"
      + options.compactMap { spec in spec.letter.map { "\($0)\(spec.value == nil ? "" : ":")" } }
      .joined()
    clinux_getopt_reset()
    let count = Int32(strings.count - 1)
    while true {
      let code = clinux_getopt_long(count, &strings, short, long, nil)
      if code == -1 { break }
      let word = strings[Int(clinux_optind()) - 1].map { String(cString: $0) } ?? ""
      let found =
        code >= 256
        ? options[Int(code) - 256]
        : options.first { $0.letter?.asciiValue.map(Int32.init) == code }
      guard let found else {
        throw UsageError(
          description: code == 58  // ":"
            ? "\(word) needs a value; daqrec \(command) --help shows it"
            : "unknown option \(word); daqrec \(command) --help lists what there is")
      }
      values[found.name, default: []].append(
        clinux_optarg().map { String(cString: $0) } ?? "")
    }
    for index in Int(clinux_optind())..<Int(count) {
      if let string = strings[index] { operands.append(String(cString: string)) }
    }
  }

  /// Whether an option was given.
  func has(_ name: String) -> Bool { values[name] != nil }

  /// The last value of an option.
  func value(_ name: String) -> String? { values[name]?.last }

  /// Every value of an option that may be repeated, in order.
  func all(_ name: String) -> [String] { values[name] ?? [] }

  /// A number, bounded.
  func number(_ name: String, in range: ClosedRange<Double>) throws(UsageError) -> Double? {
    guard let text = value(name) else { return nil }
    guard let number = Double(text), range.contains(number) else {
      throw UsageError(
        description: "--\(name) \(text): a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// The single operand a command takes.
  func only(_ what: String) throws(UsageError) -> String {
    guard operands.count == 1 else {
      throw UsageError(
        description: operands.isEmpty
          ? "no \(what) is given" : "one \(what) is expected, not \(operands.count)")
    }
    return operands[0]
  }
}
