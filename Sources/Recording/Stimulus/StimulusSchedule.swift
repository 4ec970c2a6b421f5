public import NWB
public import Samples

/// Everything that a session plans to put out, in order of time; each signal is listed once.
public struct StimulusSchedule: Sendable {
  public struct Entry: Sendable {
    public var channel: Int
    public var signal: Signal
    /// More than 200 ms without a sample of zero are meant.
    public var allowsLongPhase: Bool
  }

  public struct Change: Sendable {
    /// Seconds after sample 0, recording clock.
    public var time: Double
    /// Which of the signals.
    public var entry: Int
    /// The protocol's condition and which presentation of it this is, from 1; nil where the change is
    /// not a trial's.
    public var condition: String?
    public var presentation: Int?
    /// Values of the trial's columns.
    public var columns: [(name: String, value: TrialValue)] = []
  }

  public private(set) var entries: [Entry] = []
  public private(set) var changes: [Change] = []

  public init(_ stimulus: StimulusSettings) {
    for start in stimulus.signals {
      add(
        Entry(
          channel: start.channel, signal: start.signal, allowsLongPhase: start.allowsLongPhase),
        at: stimulus.startAfter)
    }
    for change in stimulus.changes {
      add(
        Entry(
          channel: change.channel, signal: change.signal,
          allowsLongPhase: change.allowsLongPhase),
        at: change.time)
    }
    if let plan = stimulus.plan {
      let first = entries.count
      entries += plan.conditions.map {
        Entry(channel: $0.channel, signal: $0.signal, allowsLongPhase: $0.allowsLongPhase)
      }
      for trial in plan.schedule.trials(from: stimulus.startAfter) {
        let condition = plan.conditions[trial.condition]
        changes.append(
          Change(
            time: trial.time, entry: first + trial.condition, condition: condition.name,
            presentation: trial.repeatNumber, columns: condition.columns))
      }
    }
    // Sorting must keep the session's order among changes of one time.
    let order = changes.indices.sorted { (changes[$0].time, $0) < (changes[$1].time, $1) }
    changes = order.map { changes[$0] }
  }

  private mutating func add(_ entry: Entry, at time: Double) {
    changes.append(Change(time: time, entry: entries.count))
    entries.append(entry)
  }

  /// Every signal as a stimulator with this scale would put it out.
  ///
  /// - Throws: ``SignalError``, which names channel and element.
  public func compiled(on scale: CodeScale) throws(SignalError) -> [CompiledSignal] {
    var signals: [CompiledSignal] = []
    for entry in entries {
      signals.append(
        try entry.signal.compiled(
          on: scale, channel: entry.channel, allowLongPhase: entry.allowsLongPhase))
    }
    return signals
  }
}
