import Glibc
import Recording

@main
enum Main {
  static func main() {
    exit(run(Array(CommandLine.arguments.dropFirst())))
  }

  /// Runs one command line.
  ///
  /// - Returns: the exit code.
  static func run(_ words: [String]) -> Int32 {
    // For errors before the options are understood.
    let console = Console(isJSON: words.contains("--json"))
    guard let first = words.first else {
      console.warn("no command is given; daqrec help lists them")
      return 64
    }
    switch first {
    case "--version", "-V", "version":
      console.print("daqrec \(version)\n\(Software.versions)")
      return 0
    case "help", "--help", "-h":
      return help(for: words.dropFirst().first, console)
    default:
      break
    }
    guard let command = commands.first(where: { $0.name == first }) else {
      let nearest = commands.map { $0.name }.nearest(to: first)
      console.fail(
        code: 64, where: first,
        "unknown command \(first)\(nearest.map { "; did you mean \($0)?" } ?? "") "
          + "(daqrec help lists them)")
      return 64
    }
    return run(command, Array(words.dropFirst()), console)
  }

  private static func run(
    _ command: any Command.Type, _ words: [String], _ console: Console
  ) -> Int32 {
    var console = console
    do {
      let arguments = try Arguments(
        words, options: command.options + [.help], command: command.name)
      console = Console(isJSON: arguments.has("json"), isQuiet: arguments.has("quiet"))
      if arguments.has("help") {
        console.print(command.help)
        return 0
      }
      return try command.run(arguments, console)
    } catch let error as UsageError {
      console.fail(code: 64, where: command.name, "\(command.name): \(error)")
      return 64
    } catch let error as Failure {
      console.fail(code: error.exitCode, where: error.place, error.message)
      return error.exitCode
    } catch {
      console.fail(code: 1, where: command.name, "\(command.name): \(error)")
      return 1
    }
  }

  private static func help(for name: String?, _ console: Console) -> Int32 {
    guard let name else {
      let width = (commands.map { $0.name.count }.max() ?? 0) + 3
      let list = commands.map { "  \($0.name.padding(to: width))\($0.summary)" }
      console.print(
        """
        usage: daqrec COMMAND …
        Records ring buffers of signal processors, and every change of the stimulus, into one
        HDF5 file that is NWB while it grows.

        \(list.joined(separator: "\n"))

        daqrec COMMAND --help shows each with an example. This is not a medical device.
        """)
      return 0
    }
    guard let command = commands.first(where: { $0.name == name }) else {
      console.fail(code: 64, where: name, "unknown command \(name) (daqrec help lists them)")
      return 64
    }
    console.print(command.help)
    return 0
  }
}

/// Something that ends a command, with its exit code.
struct Failure: Error {
  let exitCode: Int32
  let place: String
  let message: String
}
