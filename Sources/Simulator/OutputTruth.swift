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

  private struct Log: Sendable {
    var runs: [OutputRun] = []
    /// Runs forgotten.
    var base = 0
    /// For each reader, the run it takes next.
    var next: [Int] = []
  }

  private let keepsAll: Bool
  private var logs: [OutputSource: Log] = [:]

  init(keepsAll: Bool) { self.keepsAll = keepsAll }

  func runs(of source: OutputSource) -> [OutputRun] { logs[source]?.runs ?? [] }

  mutating func addReader(of source: OutputSource) -> Reader {
    let log = logs[source, default: Log()]
    logs[source, default: log].next.append(log.base)
    return Reader(source: source, number: log.next.count)
  }

  mutating func append(_ run: OutputRun, to source: OutputSource) {
    logs[source, default: Log()].runs.append(run)
    // A single run is kept so that the present level can be told.
    guard !keepsAll, let log = logs[source], log.next.isEmpty, log.runs.count > 1 else { return }
    logs[source]?.base += log.runs.count - 1
    logs[source]?.runs.removeFirst(log.runs.count - 1)
  }

  mutating func drain(_ reader: Reader) -> [OutputRun] {
    guard var log = logs[reader.source] else { return [] }
    let new = Array(log.runs[(log.next[reader.number] - log.base)...])
    log.next[reader.number] = log.base + log.runs.count
    if !keepsAll, let taken = log.next.min(), taken > log.base {
      log.runs.removeFirst(taken - log.base)
      log.base = taken
    }
    logs[reader.source] = log
    return new
  }
}
