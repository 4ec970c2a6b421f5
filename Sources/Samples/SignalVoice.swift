/// A signal being put out: where in its periods it is.
struct SignalVoice: Sendable {
  private let signal: CompiledSignal
  private var run = 0
  private var offset = 0
  private var periods = 0

  let isSilent: Bool
  /// Whether any run is a rest; if none is, each period is one pulse.
  let hasRest: Bool

  init(_ signal: CompiledSignal) {
    self.signal = signal
    isSilent = signal.isSilent
    hasRest = signal.rests.contains(true)
  }

  var code: Int16 { signal.runs[run].code }
  var isResting: Bool { signal.rests[run] }
  var isAtPeriodStart: Bool { run == 0 && offset == 0 }
  var remainingInRun: Int { signal.runs[run].count - offset }

  /// Samples until the next rest or the signal's end, without rests until the period's; nil if the
  /// next sample is a rest.
  var pulseLength: Int64? {
    guard !isResting else { return nil }
    var length = Int64(remainingInRun)
    var (run, periods) = (run + 1, periods)
    while true {
      if run == signal.runs.count {
        periods += 1
        guard hasRest, periods != signal.repeats else { return length }
        run = 0
      }
      if signal.rests[run] { return length }
      length += Int64(signal.runs[run].count)
      run += 1
    }
  }

  /// Moves on within the run, at most to its end.
  ///
  /// - Returns: false if that was the signal's last sample.
  mutating func advance(by count: Int) -> Bool {
    offset += count
    guard offset == signal.runs[run].count else { return true }
    offset = 0
    run += 1
    guard run == signal.runs.count else { return true }
    run = 0
    periods += 1
    if signal.repeats == 0 { periods = 0 }
    return signal.repeats == 0 || periods < signal.repeats
  }
}
