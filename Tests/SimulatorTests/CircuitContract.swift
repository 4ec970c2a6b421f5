import Clocks
import Devices
import Samples
import Testing

/// What every circuit does, whoever drives it: run it on the simulator in process, behind a bridge,
/// and on hardware.
///
/// The circuit has an output store-free set-up of two stores: `data` (int16, 4 channels, 2 slots a
/// frame, 4000 slots, scaling 100, counter) and `slow` (float32, 1 channel, 1000 slots, every 10th
/// tick, counter), the output ring `out` (float32, 1 channel, 500 slots), the scalar `gain` = 2, and
/// latches every position on trigger 1. It is freshly loaded and not running.
struct CircuitContract {
  static let rate = 24414.0625
  static let data = RingTags(data: "data", index: "data_i", cycle: "data_c")
  static let slow = RingTags(data: "slow", index: "slow_i", cycle: "slow_c")
  static let out = RingTags(data: "out", index: "out_i", cycle: "out_c")

  let circuit: any Circuit
  let timekeeper: any Timekeeper

  /// Polls one ring into new memory.
  func poll(
    _ tags: RingTags, size: Int, from: Int64, room: Int, latch: Int? = 1, scalars: [String] = []
  ) throws -> (Poll, [UInt32]) {
    let memory = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: room)
    defer { memory.deallocate() }
    memory.initialize(repeating: 0xDEAD_BEEF)
    let ring = Poll.Ring(tags: tags, size: size, from: from, destination: memory)
    var poll = Poll(latch: latch, rings: [ring], tags: scalars)
    try circuit.poll(&poll)
    return (poll, Array(memory.prefix(poll.rings[0].count)))
  }

  func wait(milliseconds: Int64) {
    timekeeper.sleep(until: timekeeper.now + milliseconds * 1_000_000)
  }

  /// Every clause, one after the other; each leaves the circuit running or not as it found it.
  func check() throws {
    try tagsAreListed()
    try positionsAreZeroBeforeRun()
    try runSettles()
    try latchedPollDeliversEveryWordOnce()
    try aheadDeliversNothing()
    try destinationBoundsTheCount()
    try indexOnlyCountsModuloSize()
    try twoRingsShareOneLatch()
    try scalarsTravelAlong()
    try unknownNamesAreRefused()
    try outputRingTakesWords()
    try haltFreezesPositions()
    circuit.close()
    circuit.close()
    #expect(throws: DeviceError.self) { try circuit.health() }
  }

  private func tagsAreListed() throws {
    #expect(circuit.rate == Self.rate)
    let tags = Dictionary(uniqueKeysWithValues: circuit.tags.map { ($0.name, $0) })
    #expect(tags["data"]?.type == .buffer)
    #expect(tags["data"]?.size == 4000)
    #expect(tags["slow"]?.size == 1000)
    for name in ["data_i", "data_c", "data_n", "data_sf", "data_d", "gain"] {
      #expect(tags[name]?.size == 1, "\(name)")
    }
    #expect(!circuit.tags.contains { $0.name.hasPrefix("%") })
    #expect(
      try circuit.values(of: ["data_n", "data_sf", "slow_d", "gain"]) == [4000, 100, 10, 2])
    #expect(try circuit.values(of: ["no such tag"])[0].isNaN)
  }

  private func positionsAreZeroBeforeRun() throws {
    #expect(try circuit.health().status == [.connected, .loaded])
    #expect(try circuit.values(of: ["data_i", "data_c"]) == [0, 0])
    let (poll, words) = try poll(Self.data, size: 4000, from: 0, room: 100)
    #expect(poll.rings[0].first == RingPosition(cycle: 0, index: 0))
    #expect(words.isEmpty)
  }

  private func runSettles() throws {
    let before = timekeeper.now
    try circuit.run()
    #expect(timekeeper.now - before >= 250_000_000)
    #expect(try circuit.health().status == [.connected, .loaded, .running])
    #expect((0...100).contains(try circuit.health().cycleUsage))
  }

  /// int16 codes n + 1000 · channel, two to a slot, the first in the low half.
  func expectedWord(slot: Int64) -> UInt32 {
    let frame = slot / 2
    let channel = slot % 2 * 2
    let low = UInt16(truncatingIfNeeded: frame + 1000 * channel)
    let high = UInt16(truncatingIfNeeded: frame + 1000 * (channel + 1))
    return UInt32(high) << 16 | UInt32(low)
  }

  private func latchedPollDeliversEveryWordOnce() throws {
    var (poll, _) = try poll(Self.data, size: 4000, from: .max, room: 0)
    var cursor = poll.rings[0].first.slots(size: 4000)
    for _ in 0..<5 {
      wait(milliseconds: 30)
      let words: [UInt32]
      (poll, words) = try self.poll(Self.data, size: 4000, from: cursor, room: 4000)
      let ring = poll.rings[0]
      #expect(ring.start == cursor)
      #expect(ring.count == Int(ring.first.slots(size: 4000) - cursor))
      #expect(ring.count > 1400)
      #expect(ring.second.slots(size: 4000) >= ring.first.slots(size: 4000))
      #expect(poll.firstLatch.before <= poll.firstLatch.after)
      #expect(poll.firstLatch.after <= poll.secondLatch.before)
      #expect(poll.secondLatch.after <= timekeeper.now)
      let valid = max(0, Int(ring.second.slots(size: 4000) - 4000 - cursor))
      for (place, word) in words.enumerated().dropFirst(valid) {
        guard word == expectedWord(slot: cursor + Int64(place)) else {
          Issue.record("slot \(cursor + Int64(place)) is \(word)")
          break
        }
      }
      cursor += Int64(ring.count)
    }
  }

  private func aheadDeliversNothing() throws {
    let (poll, words) = try poll(Self.data, size: 4000, from: 1_000_000_000, room: 10)
    #expect(poll.rings[0].count == 0)
    #expect(words.isEmpty)
  }

  private func destinationBoundsTheCount() throws {
    wait(milliseconds: 20)
    let (poll, words) = try poll(Self.data, size: 4000, from: 0, room: 7)
    let ring = poll.rings[0]
    #expect(ring.start == ring.first.slots(size: 4000) - 4000, "the oldest there are")
    #expect(ring.count == 7)
    #expect(words.count == 7)
  }

  private func indexOnlyCountsModuloSize() throws {
    let tags = RingTags(data: "data", index: "data_i", cycle: nil)
    let (poll, words) = try poll(tags, size: 4000, from: 4000 * 3 + 5, room: 4000)
    let ring = poll.rings[0]
    #expect(ring.first.cycle == 0)
    #expect(ring.start == 4000 * 3 + 5)
    #expect(ring.count == (ring.first.index - 5 + 4000) % 4000)
    #expect(words.count == ring.count)
  }

  private func twoRingsShareOneLatch() throws {
    let memory = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: 0)
    defer { memory.deallocate() }
    var poll = Poll(
      latch: 1,
      rings: [
        Poll.Ring(tags: Self.data, size: 4000, from: .max, destination: memory),
        Poll.Ring(tags: Self.slow, size: 1000, from: .max, destination: memory),
      ])
    for _ in 0..<10 {
      wait(milliseconds: 7)
      try circuit.poll(&poll)
      for positions in [
        (poll.rings[0].first, poll.rings[1].first), (poll.rings[0].second, poll.rings[1].second),
      ] {
        // Two slots a tick here, one in ten ticks there, both since tick 0.
        #expect(positions.0.slots(size: 4000) / 2 / 10 == positions.1.slots(size: 1000))
      }
    }
  }

  private func scalarsTravelAlong() throws {
    try circuit.set("gain", to: 0.1)
    let (poll, _) = try poll(
      Self.slow, size: 1000, from: .max, room: 0, scalars: ["gain", "data_sf", "nothing"])
    #expect(poll.values[0] == 0.1)
    #expect(poll.values[1] == 100)
    #expect(poll.values[2].isNaN)
    try circuit.set("gain", to: 2)
  }

  private func unknownNamesAreRefused() throws {
    #expect(throws: DeviceError.self) { try circuit.set("no such tag", to: 1) }
    #expect(throws: DeviceError.self) { try circuit.set("data_n", to: 4002 * 2) }
    #expect(throws: DeviceError.self) {
      try poll(RingTags(data: "no", index: "data_i", cycle: nil), size: 10, from: 0, room: 1)
    }
    #expect(throws: DeviceError.self) { try circuit.fire(.software(11), mode: .pulse) }
    let bracket = try circuit.fire(.zBusA, mode: .pulse)
    #expect(bracket.before <= bracket.after)
  }

  private func outputRingTakesWords() throws {
    let words: [UInt32] = (0..<100).map { Float($0).bitPattern }
    // Across the wrap: slots 450 … 499 and 0 … 49.
    let (position, bracket) = try words.withUnsafeBufferPointer {
      try circuit.write($0, to: Self.out, size: 500, from: 950)
    }
    #expect(bracket.before <= bracket.after)
    #expect((0..<500).contains(position.index))
    let (_, all) = try poll(Self.out, size: 500, from: 0, room: 500)
    guard all.count == 500 else {
      Issue.record("\(all.count) words")
      return
    }
    let (again, _) = try poll(Self.out, size: 500, from: .max, room: 0)
    #expect(again.rings[0].first.slots(size: 500) > 500)
    var found = 0
    for word in all where words.contains(word) && word != 0 { found += 1 }
    #expect(found == 99)
  }

  private func haltFreezesPositions() throws {
    try circuit.halt()
    #expect(try circuit.health().status == [.connected, .loaded])
    let (first, _) = try poll(Self.slow, size: 1000, from: .max, room: 0, latch: nil)
    wait(milliseconds: 50)
    let (second, _) = try poll(Self.slow, size: 1000, from: .max, room: 0, latch: nil)
    #expect(first.rings[0].first == second.rings[0].first)
    try circuit.halt()
  }
}
