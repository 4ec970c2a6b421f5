import Foundation
import Testing

@testable import Recording

/// Sections of a session, completed to a whole one; `¦` marks places at which something is wrong.
struct SessionText {
  static let required = [
    ("session", #"session: { id: "a", description: "b" },"#),
    ("circuits", #"circuits: [{ name: "rz" }],"#),
    ("buffers", #"buffers: [{ name: "lfp", circuit: "rz", channels: 16 }],"#),
  ]

  /// Without the marks.
  let text: String
  /// `LINE:COLUMN` of each mark.
  let marks: [String]

  init(_ sections: String) {
    // Sections stand at the beginning of a line: `name:`.
    let lines = sections.split(separator: "\n", omittingEmptySubsequences: false)
    let missing = Self.required.filter { name, _ in
      !lines.contains { $0.drop { $0 == "¦" }.hasPrefix(name + ":") }
    }
    self.init(whole: (["{", sections] + missing.map(\.1) + ["}"]).joined(separator: "\n"))
  }

  init(whole: String) {
    text = whole.replacing("¦", with: "")
    var marks: [String] = []
    for (line, content) in whole.split(separator: "\n", omittingEmptySubsequences: false)
      .enumerated()
    {
      let parts = content.split(separator: "¦", omittingEmptySubsequences: false)
      var column = 1
      for part in parts.dropLast() {
        column += part.unicodeScalars.count
        marks.append("\(line + 1):\(column)")
      }
    }
    self.marks = marks
  }

  func load(folder: String = "", settings: [String] = []) throws(SessionError) -> Session {
    try Session.load(text: text, path: "s", folder: folder, settings: settings)
  }

  /// The lines of what is wrong.
  func problems(folder: String = "", settings: [String] = []) -> [String] {
    do {
      _ = try load(folder: folder, settings: settings)
      return []
    } catch {
      return error.description.split(separator: "\n").map(String.init)
    }
  }
}

/// Sections, and what is wrong at each mark in them.
struct Wrong: Sendable, CustomTestStringConvertible {
  let sections: String
  let messages: [String]

  init(_ sections: String, _ messages: String...) {
    self.sections = sections
    self.messages = messages
  }

  var testDescription: String { messages.joined(separator: "; ") }

  /// Fails unless just the messages appear, each at its mark.
  func check(
    folder: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let session = SessionText(sections)
    #expect(
      session.marks.count == messages.count, "a mark for each message",
      sourceLocation: sourceLocation)
    let expected = zip(session.marks, messages).map { "s:\($0): \($1)" }
    #expect(session.problems(folder: folder) == expected, sourceLocation: sourceLocation)
  }
}

/// A folder with files that is removed with its last use.
final class TemporaryFolder {
  let path: String

  init(_ files: [String: [UInt8]] = [:]) throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "daqrec-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
    for (name, bytes) in files { try Data(bytes).write(to: url.appending(path: name)) }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
