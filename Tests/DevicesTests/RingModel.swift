import Clocks
import Devices
import Samples

/// A ring that a device writes, kept as naively as possible: one counter and an array of words.
///
/// The word of a slot is the number of the unit that the *clock* had reached when it was written,
/// so that a word tells its true place whatever the position said.
struct RingModel {
  let size: Int
  let unit: Int
  /// Nanoseconds per unit.
  let period: Int64
  /// Units the clock has counted, and slots written since the last reset.
  private(set) var ticks: Int64 = 0
  private(set) var written: Int64 = 0
  private(set) var time: Int64 = 0
  private(set) var words: [UInt32]
  /// Nothing is written before this time.
  private var stallEnd: Int64 = 0

  init(size: Int, unit: Int, period: Int64) {
    self.size = size
    self.unit = unit
    self.period = period
    words = Array(repeating: .max, count: size)
  }

  var position: RingPosition {
    RingPosition(cycle: Int(written) / size, index: Int(written) % size)
  }

  /// Lets the device run until a time.
  mutating func run(to end: Int64) {
    time = end
    while (ticks + 1) * period <= end {
      if (ticks + 1) * period > stallEnd {
        for slot in 0..<unit { words[(Int(written) + slot) % size] = UInt32(ticks) }
        written += Int64(unit)
      }
      ticks += 1
    }
  }

  var isStalled: Bool { time < stallEnd }

  mutating func stall(for duration: Int64) { stallEnd = time + duration }

  mutating func reset(keepsCycle: Bool = false) {
    written = keepsCycle ? written / Int64(size) * Int64(size) : 0
  }
}

/// Polls a model as the contract of ``Circuit/poll(_:)`` says.
struct ModelPoll {
  var ring: Poll.Ring
  var first = Bracket(before: 0, after: 0)
  var second = Bracket(before: 0, after: 0)

  /// How long the parts of a poll take, ns: to and from each latch, and the transfer.
  struct Durations {
    var there: Int64 = 150_000
    var back: Int64 = 100_000
    var transfer: Int64 = 400_000
  }

  /// Takes a poll of a model to which something may happen half-way through the transfer; torn
  /// positions have a cycle too many or too few.
  mutating func run(
    _ model: inout RingModel, from: Int64, _ times: Durations = Durations(),
    torn: (Int, Int) = (0, 0),
    during: (inout RingModel) -> Void = { _ in }
  ) {
    ring.from = from
    (ring.first, first) = Self.latch(&model, times, isTorn: torn.0)
    let size = Int64(model.size)
    let available: Int64
    if ring.tags.cycle == nil {
      ring.start = from
      available = ((Int64(ring.first.index) - from % size) % size + size) % size
    } else {
      let position = ring.first.slots(size: model.size)
      ring.start = max(from, position - size)
      available = max(0, position - ring.start)
    }
    ring.count = Int(min(available, Int64(ring.destination.count)))
    let start = model.time
    for word in 0..<ring.count {
      if word == ring.count / 2 { during(&model) }
      model.run(to: start + times.transfer * Int64(word) / Int64(ring.count))
      ring.destination[word] = model.words[Int((ring.start % size + Int64(word)) % size)]
    }
    if ring.count == 0 { during(&model) }
    model.run(to: start + times.transfer)
    (ring.second, second) = Self.latch(&model, times, isTorn: torn.1)
  }

  private static func latch(
    _ model: inout RingModel, _ times: Durations, isTorn: Int
  ) -> (RingPosition, Bracket) {
    let before = model.time
    model.run(to: before + times.there)
    var position = model.position
    position.cycle = max(0, position.cycle + isTorn)
    model.run(to: model.time + times.back)
    return (position, Bracket(before: before, after: model.time))
  }
}
