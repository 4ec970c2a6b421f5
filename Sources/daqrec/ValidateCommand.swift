import NWB
import Recording

/// `daqrec validate`: a session checked without touching a device.
enum ValidateCommand: Command {
  static let name = "validate"
  static let summary = "checks a session file; every problem is reported at once"
  static let usage = "SESSION"
  static let options = [sessionSetting, .json]
  static let details = """
    Each problem is a line FILE:LINE:COLUMN: path.to.key: what is wrong, what is allowed. The exit
    code is 0, or 65 if there is any. No device is touched.

    example: daqrec validate rig1/session.json5 --set run.duration_s=10
    """

  /// The option of every command that reads a session.
  static let sessionSetting = OptionSpec(
    "set", value: "KEY.PATH=VALUE", "change a value of the session; may be repeated")

  static func run(_ arguments: Arguments, _ console: Console) throws -> Int32 {
    let path = try arguments.only("SESSION")
    let session = try load(path, arguments)
    if console.isJSON {
      console.emit(["file": .text(path), "problems": [], "id": .text(session.texts.id)])
    } else {
      console.print("\(path): no problems")
    }
    return 0
  }

  /// Reads a session with the settings of the command line.
  static func load(_ path: String, _ arguments: Arguments) throws -> Session {
    guard isFile(path) else {
      throw Failure(exitCode: 66, place: path, message: "\(path): no such session file")
    }
    do throws(SessionError) {
      return try Session.load(path: path, settings: arguments.all("set"))
    } catch {
      throw Failure(exitCode: 65, place: path, message: error.description)
    }
  }
}
