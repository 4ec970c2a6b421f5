import Clocks
import Glibc
import Recording
import Synchronization

/// Lines of JSON on their way to stdout, written by a thread of its own: who answers must never wait
/// for a reader that does not read, least of all the thread that keeps a stimulator alive.
final class LineOutput: Sendable {
  /// Lines that may wait; beyond it the newest are lost, and stderr says so.
  private static let mostLines = 100_000

  private struct State {
    var lines: [String] = []
    var isFinished = false
    var lost = 0
  }

  private let console: Console
  private let state = Mutex(State())
  /// Real, whatever the session's own time is.
  private let timekeeper = RealTimekeeper()
  private let work: any Gate
  private let done: any Gate

  init(_ console: Console) {
    self.console = console
    work = timekeeper.makeGate()
    done = timekeeper.makeGate()
    _ = timekeeper.startOwner("output") { [self] in write() }
  }

  /// Hands a line over; never blocks.
  func emit(_ value: JSONValue) {
    state.withLock { state in
      if state.lines.count < Self.mostLines {
        state.lines.append(value.description)
      } else {
        state.lost += 1
      }
    }
    work.signal()
  }

  /// Waits until everything is written, at most 10 s: a reader that stands still keeps nobody.
  func finish() {
    state.withLock { $0.isFinished = true }
    work.signal()
    done.wait(since: 0, until: timekeeper.now + 10_000_000_000)
    let lost = state.withLock { $0.lost + $0.lines.count }
    if lost > 0 { console.warn("\(lost) lines of output were not taken by the reader") }
  }

  private func write() {
    var seen: UInt64 = 0
    while true {
      work.wait(since: seen, until: nil)
      seen = work.ticket
      let (lines, isFinished) = state.withLock { state in
        defer { state.lines.removeAll() }
        return (state.lines, state.isFinished)
      }
      for line in lines { writeAll(line + "\n") }
      if isFinished { break }
    }
    done.signal()
  }

  private func writeAll(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes {
        Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count)
      }
      // A closed pipe must not end a recording.
      guard count > 0 || errno == EINTR else { return }
      bytes = bytes.dropFirst(max(0, count))
    }
  }
}
