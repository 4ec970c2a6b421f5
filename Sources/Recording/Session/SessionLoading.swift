import Foundation

extension Session {
  /// Reads and checks a session file.
  ///
  /// `settings` are `key.path=value` each, and go before what the file says. Throws one error with
  /// every problem.
  public static func load(
    path: String, settings: [String] = []
  ) throws(SessionError) -> Session {
    func unreadable(_ message: String, isMissing: Bool) -> SessionError {
      let start = SessionProblem(place: .text(line: 1, column: 1), path: "", message: message)
      return SessionError(file: path, problems: [start], isUnreadable: isMissing)
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw unreadable("the file is not there or cannot be read", isMissing: true)
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw unreadable("the file is not UTF-8", isMissing: false)
    }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    return try load(text: text, path: path, folder: folder, settings: settings)
  }

  /// Reads and checks a session's text. Other paths in it are relative to `folder`, the current
  /// one if it is empty.
  public static func load(
    text: String, path: String = "session.json5", folder: String = "", settings: [String] = []
  ) throws(SessionError) -> Session {
    let problems = SessionProblems()
    let parsed = JSON5Parser.parse(text)
    problems.add(parsed.problems)
    var root = parsed.root
    for setting in settings { root.apply(setting, problems) }
    let value = ValueReader(node: root, path: [], problems: problems)
    var session = value.object { Session.read($0, in: SessionFolder(path: folder)) } ?? Session()
    session.path = path
    session.text = text
    session.settings = settings
    SessionChecks(session: session, root: root, problems: problems).run()
    guard problems.all.isEmpty else {
      throw SessionError(file: path, problems: problems.sorted)
    }
    return session
  }
}
