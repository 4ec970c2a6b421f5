import Samples

/// The signal changes between request and ledger, by a number of the feeder's own.
struct ChangeBook {
  struct Entry {
    var channel: Int
    var signal: CompiledSignal
    /// Recording time for which, or at which, it was asked for.
    var requested: Double
    /// The number under which a caller waits for the outcome.
    var request: Int?
    var trial: StimulusPlan.Trial?
    /// Whether the session planned it: `requested` is when it should leave.
    var isPlanned: Bool
    /// The number of its first sample, once the device has it.
    var sample: Int64?

    init(
      channel: Int, signal: CompiledSignal, requested: Double, request: Int? = nil,
      trial: StimulusPlan.Trial? = nil, isPlanned: Bool = false
    ) {
      self.channel = channel
      self.signal = signal
      self.requested = requested
      self.request = request
      self.trial = trial
      self.isPlanned = isPlanned
    }

    /// One past its last sample: of its periods, or of the first where there is no last.
    var end: Int64 {
      (sample ?? 0) + Int64(min(signal.length ?? signal.period, 1 << 60))
    }
  }

  private var entries: [Int: Entry] = [:]
  /// Queued ones whose first sample, or whose trial, is not over yet, in order of queueing.
  private var leaving: [Entry] = []
  private var last = 0
  /// Changes queued so far.
  private(set) var count = 0

  /// Whether the first sample of every change has left by `sample`.
  func isOver(by sample: Int64) -> Bool {
    entries.isEmpty && leaving.allSatisfy { ($0.sample ?? 0) < sample }
  }

  subscript(id: Int) -> Entry? { entries[id] }

  mutating func add(_ entry: Entry) -> Int {
    last += 1
    entries[last] = entry
    return last
  }

  mutating func remove(_ id: Int) -> Entry? { entries.removeValue(forKey: id) }

  /// A change's first sample was taken by the device.
  mutating func queue(_ id: Int, at sample: Int64) -> Entry? {
    guard var entry = entries.removeValue(forKey: id) else { return nil }
    entry.sample = sample
    leaving.append(entry)
    count += 1
    return entry
  }

  /// Takes out the trials that are over by `sample`, and forgets the changes that have left.
  mutating func endTrials(upTo sample: Int64) -> [Entry] {
    guard !leaving.isEmpty else { return [] }
    var ended: [Entry] = []
    leaving.removeAll { entry in
      guard entry.trial != nil else { return (entry.sample ?? 0) < sample }
      guard entry.end <= sample else { return false }
      ended.append(entry)
      return true
    }
    return ended
  }

  /// Takes out everything: trials that a stop at `sample` cuts short, and changes that have not
  /// begun to leave, those that are queued first.
  mutating func empty(at sample: Int64) -> (cut: [Entry], unfinished: [Entry]) {
    defer {
      leaving.removeAll()
      entries.removeAll()
    }
    return (
      leaving.filter { $0.trial != nil && ($0.sample ?? 0) < sample },
      leaving.filter { ($0.sample ?? 0) >= sample }
        + entries.sorted { $0.key < $1.key }.map(\.value)
    )
  }
}
