import Clocks
import Devices
import Samples

/// The operations `tdt.*` on any circuit.
final class CircuitService: Service {
  let kind = "circuit"
  let operations: Set<String> = [
    "tdt.open", "tdt.run", "tdt.halt", "tdt.status", "tdt.get", "tdt.set", "tdt.trigger",
    "tdt.poll", "tdt.write",
  ]
  let refusedAfterStop: Set<String> = ["tdt.set", "tdt.trigger", "tdt.write", "tdt.run"]
  let mustStop = false

  private let make: (Bool) throws(DeviceError) -> any Circuit
  private var circuit: (any Circuit)?
  private var sizes: [String: Int] = [:]
  private var floats: Set<String> = []
  /// The device went away during the last call.
  private var isLost = false
  /// Where the words of a poll land, reused.
  private var words = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: 0)

  init(_ make: @escaping (Bool) throws(DeviceError) -> any Circuit) { self.make = make }

  deinit { words.deallocate() }

  // MARK: - What the server asks of every device

  func arm(_ request: ArmRequest) -> Armed { Armed(token: nil) }

  func heartbeat() {}

  func emergencyStop() {}

  func safeStop() {}

  func perform(_ op: String, _ frame: Frame) throws -> ServiceAnswer {
    if op == "tdt.open" { return ServiceAnswer(try open(frame.request())) }
    guard let circuit else {
      throw ServiceError(code: .notOpen, message: "no circuit is open")
    }
    do {
      if isLost { try circuit.reconnect() }
      isLost = false
      return try perform(op, frame, on: circuit)
    } catch let error as DeviceError {
      isLost = error.code == .disconnected
      throw error
    }
  }

  // MARK: - Operations

  private func open(_ request: OpenCircuit) throws -> OpenCircuitReply {
    let isAttaching = request.attach ?? false
    if !isAttaching {
      circuit?.close()
      circuit = nil
    }
    let circuit = try circuit ?? make(isAttaching)
    let status = try circuit.health().status
    guard !isAttaching || status.contains(.running) else {
      throw ServiceError(
        code: .notRunning, message: "no circuit is running (status \(status.rawValue))")
    }
    self.circuit = circuit
    sizes = Dictionary(circuit.tags.map { ($0.name, $0.size) }) { first, _ in first }
    floats = Set(circuit.tags.lazy.filter { $0.type == .float }.map(\.name))
    return OpenCircuitReply(
      fs: circuit.rate, status: status.rawValue,
      tags: circuit.tags.map { .init(name: $0.name, type: $0.type.rawValue, size: $0.size) })
  }

  private func perform(
    _ op: String, _ frame: Frame, on circuit: some Circuit
  ) throws -> ServiceAnswer {
    switch op {
    case "tdt.run": try circuit.run()
    case "tdt.halt": try circuit.halt()
    case "tdt.status": break
    case "tdt.get":
      let tags: [String] = try frame.request(TagNames.self).tags
      try check(scalars: tags)
      return ServiceAnswer(TagReadings(values: Self.readings(try circuit.values(of: tags))))
    case "tdt.set":
      let tags = try frame.request(TagSettings.self).tags
      try check(scalars: Array(tags.keys))
      for (tag, value) in tags { try circuit.set(tag, to: Float(value)) }
      return ServiceAnswer(TagsSet(ok: tags.map { _ in true }))
    case "tdt.trigger":
      let request: FireTrigger = try frame.request()
      guard let mode = TriggerMode(rawValue: request.mode) else {
        throw ServiceError.badArgument("mode \(request.mode) is none of pulse, high, low")
      }
      let bracket = try circuit.fire(request.trigger.trigger, mode: mode)
      return ServiceAnswer(At(at: [bracket.before, bracket.after]))
    case "tdt.poll": return try poll(frame.request(), circuit)
    case "tdt.write": return try write(frame.request(), frame, circuit)
    default: throw ServiceError(code: .unknownOperation, message: "no operation \(op)")
    }
    let (status, cycleUsage) = try circuit.health()
    return ServiceAnswer(CircuitHealth(status: status.rawValue, cycleUsage: cycleUsage))
  }

  private func check(scalars tags: [String]) throws {
    guard tags.count <= Bounds.tags else {
      throw ServiceError.badArgument("more than \(Bounds.tags) tags")
    }
    for tag in tags where try size(of: tag) != 1 {
      throw ServiceError.badArgument("\(tag) is a buffer, not a scalar")
    }
  }

  /// A number that is not whole, or not one, is no position in a ring.
  private func check(positions tags: [String]) throws {
    try check(scalars: tags)
    for tag in tags where floats.contains(tag) {
      throw ServiceError.badArgument("\(tag) is a float, not a position")
    }
  }

  private func size(of tag: String) throws -> Int {
    guard let size = sizes[tag], size > 0 else {
      throw ServiceError(code: .noSuchTag, message: "the circuit has no tag \(tag)")
    }
    return size
  }

  /// JSON has no word for what is not a number.
  private static func readings(_ values: [Float]) -> [Double?] {
    values.map { $0.isFinite ? Double($0) : nil }
  }

  // MARK: - Poll

  private func poll(_ request: PollRequest, _ circuit: some Circuit) throws -> ServiceAnswer {
    guard request.buffers.count <= Bounds.buffers else {
      throw ServiceError.badArgument("more than \(Bounds.buffers) buffers")
    }
    try check(scalars: request.tags)
    var latch: Int?
    if let trigger = request.latch?.trigger {
      guard case .software(let number) = trigger else {
        throw ServiceError.badArgument("only a software trigger latches")
      }
      latch = number
    }
    var poll = Poll(latch: latch, rings: try rings(request.buffers), tags: request.tags)
    try circuit.poll(&poll)
    let reply = PollReply(
      buffers: zip(poll.rings, request.buffers).map { ring, asked in
        .init(
          index: ring.first.index, cycle: asked.cycle == nil ? nil : ring.first.cycle,
          from: ring.start, count: ring.count, index2: ring.second.index,
          cycle2: asked.cycle == nil ? nil : ring.second.cycle)
      },
      at: [poll.firstLatch.before, poll.firstLatch.after],
      at2: [poll.secondLatch.before, poll.secondLatch.after],
      values: Self.readings(poll.values),
      arrays: poll.rings.map { .init(name: $0.tags.data, type: "i32", count: $0.count) })
    let blob = poll.rings.map { ring in
      UnsafeRawBufferPointer(
        rebasing: UnsafeRawBufferPointer(ring.destination)[..<(4 * ring.count)])
    }
    return ServiceAnswer(reply, blob: blob)
  }

  /// The rings asked for, with room for what a frame can carry.
  private func rings(_ asked: [PollRequest.Ring]) throws -> [Poll.Ring] {
    var room = (Frame.largest - Bounds.jsonRoom) / 4
    var counts: [Int] = []
    for ring in asked {
      let longest = try size(of: ring.data)
      try check(positions: [ring.index] + (ring.cycle.map { [$0] } ?? []))
      guard 1...longest ~= ring.size, 0...Bounds.position ~= ring.from, ring.maximumSlots >= 0
      else { throw ServiceError.badArgument("\(ring.data): size, from or max_slots") }
      counts.append(Int(min(Int64(ring.size), ring.maximumSlots, Int64(room))))
      room -= counts.last ?? 0
    }
    let needed = counts.reduce(0, +)
    if words.count < needed {
      words.deallocate()
      words = .allocate(capacity: needed)
      words.initialize(repeating: 0)
    }
    var place = 0
    return zip(asked, counts).map { ring, count in
      defer { place += count }
      return Poll.Ring(
        tags: RingTags(data: ring.data, index: ring.index, cycle: ring.cycle), size: ring.size,
        from: ring.from,
        destination: UnsafeMutableBufferPointer(rebasing: words[place..<place + count]))
    }
  }

  // MARK: - Write

  private func write(
    _ request: WriteSlots, _ frame: Frame, _ circuit: some Circuit
  ) throws -> ServiceAnswer {
    let longest = try size(of: request.data)
    let size = request.size ?? longest
    let index = request.index ?? request.data + "_i"
    let cycle = request.cycle ?? request.data + "_c"
    let hasCycle = sizes[cycle] != nil
    try check(positions: hasCycle ? [index, cycle] : [index])
    guard request.type == "f32" || request.type == "i32", frame.blobCount % 4 == 0,
      1...longest ~= size, 0...Bounds.position ~= request.from
    else { throw ServiceError.badArgument("type, from, size or the blob's length") }
    let words = frame.withBlob { blob in
      [UInt32](unsafeUninitializedCapacity: blob.count / 4) { words, count in
        UnsafeMutableRawBufferPointer(words).copyMemory(from: blob)
        count = blob.count / 4
      }
    }
    let ring = RingTags(
      data: request.data, index: index, cycle: hasCycle ? cycle : nil)
    let result = words.withUnsafeBufferPointer { words in
      Result { () throws(DeviceError) in
        try circuit.write(words, to: ring, size: size, from: request.from)
      }
    }
    let (position, bracket) = try result.get()
    return ServiceAnswer(
      SlotsWritten(
        index: position.index, cycle: ring.cycle == nil ? nil : position.cycle,
        written: words.count, at: [bracket.before, bracket.after]))
  }
}
