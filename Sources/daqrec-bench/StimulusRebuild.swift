import NWB

/// Rebuilds what a channel puts out from the ledger alone, sample by sample in meaning: the samples
/// at which the code changes. Shares no code with the player.
struct StimulusRebuild {
  /// A code, and the stream sample from which it is put out.
  struct Step: Equatable {
    var sample: Int64
    var code: Int16
  }

  private struct Run {
    var code: Int16
    var count: Int64
    var isRest: Bool
  }

  private let rate: Double
  private let codesPerMilliampere: Double
  private(set) var steps: [Step] = []

  init(rate: Double = 50_000, codesPerMilliampere: Double = 2000) {
    self.rate = rate
    self.codesPerMilliampere = codesPerMilliampere
  }

  /// The steps of a channel from its changes, in order of their samples, until sample `end`.
  static func steps(of changes: [SignalChange], until end: Int64) -> [Step] {
    var rebuild = StimulusRebuild()
    for (index, change) in changes.enumerated() {
      let next = index + 1 < changes.count ? changes[index + 1].streamSample : end
      rebuild.play(change, until: next, isReplaced: index + 1 < changes.count)
    }
    return rebuild.steps
  }

  /// The signal from its onset on; what would still be running when the next begins is left out.
  private mutating func play(_ change: SignalChange, until end: Int64, isReplaced: Bool) {
    let runs = runs(of: change)
    var sample = change.streamSample
    var periods = 0
    while sample < end, !runs.isEmpty {
      let hasRest = runs.contains(where: \.isRest)
      var index = 0
      while index < runs.count, sample < end {
        let run = runs[index]
        if run.isRest {
          put(0, at: sample)
          sample += run.count
          index += 1
          continue
        }
        // A pulse: up to the next rest, or a whole period where there is none.
        var last = index
        var length: Int64 = 0
        while last < runs.count, !runs[last].isRest {
          length += runs[last].count
          last += 1
        }
        if isReplaced, sample + length > end {
          put(0, at: sample)
          return
        }
        for run in runs[index..<last] where sample < end {
          put(run.code, at: sample)
          sample += run.count
        }
        index = hasRest ? last : runs.count
      }
      periods += 1
      if change.repeats > 0, periods == Int(change.repeats) {
        put(0, at: sample)
        return
      }
    }
  }

  private mutating func put(_ code: Int16, at sample: Int64) {
    if let last = steps.last, last.sample == sample { steps.removeLast() }
    if (steps.last?.code ?? 0) != code { steps.append(Step(sample: sample, code: code)) }
  }

  /// A gap between pulses is where the codes are zero and the charge is back to zero; a gap within
  /// one is not. A signal that leaves a charge has its gaps wherever it is zero.
  private func runs(of change: SignalChange) -> [Run] {
    var runs = zip(change.amplitudes, change.durations).map { amplitude, duration in
      Run(
        code: Int16((amplitude * codesPerMilliampere).rounded()),
        count: Int64((duration * rate / 1000).rounded()), isRest: false)
    }.filter { $0.count > 0 }
    let net = runs.reduce(0) { $0 + Int64($1.code) * $1.count }
    var charge: Int64 = 0
    for index in runs.indices {
      charge += Int64(runs[index].code) * runs[index].count
      runs[index].isRest = runs[index].code == 0 && (net != 0 || charge == 0)
    }
    return runs
  }

  /// The length of one period, samples.
  static func period(of change: SignalChange) -> Int64 {
    change.durations.reduce(0) { $0 + Int64(($1 * 50).rounded()) }
  }
}
