/// One of the program's commands: a file each, with its help beside its options.
protocol Command {
  static var name: String { get }
  /// For the list of commands.
  static var summary: String { get }
  /// After `daqrec name`.
  static var usage: String { get }
  static var options: [OptionSpec] { get }
  /// What it does, and an example.
  static var details: String { get }

  /// Does it.
  ///
  /// - Returns: the exit code.
  static func run(_ arguments: Arguments, _ console: Console) throws -> Int32
}

extension Command {
  static var help: String {
    let rows = (options + [.help]).map { spec -> (String, String) in
      let letter = spec.letter.map { "-\($0), " } ?? "    "
      return ("  \(letter)--\(spec.name)\(spec.value.map { "=\($0)" } ?? "")", spec.help)
    }
    let width = (rows.map(\.0.count).max() ?? 0) + 2
    let list = rows.map { $0.0.padding(to: width) + $0.1 }.joined(separator: "\n")
    return """
      usage: daqrec \(name) \(usage)
      \(summary)

      \(list)

      \(details)
      """
  }
}

extension String {
  func padding(to width: Int) -> String {
    self + String(repeating: " ", count: max(1, width - count))
  }
}

/// Every command, in the order of the help.
var commands: [any Command.Type] {
  [
    RecordCommand.self, InitCommand.self, ValidateCommand.self, ProbeCommand.self,
    AcquireCommand.self, SignalCommand.self, InfoCommand.self, AlignCommand.self,
    ServeSimulatorCommand.self,
  ]
}

/// The version of this program; the file's `was_generated_by` has it too.
let version = "0.1.0"
