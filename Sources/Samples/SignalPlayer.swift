/// Generates the output stream of one stimulator channel, sample by sample.
///
/// A pulse is a stretch that must not be cut: what lies between two rests of a signal (see
/// ``CompiledSignal/rests``), or a whole period where there is none. Between pulses
/// - a planned signal starts exactly at its sample: a pulse that would still be running then is not
///   begun any more, and zeros fill the time; a signal whose first pulse that would be never starts,
///   and the one before goes on;
/// - a live signal starts at the next period boundary of the running one (every sample is a
///   boundary of silence), or with `immediate` as soon as no pulse is running;
/// - a signal of n periods ends after exactly n.
///
/// Nothing of a signal is put out before its onset has been reported. Generating allocates nothing.
public struct SignalPlayer: Sendable {
  /// What happened while generating. Signals are named by the ids they were given with.
  public enum Event: Sendable, Equatable {
    /// The signal's first sample has this number in the stream.
    case onset(id: Int, sample: Int64)
    /// The signal will never be put out: a planned one took its place.
    case superseded(id: Int)
  }

  private struct Plan {
    let signal: CompiledSignal
    let id: Int
    let sample: Int64
  }

  /// A live change; without a signal it means silence.
  private struct Pending {
    let signal: CompiledSignal?
    let id: Int?
    let immediate: Bool
  }

  /// The change that the next sample would bring.
  private enum Change {
    case none
    /// So many plans are due; the last one counts.
    case plans(Int)
    case live
  }

  /// The next sample to be generated, counted from the stream's beginning.
  public private(set) var position: Int64

  private var voice: SignalVoice?
  private var pending: Pending?
  private var plans: [Plan] = []
  /// The running pulse ends before this sample; at or before `position` if none is running.
  private var pulseEnd: Int64
  /// Whether a feed may end at `position`.
  private var isRested = true

  public init(position: Int64 = 0) {
    self.position = position
    pulseEnd = position
  }

  /// Whether zeros follow until something is set or planned.
  public var isIdle: Bool { voice == nil && pending == nil && plans.isEmpty }

  /// Whether the sample at `position` is in the middle of a pulse.
  public var isInPulse: Bool { pulseEnd > position }

  /// Plans a signal to start at a sample. If the sample is past, or in a pulse that has begun, it
  /// starts as soon as it can.
  ///
  /// - Precondition: plans are made in the order of their samples. Of two at one sample the later
  ///   counts.
  public mutating func plan(_ signal: CompiledSignal, atSample sample: Int64, id: Int) {
    precondition(plans.last.map { $0.sample <= sample } ?? true, "plans are made in order")
    plans.append(Plan(signal: signal, id: id, sample: sample))
  }

  /// Gives up everything that is planned.
  ///
  /// - Returns: the ids of the signals that will not start.
  public mutating func cancelPlans() -> [Int] {
    defer { plans.removeAll() }
    return plans.map(\.id)
  }

  /// Changes the signal at the next period boundary, or as soon as no pulse is running.
  ///
  /// - Returns: the id of an earlier live signal that has not started and now never will.
  public mutating func set(_ signal: CompiledSignal, id: Int, immediate: Bool = false) -> Int? {
    defer { pending = Pending(signal: signal, id: id, immediate: immediate) }
    return pending?.id
  }

  /// Falls silent like a live change to a signal of zeros; plans remain.
  ///
  /// - Returns: the id of a live signal that has not started and now never will.
  public mutating func silence(immediate: Bool = false) -> Int? {
    defer { pending = Pending(signal: nil, id: nil, immediate: immediate) }
    return pending?.id
  }

