import Glibc
import Recording

/// `daqrec init`: a session to begin with.
enum InitCommand: Command {
  static let name = "init"
  static let summary = "writes an annotated session that runs as it is on the simulator"
  static let usage = "[DIR]"
  static let options: [OptionSpec] = []
  static let details = """
    DIR is made if it is missing; without it the session is written here. A session.json5 that
    exists is never replaced.

    example: daqrec init rig1 && daqrec record rig1/session.json5
    """

  static func run(_ arguments: Arguments, _ console: Console) throws -> Int32 {
    guard arguments.operands.count <= 1 else {
      throw UsageError(description: "one folder is expected, not \(arguments.operands.count)")
    }
    let folder = arguments.operands.first ?? "."
    if mkdir(folder, 0o777) != 0, errno != EEXIST {
      throw Failure(
        exitCode: 73, place: folder,
        message: "cannot make \(folder): \(String(cString: strerror(errno)))")
    }
    let path = folder == "." ? "session.json5" : "\(folder)/session.json5"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o666)
    guard descriptor >= 0 else {
      throw Failure(
        exitCode: 73, place: path,
        message: "cannot make \(path): \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    let bytes = Array(SessionTemplate.text.utf8)
    let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    guard written == bytes.count else {
      throw Failure(
        exitCode: 74, place: path,
        message: "cannot write \(path): \(String(cString: strerror(errno)))")
    }
    console.say("wrote \(path); daqrec record \(path) runs it on the simulator")
    return 0
  }
}
