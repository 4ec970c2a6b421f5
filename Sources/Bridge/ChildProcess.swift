import Clocks
import Glibc
import Synchronization

/// A command with pipes to its stdin, stdout and stderr, in a process group of its own.
///
/// It does not get this process's signal mask, nor a Ctrl-C of its terminal. Owned by one thread.
final class ChildProcess {
  /// The command's first word, for messages.
  let name: String
  let errors: Int32
  /// The last line it wrote to stderr.
  private(set) var lastLine: String?
  private let process: pid_t
  private var line: [UInt8] = []
  private var ending: String?
  private let log: @Sendable (String) -> Void

  /// Between making a pipe and marking it, no other child may be started: it would hold the pipe
  /// open and this one would never see its end.
  private static let starting = Mutex<Void>(())

  /// - Returns: the process, and the ends of its stdout (to read) and stdin (to write), which the
  ///   caller closes.
  static func start(
    _ command: [String], log: @escaping @Sendable (String) -> Void
  ) throws(LinkError) -> (child: ChildProcess, output: Int32, input: Int32) {
    guard let name = command.first else { throw LinkError("the command is empty") }
    Descriptors.ignoreBrokenPipes()
    return try starting.withLock { _ throws(LinkError) in
      let pipes = try Pipes()
      var process: pid_t = 0
      let failure = spawn(command, pipes, &process)
      pipes.closeFarEnds()
      guard failure == 0 else {
        pipes.closeNearEnds()
        throw LinkError("cannot start \"\(name)\": \(Descriptors.reason(failure))")
      }
      for end in [pipes.input.near, pipes.output.near, pipes.errors.near] {
        Descriptors.setNonBlocking(end)
      }
      let child = ChildProcess(
        name: name, process: process, errors: pipes.errors.near, log: log)
      return (child, pipes.output.near, pipes.input.near)
    }
  }

  private init(
    name: String, process: pid_t, errors: Int32, log: @escaping @Sendable (String) -> Void
  ) {
    self.name = name
    self.process = process
    self.errors = errors
    self.log = log
  }

  deinit {
    end(patience: 0)
    _ = Glibc.close(errors)
  }

  /// Hands the lines that have come on stderr to the log.
  func readErrors() {
    var bytes = [UInt8](repeating: 0, count: 4096)
    while true {
      let input = bytes.withUnsafeMutableBytes { try? Descriptors.read(errors, into: $0) }
      guard case .bytes(let count) = input else { return }
      for byte in bytes[..<count] {
        if byte == UInt8(ascii: "\n") || line.count >= 4096 { finishLine() }
        if byte != UInt8(ascii: "\n") { line.append(byte) }
      }
    }
  }

  private func finishLine() {
    let text = String(decoding: line, as: UTF8.self).trimmingTrailingSpace()
    line.removeAll(keepingCapacity: true)
    guard !text.isEmpty else { return }
    lastLine = text
    log("\(name): \(text)")
  }

  /// What has become of a process whose stdout has ended, with its last words.
  func obituary() -> String {
    let ending = waitForEnd(nanoseconds: 1_000_000_000) ?? "closed its stdout"
    readErrors()
    finishLine()
    return "\"\(name)\" \(ending)" + (lastLine.map { ": \($0)" } ?? "")
  }

  /// Waits for the end, then asks for it (SIGTERM), then makes it (SIGKILL). stdin is closed by now.
  ///
  /// - Parameter patience: nanoseconds before each of the two.
  func end(patience: Nanoseconds) {
    defer { readErrors() }
    if waitForEnd(nanoseconds: patience) != nil { return }
    _ = kill(-process, SIGTERM)
    if waitForEnd(nanoseconds: patience) != nil { return }
    _ = kill(-process, SIGKILL)
    _ = waitForEnd(nanoseconds: 1_000_000_000)
  }

  /// - Returns: how it ended, or nil if it goes on.
  private func waitForEnd(nanoseconds: Nanoseconds) -> String? {
    let step: Nanoseconds = 5_000_000
    var left = nanoseconds
    while ending == nil {
      var status: Int32 = 0
      if waitpid(process, &status, WNOHANG) != 0 {
        ending = Self.describe(status)
      } else if left > 0 {
        // There is no descriptor to wait on for a process that keeps its pipes to itself.
        Descriptors.wait(nanoseconds: step)
        left -= step
        readErrors()
      } else {
        return nil
      }
    }
    return ending
  }

  /// The macros of wait(2), which Swift cannot import.
  private static func describe(_ status: Int32) -> String {
    let signal = status & 0x7F
    return signal == 0
      ? "ended with exit code \(status >> 8 & 0xFF)" : "was ended by signal \(signal)"
  }
}

/// Three pipes, every end of which closes on exec.
private struct Pipes {
  /// `near` is ours, `far` the child's.
  struct Ends {
    var near: Int32 = -1
    var far: Int32 = -1
  }

  var input = Ends()
  var output = Ends()
  var errors = Ends()

  init() throws(LinkError) {
    do throws(LinkError) {
      (input.far, input.near) = try Self.make()
      (output.near, output.far) = try Self.make()
      (errors.near, errors.far) = try Self.make()
    } catch {
      closeFarEnds()
      closeNearEnds()
      throw error
    }
  }

  private static func make() throws(LinkError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw LinkError("pipe: \(Descriptors.reason())") }
    for end in ends { Descriptors.setCloseOnExec(end) }
    return (ends[0], ends[1])
  }

  func closeFarEnds() { close([input.far, output.far, errors.far]) }

  func closeNearEnds() { close([input.near, output.near, errors.near]) }

  private func close(_ ends: [Int32]) {
    for end in ends where end >= 0 { _ = Glibc.close(end) }
  }
}

/// posix_spawnp with the pipes as 0, 1 and 2.
///
/// - Returns: 0 or an error number.
private func spawn(_ command: [String], _ pipes: Pipes, _ process: inout pid_t) -> Int32 {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_adddup2(&actions, pipes.input.far, 0)
  posix_spawn_file_actions_adddup2(&actions, pipes.output.far, 1)
  posix_spawn_file_actions_adddup2(&actions, pipes.errors.far, 2)

  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  posix_spawnattr_setflags(
    &attributes,
    Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
  posix_spawnattr_setpgroup(&attributes, 0)
  var signals = sigset_t()
  sigemptyset(&signals)
  posix_spawnattr_setsigmask(&attributes, &signals)
  sigfillset(&signals)
  posix_spawnattr_setsigdefault(&attributes, &signals)

  var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
  defer { for word in words { free(word) } }
  words.append(nil)
  guard let name = words[0] else { return ENOMEM }
  return posix_spawnp(&process, name, &actions, &attributes, words, environ)
}

extension String {
  fileprivate func trimmingTrailingSpace() -> String {
    var text = self
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