  /// Generates samples from `position` to `end`, or beyond it to the first place where the stream
  /// may be interrupted: after a rest, or after a period of a signal without any. Never passes
  /// `limit` or fills more than the buffer; a pulse that would is left for the next call, unless
  /// this one would have nothing to give.
  ///
  /// - Returns: the number of samples generated.
  public mutating func generate(
    upTo end: Int64, limit: Int64, into buffer: UnsafeMutableBufferPointer<Int16>,
    _ report: (Event) -> Void
  ) -> Int {
    let start = position
    let limit = min(limit, start + Int64(buffer.count))
    while position < limit {
      if position >= end && isRested { break }
      let mayWait = position > start && isRested
      guard settle(limit: limit, mayWait: mayWait, report) else { break }
      let offset = Int(position - start)
      let (code, count) = take(upTo: end, limit: limit)
      buffer[offset..<offset + count].update(repeating: code)
    }
    return Int(position - start)
  }

  /// Decides which signal the next sample comes from, and begins its pulse if one begins there.
  ///
  /// - Returns: false if that pulse should wait for the next call.
  private mutating func settle(
    limit: Int64, mayWait: Bool, _ report: (Event) -> Void
  ) -> Bool {
    while true {
      let change = dueChange()
      if isInPulse, case .none = change { return true }
      let (next, id) = outcome(of: change)
      guard let length = next?.pulseLength else {
        make(change, next, id, report)
        return true
      }
      if position + length > firstPlan(after: change) {
        // The pulse would still run when a planned signal starts. A signal that would begin with it
        // never does, and the one before goes on; else there is silence until then.
        if let id {
          drop(change, report)
          report(.superseded(id: id))
        } else {
          make(change, nil, nil, report)
        }
        continue
      }
      if position + length > limit && mayWait { return false }
      make(change, next, id, report)
      pulseEnd = position + length
      return true
    }
  }

  private func dueChange() -> Change {
    if !isInPulse {
      let due = plans.prefix { $0.sample <= position }.count
      if due > 0 { return .plans(due) }
    }
    guard let pending else { return .none }
    guard let voice else { return .live }
    let isBoundary = voice.isAtPeriodStart || voice.isSilent || pending.immediate && !isInPulse
    return isBoundary ? .live : .none
  }

  /// What would play after a change, and the id of the signal that would start.
  private func outcome(of change: Change) -> (SignalVoice?, id: Int?) {
    switch change {
    case .none: (voice, nil)
    case .plans(let due): (SignalVoice(plans[due - 1].signal), plans[due - 1].id)
    case .live: (pending?.signal.map { SignalVoice($0) }, pending?.id)
    }
  }

  private func firstPlan(after change: Change) -> Int64 {
    var due = 0
    if case .plans(let count) = change { due = count }
    return due < plans.count ? plans[due].sample : .max
  }

  private mutating func make(
    _ change: Change, _ next: SignalVoice?, _ id: Int?, _ report: (Event) -> Void
  ) {
    drop(change, report)
    voice = next
    pulseEnd = position
    if let id { report(.onset(id: id, sample: position)) }
  }

  /// Takes a change from those that wait; of several plans all but the last are superseded.
  private mutating func drop(_ change: Change, _ report: (Event) -> Void) {
    switch change {
    case .none: break
    case .plans(let due):
      for plan in plans[..<(due - 1)] { report(.superseded(id: plan.id)) }
      plans.removeFirst(due)
    case .live: pending = nil
    }
  }

  /// Moves on by samples of one code, at least one.
  private mutating func take(upTo end: Int64, limit: Int64) -> (code: Int16, count: Int) {
    // Rest is taken no further than asked for, and never past a planned start or a live one.
    let mayChange = pending.map { $0.immediate || voice?.isSilent == true } ?? false
    let wanted = mayChange ? position + 1 : max(end, position + 1)
    let rest = min(limit, wanted, plans.first?.sample ?? .max)
    guard var voice else {
      let count = Int(rest - position)
      position = rest
      isRested = true
      return (0, count)
    }
    let code = voice.code
    let runEnd = position + Int64(voice.remainingInRun)
    let stop = voice.isResting ? min(runEnd, rest) : min(runEnd, limit)
    let count = Int(stop - position)
    isRested = voice.isResting || !voice.hasRest && stop >= pulseEnd
    let goesOn = voice.advance(by: count)
    self.voice = goesOn ? voice : nil
    position = stop
    return (code, count)
  }
}
