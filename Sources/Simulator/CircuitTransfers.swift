public import Clocks
public import Devices
public import Samples

/// A buffer read on its way: when each of its words leaves the device.
struct Transfer {
  let ring: Int
  let store: Int
  /// The first place in the ring, and how many.
  let index: Int
  let count: Int
  /// Where in the ring's destination the words go.
  let offset: Int
  /// Host time of the start, and the time all words take.
  let start: Nanoseconds
  let duration: Nanoseconds
}

extension SimulatedCircuit {
  public func poll(_ poll: inout Poll) throws(DeviceError) {
    var call = try begin("poll", failing: .readFailed, isPoll: true)
    for ring in poll.rings where dataStore(ring.tags) == nil {
      throw error(call.name, .noSuchTag, "the circuit has no buffer \(ring.tags.data)")
    }
    transfers.removeAll(keepingCapacity: true)
    for store in stores { store.timeline.prune() }
    positions(&poll, &call, isFirst: true)
    for ring in poll.rings.indices { request(&poll.rings[ring], number: ring, &call) }
    positions(&poll, &call, isFirst: false)
    for tag in poll.tags.indices { poll.values[tag] = readScalar(poll.tags[tag], &call) }
    try end(call)
    for transfer in transfers { deliver(transfer, poll.rings[transfer.ring].destination) }
  }

  public func write(
    _ words: UnsafeBufferPointer<UInt32>, to ring: RingTags, size: Int, from: Int64
  ) throws(DeviceError) -> (position: RingPosition, bracket: Bracket) {
    var call = try begin("WriteTagVEX \(ring.data)")
    guard let number = dataStore(ring), let player = stores[number].player else {
      throw error(call.name, .noSuchTag, "the circuit has no output buffer \(ring.data)")
    }
    guard size > 0, size <= stores[number].store.maximumSlots, words.count <= size, from >= 0 else {
      throw error(call.name, .badArgument, "\(words.count) slots do not fit a ring of \(size)")
    }
    let before = call.time
    // Two writes at the wrap; words count as written when all of theirs have arrived.
    var done = 0
    while done < words.count {
      let index = Int((from + Int64(done)) % Int64(size))
      let count = min(words.count - done, size - index)
      let (ways, duration) = latency.write(bytes: 4 * count)
      call.time += duration
      let moment = call.takes(ways)
      advance(to: moment)
      for place in 0..<count { player.write(words[done + place], at: index + place) }
      done += count
    }
    let after = call.time
    let cycle = ring.cycle.map { Int(readScalar($0, &call)) } ?? 0
    let index = Int(readScalar(ring.index, &call))
    try end(call)
    return (RingPosition(cycle: cycle, index: index), Bracket(before: before, after: after))
  }

  private func dataStore(_ tags: RingTags) -> Int? {
    guard case .data(let store) = directory[tags.data] else { return nil }
    return store
  }

  // MARK: - Positions

  private func positions(_ poll: inout Poll, _ call: inout Call, isFirst: Bool) {
    let before = call.time
    var after = before
    if let latch = poll.latch {
      let moment = call.takes(latency.trigger())
      advance(to: moment)
      fire(.software(latch), .pulse, at: moment)
      after = call.time
    }
    for ring in poll.rings.indices {
      var position =
        poll.latch == nil
        ? settledPosition(poll.rings[ring], &call) : readPosition(poll.rings[ring], &call)
      if isFirst, pending.isTorn {
        position = torn(position, poll.rings[ring].tags, at: call.time)
      }
      if isFirst { poll.rings[ring].first = position } else { poll.rings[ring].second = position }
      if poll.latch == nil { after = call.time }
    }
    if isFirst, !poll.rings.isEmpty { pending.isTorn = false }
    let bracket = Bracket(before: before, after: after)
    if isFirst { poll.firstLatch = bracket } else { poll.secondLatch = bracket }
  }

  private func readPosition(_ ring: Poll.Ring, _ call: inout Call) -> RingPosition {
    let index = Int(readScalar(ring.tags.index, &call))
    let cycle = ring.tags.cycle.map { Int(readScalar($0, &call)) } ?? 0
    return RingPosition(cycle: cycle, index: index)
  }

