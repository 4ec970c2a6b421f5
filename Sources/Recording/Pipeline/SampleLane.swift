import Clocks
import Devices
import Synchronization

/// The way of one buffer's raw slots from its acquirer to the file writer: a ring of words that one
/// thread fills and one empties. Full, it makes the acquirer wait: only the device's own ring may
/// lose data, and there it is counted.
///
/// Words are valid between ``reserve(until:)`` and ``commit(_:)`` for the acquirer, and between
/// ``next()`` and ``release()`` for the writer, so the memory needs no lock.
final class SampleLane: Sendable {
  /// A run of valid words in the lane, with what was lost before it.
  struct Run: Sendable {
    /// Word offset in the lane's memory, and words.
    var offset: Int
    var count: Int
    /// The recording's number of the first frame.
    var firstFrame: Int64
    var loss: RingReader.Loss?
    /// Words of the memory the run occupies, skipped ones included.
    var span: Int
    /// value = code / scaling factor.
    var scalingFactor: Double
    /// The scaling factor changed about this poll: its frames are uncertain.
    var isScalingUncertain: Bool
  }

  private struct State {
    /// Words reserved and released so far; their difference is the fill.
    var filled = 0
    var emptied = 0
    var runs: [Run] = []
    var firstRun = 0
    var worst = 0
    var isClosed = false
  }

  let capacity: Int
  private let memory: SlotMemory
  private let state = Mutex(State())
  private let room: any Gate
  private let work: any Gate

  /// `capacity`: words; at least four times the most one poll brings.
  /// `work`: signalled when the lane is half full, so that the writer need not be woken by each
  /// block.
  init(capacity: Int, timekeeper: any Timekeeper, work: any Gate) {
    self.capacity = capacity
    memory = SlotMemory(count: capacity)
    room = timekeeper.makeGate()
    self.work = work
    state.withLock { $0.runs.reserveCapacity(256) }
  }

  /// Contiguous free words for the next poll, waiting until there are `least`.
  ///
  /// - Returns: nil when the lane was closed by the writer.
  func reserve(_ least: Int) -> UnsafeMutableBufferPointer<UInt32>? {
    while true {
      let ticket = room.ticket
      let (range, isClosed): (Range<Int>?, Bool) = state.withLock { state in
        (freeRange(state, least), state.isClosed)
      }
      if isClosed { return nil }
      if let range { return memory[range] }
      room.wait(since: ticket, until: nil)
    }
  }

  /// The larger of the free stretch behind the last run and the one at the memory's start.
  private func freeRange(_ state: State, _ least: Int) -> Range<Int>? {
    let free = capacity - (state.filled - state.emptied)
    let head = state.filled % capacity
    let behind = min(free, capacity - head)
    if behind >= least { return head..<head + behind }
    let before = free - behind
    return before >= least ? 0..<before : nil
  }

  /// Hands the words `run.offset ..< run.offset + run.count` of the reserved stretch on.
  func commit(
    _ reserved: UnsafeMutableBufferPointer<UInt32>, offset: Int, count: Int, firstFrame: Int64,
    loss: RingReader.Loss?, scalingFactor: Double, isScalingUncertain: Bool
  ) {
    guard count > 0 || loss != nil else { return }
    let isHalfFull = state.withLock { state in
      let start = memory.offset(of: reserved)
      let head = state.filled % capacity
      // A stretch at the memory's start means that the rest behind the last run is skipped.
      let skipped = start == head ? 0 : capacity - head
      let span = count == 0 ? 0 : skipped + offset + count
      state.runs.append(
        Run(
          offset: start + offset, count: count, firstFrame: firstFrame, loss: loss, span: span,
          scalingFactor: scalingFactor, isScalingUncertain: isScalingUncertain))
      state.filled += span
      let fill = state.filled - state.emptied
      state.worst = max(state.worst, fill)
      return fill > capacity / 2
    }
    if isHalfFull { work.signal() }
  }

  /// The oldest run and its words, or nil when there is none.
  func next() -> (run: Run, words: UnsafeBufferPointer<UInt32>)? {
    let run = state.withLock { $0.firstRun < $0.runs.count ? $0.runs[$0.firstRun] : nil }
    guard let run else { return nil }
    return (run, UnsafeBufferPointer(memory[run.offset..<run.offset + run.count]))
  }

  /// Frees the run that ``next()`` gave.
  func release() {
    state.withLock { state in
      state.emptied += state.runs[state.firstRun].span
      state.firstRun += 1
      if state.firstRun == state.runs.count {
        state.runs.removeAll(keepingCapacity: true)
        state.firstRun = 0
      } else if state.firstRun >= 1024 {
        state.runs.removeFirst(state.firstRun)
        state.firstRun = 0
      }
    }
    room.signal()
  }

  /// Ends every wait: the writer takes nothing more.
  func close() {
    state.withLock { $0.isClosed = true }
    room.signal()
  }

  /// Share of the lane that was ever filled.
  var worstFill: Double { Double(state.withLock { $0.worst }) / Double(capacity) }
}

/// Words that are allocated once and freed with the lane.
///
/// Unchecked: the lane hands each stretch to one thread at a time.
private final class SlotMemory: @unchecked Sendable {
  private let words: UnsafeMutableBufferPointer<UInt32>

  init(count: Int) {
    words = .allocate(capacity: count)
    words.initialize(repeating: 0)
  }

  deinit { words.deallocate() }

  subscript(range: Range<Int>) -> UnsafeMutableBufferPointer<UInt32> {
    UnsafeMutableBufferPointer(rebasing: words[range])
  }

  func offset(of part: UnsafeMutableBufferPointer<UInt32>) -> Int {
    guard let base = words.baseAddress, let start = part.baseAddress else { return 0 }
    return start - base
  }
}
