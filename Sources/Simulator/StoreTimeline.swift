import Samples

/// When a store wrote (or played) which slot: eras within which its size, factor and decimation do
/// not change and it runs without a break.
///
/// Frame k is sampled and stored at tick (k + 1) · decimation: from then on the position counts it,
/// so that position n is reached when frame n − 1 is sampled. Frames are
/// numbered from the circuit's first run, whether or not the store wrote them.
struct StoreTimeline {
  struct Era {
    /// The era governs from this tick to the next era's.
    var startTick: Int64
    var firstFrame: Int64
    /// The frames written are below it.
    var endFrame: Int64
    var index: Int
    var cycle: Int
    var size: Int
    var scalingFactor: Double
    var decimation: Int
    /// The frame with which the store last began by its gate; 0 without one. Arrays play from there.
    var enabledFrame: Int64 = 0
  }

  /// Where the content of some successive ring places comes from.
  struct Run {
    /// nil: never written.
    var era: Int?
    /// Slots since the era's start.
    var slot: Int64
    var count: Int
  }

  let format: SlotFormat
  let maximumSlots: Int
  private(set) var eras: [Era] = []
  /// The tick up to which the store is enabled, if it is.
  private(set) var enabledUntil: Int64 = 0
  private var isPaused = false
  /// What the next era is made of.
  private(set) var size: Int
  private(set) var scalingFactor: Double
  /// A circuit file may hold a factor that makes no sense, for the host to find out: its store
  /// writes as with 1.
  private var usableFactor: Double {
    scalingFactor > 0 && scalingFactor.isFinite ? scalingFactor : 1
  }
  private(set) var decimation: Int

  init(_ store: SimulatedStore, decimation: Int) {
    format = store.format
    maximumSlots = store.maximumSlots
    size = store.slots
    scalingFactor = store.scalingFactor
    self.decimation = decimation
  }

  /// The number of the era that governs at a tick; nil before the first.
  func era(at tick: Int64) -> Int? {
    eras.lastIndex { $0.startTick <= tick }
  }

  /// Slots written since an era's start.
  func written(in era: Era, at tick: Int64) -> Int64 {
    let frames = min(tick / Int64(era.decimation), era.endFrame) - era.firstFrame
    return frames > 0 ? format.slots(ofFrames: frames) : 0
  }

  /// Where the next slot goes.
  func position(at tick: Int64) -> RingPosition {
    guard let number = era(at: tick) else { return RingPosition(cycle: 0, index: 0) }
    let era = eras[number]
    let slots = Int64(era.index) + written(in: era, at: tick)
    return RingPosition(
      cycle: era.cycle + Int(slots / Int64(era.size)), index: Int(slots % Int64(era.size)))
  }

  /// What ring place `index` and those after it hold at a tick.
  func content(of index: Int, at tick: Int64) -> Run {
    guard var number = era(at: tick) else { return Run(era: nil, slot: 0, count: .max) }
    var count = Int.max
    while true {
      let era = eras[number]
      let written = written(in: era, at: tick)
      let size = Int64(era.size)
      if index < era.size, written > 0 {
        // The places written last precede `end`; going back from there finds the place's last slot.
        let end = (Int64(era.index) + written) % size
        let back = (end - 1 - Int64(index) + size) % size
        let slot = written - 1 - back
        if slot >= 0 {
          let toWrap = era.size - index
          return Run(era: number, slot: slot, count: min(count, toWrap, Int(back) + 1))
        }
        // Never written in this era; the next place that was bounds the run.
        count = min(count, Int((Int64(era.index) - Int64(index) + size) % size))
        count = min(count, era.size - index)
      }
      guard number > 0 else { return Run(era: nil, slot: 0, count: count) }
      number -= 1
    }
  }

  // MARK: - Changes

  /// Starts the store with the circuit, or afresh.
  mutating func begin(at tick: Int64, isEnabled: Bool) {
    enabledUntil = isEnabled ? .max : 0
    isPaused = false
    change(at: tick, index: 0, cycle: 0)
  }

  /// Enables the store from a tick on, for so many ticks.
  mutating func enable(at tick: Int64, ticks: Int64?, resetsPosition: Bool) {
    enabledUntil = ticks.map { tick + $0 } ?? .max
    // Triggered again while it runs, it goes on with the frame under way.
    change(at: tick, index: resetsPosition ? 0 : nil, cycle: resetsPosition ? 0 : nil)
    eras[eras.count - 1].enabledFrame = eras[eras.count - 1].firstFrame
  }

  mutating func end(at tick: Int64) {
    enabledUntil = 0
    change(at: tick)
  }

  mutating func pause(_ pauses: Bool, at tick: Int64) {
    isPaused = pauses
    change(at: tick)
  }

  mutating func reset(at tick: Int64) {
    change(at: tick, index: 0, cycle: 0)
  }

  mutating func set(
    at tick: Int64?, size: Int? = nil, scalingFactor: Double? = nil, decimation: Int? = nil
  ) {
    self.size = size ?? self.size
    self.scalingFactor = scalingFactor ?? self.scalingFactor
    self.decimation = decimation ?? self.decimation
    if let tick, !eras.isEmpty { change(at: tick) }
  }

  private mutating func change(at tick: Int64, index: Int? = nil, cycle: Int? = nil) {
    let old = position(at: tick)
    let step = Int64(decimation)
    // The frame under way is sampled at its end: a store that begins in its midst has it.
    var firstFrame = tick / step
    if var last = eras.last {
      let written = written(in: last, at: tick)
      let wasWriting = last.endFrame > tick / Int64(last.decimation)
      last.endFrame = min(last.endFrame, last.firstFrame + format.frames(inSlots: written))
      eras[eras.count - 1] = last
      if wasWriting, last.decimation == decimation, index == nil { firstFrame = last.endFrame }
    }
    let isRunning = !isPaused && enabledUntil > tick
    var next = Era(
      startTick: tick, firstFrame: firstFrame,
      endFrame: !isRunning ? firstFrame : enabledUntil == .max ? .max : enabledUntil / step,
      index: index ?? old.index, cycle: cycle ?? old.cycle, size: size,
      scalingFactor: usableFactor, decimation: decimation,
      enabledFrame: eras.last?.enabledFrame ?? 0)
    if next.index >= size {
      next.cycle += 1
      next.index = 0
    }
    eras.append(next)
    if eras.count > 4096 { eras.removeFirst(1024) }
  }

  /// Forgets eras of which nothing can be left in the ring, when no transfer is under way.
  mutating func prune() {
    guard eras.count > 1 else { return }
    let closed = eras[eras.count - 2]
    let isCovered =
      closed.size == maximumSlots && written(in: closed, at: .max / 4) >= Int64(maximumSlots)
    if isCovered { eras.removeFirst(eras.count - 2) }
  }
}