  /// Cycle, index, cycle until both cycles agree, at most five times.
  private func settledPosition(_ ring: Poll.Ring, _ call: inout Call) -> RingPosition {
    guard let tag = ring.tags.cycle else { return readPosition(ring, &call) }
    var position = RingPosition(cycle: Int(readScalar(tag, &call)), index: 0)
    for _ in 0..<5 {
      position.index = Int(readScalar(ring.tags.index, &call))
      let cycle = Int(readScalar(tag, &call))
      let agrees = cycle == position.cycle
      position.cycle = cycle
      if agrees { break }
    }
    return position
  }

  /// Index wrapped and cycle not yet counted, or the reverse. A store that stands still has no
  /// torn position.
  private func torn(
    _ position: RingPosition, _ tags: RingTags, at moment: Nanoseconds
  ) -> RingPosition {
    guard tags.cycle != nil, let store = dataStore(tags), let oscillator else { return position }
    let timeline = stores[store].timeline
    let tick = oscillator.tick(at: moment)
    let step = Int64(timeline.decimation * timeline.format.framesPerUnit)
    guard timeline.position(at: tick) != timeline.position(at: tick + 2 * step) else {
      return position
    }
    let isWrapped = position.index < timeline.size / 2
    guard !isWrapped || position.cycle > 0 else { return position }
    return RingPosition(cycle: position.cycle + (isWrapped ? -1 : 1), index: position.index)
  }

  // MARK: - Words

  /// Decides what a ring delivers and when its words travel.
  private func request(_ ring: inout Poll.Ring, number: Int, _ call: inout Call) {
    guard let store = dataStore(ring.tags), ring.size > 0 else { return }
    let size = Int64(ring.size)
    let available: Int64
    if ring.tags.cycle == nil {
      ring.start = ring.from
      available = ((Int64(ring.first.index) - ring.from % size) % size + size) % size
    } else {
      let position = ring.first.slots(size: ring.size)
      ring.start = max(ring.from, position - size)
      available = max(0, position - ring.start)
    }
    ring.count = Int(min(available, Int64(ring.destination.count)))
    var offset = 0
    while offset < ring.count {
      let index = Int(((ring.start % size + Int64(offset)) % size + size) % size)
      let count = min(ring.count - offset, ring.size - index)
      var (ways, duration) = latency.read(bytes: 4 * count)
      if let laps = pending.laps {
        let timeline = stores[store].timeline
        let frames = Double(timeline.format.frames(inSlots: size))
        duration = Nanoseconds(laps * frames * Double(timeline.decimation) / rate * 1e9)
        pending.laps = nil
      }
      let start = call.time + ways.there
      transfers.append(
        Transfer(
          ring: number, store: store, index: index, count: count, offset: offset, start: start,
          duration: duration))
      call.time = start + duration + ways.back
      advance(to: start + duration)
      offset += count
    }
  }

  /// Gives every word what its place held when it left the device.
  private func deliver(_ transfer: Transfer, _ words: UnsafeMutableBufferPointer<UInt32>) {
    let store = stores[transfer.store]
    let part = UnsafeMutableBufferPointer(
      rebasing: words[transfer.offset..<transfer.offset + transfer.count])
    guard let oscillator else {
      part.update(repeating: 0)
      return
    }
    let first = oscillator.tick(at: transfer.start)
    let last = oscillator.tick(at: transfer.start + transfer.duration)
    guard
      first != last,
      store.changes(transfer.index, count: transfer.count, from: first, to: last)
    else {
      store.read(part, from: transfer.index, at: first, oscillator)
      return
    }
    for place in part.indices {
      let share = Double(place + 1) / Double(transfer.count)
      let time = transfer.start + Nanoseconds(Double(transfer.duration) * share)
      store.read(
        UnsafeMutableBufferPointer(rebasing: part[place...place]), from: transfer.index + place,
        at: oscillator.tick(at: time), oscillator)
    }
  }
}
