import Samples

/// One channel on its way to the device: what it plays, and the samples that are made and not yet
/// taken.
///
/// A class, because it owns memory that a feed points into.
final class ChannelStream {
  let channel: Int
  var player = SignalPlayer()
  /// The number of the first sample the device has not taken.
  private(set) var accepted: Int64 = 0
  /// Free samples in the host's ring.
  var space: Int
  /// Onsets of changes that are made and not yet taken, in order.
  private(set) var onsets: [(id: Int, sample: Int64)] = []
  /// Changes that were made way for while making, and not yet reported.
  private(set) var superseded: [Int] = []
  /// Planned changes that the player knows, in order of time.
  private var planned: [(id: Int, signal: CompiledSignal, time: Double, sample: Int64)] = []
  private var lastPlaced: Int64 = 0
  /// The live change that waits for its boundary.
  private var waitingSignal: (id: Int, signal: CompiledSignal)?
  /// What plays, or played last, and its first sample.
  private var current: (signal: CompiledSignal, onset: Int64)?
  /// Samples of the longest pulse of any signal so far.
  private(set) var longestPulse = 0
  /// A signal of zeros; nil where the device's numbers make none.
  let silence: CompiledSignal?
  /// Whether the last change the device has is one of zeros, or there is none.
  private var isSilent = true
  /// Whether it was set live, and the one that was and waits.
  private var isLive = false
  private var waitingLive: Int?
  /// One past the last sample made that is not zero.
  private(set) var lastPulse: Int64 = 0

  private let memory: UnsafeMutableBufferPointer<Int16>
  private var made = 0

  init(channel: Int, ringSamples: Int, silence: CompiledSignal?) {
    self.channel = channel
    self.silence = silence
    space = ringSamples
    memory = .allocate(capacity: ringSamples)
    memory.initialize(repeating: 0)
  }

  deinit { memory.deallocate() }

  /// The number of the next sample to make.
  var position: Int64 { accepted + Int64(made) }

  /// One past the last sample for which there is room.
  var reach: Int64 { accepted + Int64(min(space, memory.count)) }

  /// Makes samples up to `end`, or on to the next rest if there is room.
  ///
  /// `onset` gets the number of the first sample of every change that was made.
  func make(upTo end: Int64, onset: (Int64) -> Void) {
    let start = position
    guard end > start, reach > start else { return }
    let room = UnsafeMutableBufferPointer(rebasing: memory[made...])
    let count = player.generate(upTo: min(end, reach), limit: reach, into: room) { event in
      switch event {
      case .onset(let id, let sample):
        begin(id, at: sample)
        onsets.append((id, sample))
        onset(sample)
      case .superseded(let id):
        forget(id)
        superseded.append(id)
      }
    }
    if let last = room[..<count].lastIndex(where: { $0 != 0 }) {
      lastPulse = start + Int64(last) + 1
    }
    made += count
  }

  /// Plans a change for a recording time; changes come in order of time.
  func plan(_ signal: CompiledSignal, id: Int, time: Double, _ clock: FeedClock) {
    longestPulse = max(longestPulse, signal.longestPulse)
    planned.append((id, signal, time, position))
    place(planned.count - 1, clock)
  }

  /// Places the plans anew, each at the stream sample nearest its time as the clocks are known now;
  /// but not the one because of which a pulse was begun or left out.
  func placePlans(_ clock: FeedClock) {
    guard !planned.isEmpty else { return }
    _ = player.cancelPlans()
    lastPlaced = position
    for index in planned.indices {
      if index == 0, player.isInPulse || hasWithheld { keep(index) } else { place(index, clock) }
    }
  }

  /// Whether the player is silent only because a pulse would have met a plan.
  private var hasWithheld: Bool {
    guard player.isIdle, let (signal, onset) = current, !signal.isSilent else { return false }
    return signal.length.map { onset + Int64(min($0, 1 << 60)) > position } ?? true
  }

  private func place(_ index: Int, _ clock: FeedClock) {
    planned[index].sample =
      clock.sample(at: planned[index].time).map { Int64($0.rounded()) } ?? position
    keep(index)
  }

  private func keep(_ index: Int) {
    let plan = planned[index]
    lastPlaced = max(plan.sample, position, lastPlaced)
    planned[index].sample = lastPlaced
    player.plan(plan.signal, atSample: lastPlaced, id: plan.id)
  }

  /// Gives up every plan.
  ///
  /// - Returns: their numbers.
  func cancelPlans() -> [Int] {
    planned.removeAll()
    return player.cancelPlans()
  }

  /// Whether something other than zeros plays, or is about to.
  var isActive: Bool {
    !player.isIdle && (!isSilent || waitingLive != nil || !onsets.isEmpty)
  }

  /// Whether a signal that was set live plays or waits.
  var hasLiveSignal: Bool { waitingLive != nil || isLive && !isSilent }

  /// Changes the signal while it streams.
  ///
  /// - Returns: the number of an earlier change that will never be put out.
  func set(_ signal: CompiledSignal, id: Int, immediate: Bool) -> Int? {
    waitingLive = id
    waitingSignal = (id, signal)
    longestPulse = max(longestPulse, signal.longestPulse)
    return player.set(signal, id: id, immediate: immediate)
  }

  /// The device has the first sample of a change.
  func note(_ id: Int, _ signal: CompiledSignal) {
    isSilent = signal.isSilent
    isLive = id == waitingLive
    if isLive { waitingLive = nil }
  }

  func takeSuperseded() -> [Int] {
    defer { superseded.removeAll(keepingCapacity: true) }
    return superseded
  }

  private func begin(_ id: Int, at sample: Int64) {
    if let waiting = waitingSignal, waiting.id == id {
      current = (waiting.signal, sample)
      waitingSignal = nil
    } else if let plan = planned.first(where: { $0.id == id }) {
      current = (plan.signal, sample)
    }
    forget(id)
  }

  private func forget(_ id: Int) {
    if !planned.isEmpty { planned.removeAll { $0.id == id } }
  }

  /// What is made and not taken.
  var pending: UnsafeBufferPointer<Int16> {
    UnsafeBufferPointer(rebasing: memory[..<made])
  }

  /// Notes what the device took; `onset` gets the changes whose first sample is among it.
  func take(_ count: Int, onset: (_ id: Int, _ sample: Int64) -> Void) {
    let taken = min(count, made)
    if taken < made, let base = memory.baseAddress {
      base.update(from: base + taken, count: made - taken)
    }
    made -= taken
    accepted += Int64(taken)
    while let first = onsets.first, first.sample < accepted {
      onset(first.id, first.sample)
      onsets.removeFirst()
    }
  }
}
