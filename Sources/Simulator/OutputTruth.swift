public import Clocks

/// One output of the stimulator.
public enum OutputSource: Hashable, Sendable {
  case channel(Int)
  case sync(Int)
}

/// From `time` on an output has a level, until its next run begins.
public struct OutputRun: Sendable, Equatable {
  /// True host time of the first sample.
  public let time: Nanoseconds
  /// Output samples since the device's clock began: a clock of its own.
  public let deviceFrame: Int64
  /// The stream sample that left first, counted as fed.
  public let streamFrame: Int64
  /// What the device put out: the code after truncation; 0 or 1 for a sync output.
  public let code: Int16
  /// In mA or mV; 0 or 1 for a sync output.
  public let level: Double
}

/// What left the stimulator, change by change, for those who read it and for tests.
struct OutputTruth: Sendable {
  struct Reader: Sendable {
    let source: OutputSource
    let number: Int
  }

  fileprivate struct Log: Sendable {
    var runs: [OutputRun] = []
    /// Runs forgotten.
    var base = 0
    /// For each reader, the run it takes next; `Int.max` once it is gone.
    var next: [Int] = []
    /// How far back a reader may have to look, ns, however late it comes.
    var memory: Nanoseconds = 0
    /// So many runs are a reason to forget what is older than that.
    var limit = 8192

    mutating func forget(_ count: Int) {
      runs.removeFirst(count)
      base += count
    }
  }

  private let keepsAll: Bool
  private var logs: [OutputSource: Log] = [:]

  init(keepsAll: Bool) { self.keepsAll = keepsAll }

  func runs(of source: OutputSource) -> [OutputRun] { logs[source]?.runs ?? [] }

  mutating func addReader(of source: OutputSource, memory: Nanoseconds) -> Reader {
    var log = logs[source] ?? Log()
    log.next.append(log.base)
    log.memory = max(log.memory, memory)
    logs[source] = log
    return Reader(source: source, number: log.next.count - 1)
  }

  mutating func removeReader(_ reader: Reader) {
    logs[reader.source]?.next[reader.number] = .max
  }

  mutating func append(_ run: OutputRun, to source: OutputSource) {
    logs[source, default: Log()].append(run, keepsAll: keepsAll)
  }

  mutating func drain(_ reader: Reader) -> [OutputRun] {
    logs[reader.source]?.drain(reader.number, keepsAll: keepsAll) ?? []
  }
}

extension OutputTruth.Log {
  fileprivate mutating func append(_ run: OutputRun, keepsAll: Bool) {
    runs.append(run)
    guard !keepsAll else { return }
    if !next.contains(where: { $0 < .max }) {
      // Nobody listens; the last run tells the present level to whoever comes.
      forget(runs.count - 1)
    } else if runs.count > limit {
      // Somebody is late. The run before the first one needed tells the level.
      let first = runs.firstIndex { $0.time >= run.time - memory } ?? 0
      forget(max(0, first - 1))
      limit = max(8192, 2 * runs.count)
    }
  }

  fileprivate mutating func drain(_ reader: Int, keepsAll: Bool) -> [OutputRun] {
    let new = Array(runs[max(0, next[reader] - base)...])
    next[reader] = base + runs.count
    if !keepsAll, let taken = next.min() { forget(max(0, min(taken - base, runs.count - 1))) }
    return new
  }
}
