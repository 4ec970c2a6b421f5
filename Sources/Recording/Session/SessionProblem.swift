/// Where something of a session was given.
public enum Place: Sendable, Equatable {
  /// Line and column of the session's text, both from 1; columns are Unicode scalars.
  case text(line: Int, column: Int)
  /// A `--set key.path=value` on the command line.
  case setting(String)
}

/// One thing that is wrong with a session.
public struct SessionProblem: Sendable, Equatable {
  public let place: Place
  /// The key, as `buffers.0.channels`; empty where the text as a whole is meant.
  public let path: String
  /// What is wrong and what is allowed.
  public let message: String

  public init(place: Place, path: String, message: String) {
    self.place = place
    self.path = path
    self.message = message
  }

  /// `FILE:LINE:COLUMN: path.to.key: what is wrong, what is allowed`.
  public func line(of file: String) -> String {
    let origin =
      switch place {
      case .text(let line, let column): "\(file):\(line):\(column)"
      case .setting(let setting): "--set \(setting)"
      }
    return path.isEmpty ? "\(origin): \(message)" : "\(origin): \(path): \(message)"
  }
}

/// Everything that is wrong with a session, in the order of its text. Exit code 65.
public struct SessionError: Error, Sendable, Equatable, CustomStringConvertible {
  public let file: String
  public let problems: [SessionProblem]
  /// Whether the file itself is not there or cannot be read: exit code 66.
  public let isUnreadable: Bool

  public init(file: String, problems: [SessionProblem], isUnreadable: Bool = false) {
    self.file = file
    self.problems = problems
    self.isUnreadable = isUnreadable
  }

  /// A line for each problem.
  public var description: String {
    problems.map { $0.line(of: file) }.joined(separator: "\n")
  }
}

/// Collects the problems of a session while it is read.
final class SessionProblems {
  /// A person corrects a few at a time.
  private static let most = 500

  private(set) var all: [SessionProblem] = []

  func add(_ message: String, at place: Place, path: [String]) {
    let problem = SessionProblem(
      place: place, path: path.joined(separator: "."), message: message)
    if all.count < Self.most, !all.contains(problem) { all.append(problem) }
  }

  func add(_ problems: [SessionProblem]) { all += problems }

  /// Sorted by place; what the command line set comes last.
  var sorted: [SessionProblem] {
    func key(_ place: Place) -> (Int, Int) {
      switch place {
      case .text(let line, let column): (line, column)
      case .setting: (.max, 0)
      }
    }
    return all.enumerated().sorted {
      let (first, second) = (key($0.element.place), key($1.element.place))
      return first == second ? $0.offset < $1.offset : first < second
    }.map(\.element)
  }
}
