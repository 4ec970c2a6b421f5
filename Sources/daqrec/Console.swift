import Glibc
import Recording
import Synchronization

/// Where the program talks: text for people on stderr, results on stdout. Any thread may.
final class Console: Sendable {
  /// One JSON object, or JSON lines, on stdout, and nothing else there.
  let isJSON: Bool
  /// Say only what is wrong.
  let isQuiet: Bool
  private let lock = Mutex(())
  private let refreshed = Mutex(0)

  init(isJSON: Bool = false, isQuiet: Bool = false) {
    self.isJSON = isJSON
    self.isQuiet = isQuiet
  }

  /// Whether stderr is a terminal whose lines can be refreshed.
  var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// A line of information.
  func say(_ line: String) {
    guard !isQuiet else { return }
    write(line + "\n", to: STDERR_FILENO)
  }

  /// A line that is always shown.
  func warn(_ line: String) { write("daqrec: \(line)\n", to: STDERR_FILENO) }

  /// Lines that take the place of those shown before, on a terminal.
  func refresh(_ lines: [String]) {
    guard !isQuiet else { return }
    let above = refreshed.withLock { count in
      defer { count = lines.count }
      return count
    }
    // There may be fewer than before: what is below goes.
    let up = above > 0 ? "\u{1B}[\(above)A\u{1B}[J" : ""
    write(
      up + lines.map { "\u{1B}[2K\($0)\n" }.joined(),
      to: STDERR_FILENO, keepsRefreshed: true)
  }

  /// A result for programs.
  func emit(_ value: JSONValue) { write(value.description + "\n", to: STDOUT_FILENO) }

  /// A result for people.
  func print(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

  /// An error: for people, and with `--json` as an object as well.
  func fail(code: Int32, where place: String, _ message: String) {
    for line in message.split(separator: "\n", omittingEmptySubsequences: false) {
      // What is wrong at a place in a file begins with that place, for editors that go there.
      if code == 65, line.hasPrefix("\(place):") {
        write(line + "\n", to: STDERR_FILENO)
      } else {
        warn(String(line))
      }
    }
    guard isJSON else { return }
    emit([
      "type": "error", "code": .whole(code), "where": .text(place),
      "message": .text(message),
    ])
  }

  private func write(_ text: String, to descriptor: Int32, keepsRefreshed: Bool = false) {
    lock.withLock { _ in
      if !keepsRefreshed { refreshed.withLock { $0 = 0 } }
      var bytes = Array(text.utf8)[...]
      while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        // A closed pipe must not end a recording.
        guard count > 0 || errno == EINTR else { return }
        bytes = bytes.dropFirst(max(0, count))
      }
    }
  }
}
