public import Clocks
public import Devices
public import Samples

/// What a bridge needs to find and load a circuit.
public struct CircuitOpening: Sendable, Equatable {
  /// The processor, as its driver names it: RZ2, RX6 …
  public var model: String
  /// The number among processors of its model, from 1.
  public var index: Int
  /// `GB` or `USB`; nil: the bridge's own choice.
  public var interface: String?
  /// Path of the circuit file on the rig.
  public var circuit: String?
  /// 0 … 6: the rate as TDT codes it; nil: as the circuit says.
  public var rateCode: Int?

  public init(
    model: String, index: Int = 1, interface: String? = nil, circuit: String? = nil,
    rateCode: Int? = nil
  ) {
    self.model = model
    self.index = index
    self.interface = interface
    self.circuit = circuit
    self.rateCode = rateCode
  }
}

/// A circuit behind a bridge: one round trip for each call, a poll included.
///
/// Brackets come from the bridge's clock, mapped to the host's by the exchanges of every request.
/// Owned by one thread. When it is let go without ``close()`` the circuit runs on.
public final class BridgedCircuit: Circuit {
  public private(set) var deviceDescription: String
  public private(set) var rate: Double = 0
  public private(set) var tags: [TagInfo] = []

  private let link: Link
  private let opening: CircuitOpening
  private let timekeeper: any Timekeeper
  private var scalars: Set<String> = []
  /// When the link was last made anew.
  private var lastAttempt: Nanoseconds?

  /// Starts or reaches the bridge and has it load the circuit.
  ///
  /// - Parameters:
  ///   - name: of the circuit in the session.
  ///   - address: of the bridge.
  ///   - opening: which processor, which circuit.
  ///   - attach: whether to find a circuit running instead, neither loading nor halting it.
  ///   - timekeeper: of the session, in real time.
  ///   - listener: hears the bridge's log lines and the exchanges that its clock map is made of.
  /// - Throws: ``DeviceError``: what became of the command, or what the bridge refused.
  public init(
    name: String, address: BridgeAddress, opening: CircuitOpening, attach: Bool = false,
    timekeeper: any Timekeeper, listener: LinkListener = LinkListener()
  ) throws(DeviceError) {
    self.opening = opening
    self.timekeeper = timekeeper
    deviceDescription = "\(name) (\(opening.model) \(opening.index))"
    link = Link(
      device: deviceDescription, kind: "circuit", address: address, timekeeper: timekeeper,
      listener: listener)
    try open(attach: attach)
  }

  private func open(attach: Bool) throws(DeviceError) {
    try link.open()
    let request = OpenCircuit(
      model: opening.model, index: opening.index, interface: opening.interface,
      circuit: opening.circuit, rateCode: opening.rateCode, attach: attach ? true : nil)
    let reply = try link.exchange(
      "tdt.open", request, limit: TimeLimit.open, as: OpenCircuitReply.self
    ).body
    guard reply.fs > 0, reply.fs.isFinite else {
      throw link.violation("tdt.open", "a rate of \(reply.fs) Hz")
    }
    rate = reply.fs
    tags = reply.tags.map { tag in
      // A table of the manual gives logic tags the number 78.
      let type = TagType(rawValue: tag.type == 78 ? 76 : tag.type) ?? .absent
      return TagInfo(name: tag.name, type: type, size: tag.size)
    }
    scalars = Set(tags.lazy.filter { $0.size == 1 }.map(\.name))
    if let hello = link.hello {
      deviceDescription = "\(link.device), bridge \(hello.bridge) on \(hello.platform)"
    }
  }

  // MARK: - Circuit

  public func run() throws(DeviceError) { _ = try health("tdt.run", TimeLimit.start) }

  public func halt() throws(DeviceError) { _ = try health("tdt.halt", TimeLimit.short) }

  public func health() throws(DeviceError) -> (status: CircuitStatus, cycleUsage: Int) {
    let health = try health("tdt.status", TimeLimit.short)
    return (CircuitStatus(rawValue: health.status), health.cycleUsage)
  }

  private func health(_ op: String, _ limit: Nanoseconds) throws(DeviceError) -> CircuitHealth {
    try link.exchange(op, Nothing(), limit: limit, as: CircuitHealth.self).body
  }

  public func values(of tags: [String]) throws(DeviceError) -> [Float] {
    var values = [Float](repeating: .nan, count: tags.count)
    let known = tags.filter(scalars.contains)
    if known.isEmpty { return values }
    let reply = try link.exchange(
      "tdt.get", TagNames(tags: known), limit: TimeLimit.short, as: TagReadings.self)
    try assign(reply.body.values, of: tags, to: &values, "tdt.get")
    return values
  }

  /// Gives each tag that the circuit has its value, the others not-a-number.
  private func assign(
    _ readings: [Double?], of tags: [String], to values: inout [Float], _ op: String
  ) throws(DeviceError) {
    var place = 0
    for (number, tag) in tags.enumerated() {
      guard scalars.contains(tag) else {
        values[number] = .nan
        continue
      }
      guard place < readings.count else { break }
      values[number] = readings[place].map { Float($0) } ?? .nan
      place += 1
    }
    let asked = tags.count { scalars.contains($0) }
    guard place == asked, readings.count == asked else {
      throw link.violation(op, "\(readings.count) values for \(asked) tags")
    }
  }

  public func set(_ tag: String, to value: Float) throws(DeviceError) {
    let reply = try link.exchange(
      "tdt.set", TagSettings(tags: [tag: Double(value)]), limit: TimeLimit.short, as: TagsSet.self)
    guard reply.body.ok == [true] else {
      throw error("tdt.set \(tag)", .driver, "the device did not take \(value)")
    }
  }

  public func fire(_ trigger: Trigger, mode: TriggerMode) throws(DeviceError) -> Bracket {
    let request = FireTrigger(trigger: TriggerName(trigger), mode: mode.rawValue)
    let reply = try link.exchange("tdt.trigger", request, limit: TimeLimit.short, as: At.self)
    return try link.bracket(reply.body.at, reply, "tdt.trigger")
  }

  public func write(
    _ words: UnsafeBufferPointer<UInt32>, to ring: RingTags, size: Int, from: Int64
  ) throws(DeviceError) -> (position: RingPosition, bracket: Bracket) {
    let request = WriteSlots(
      data: ring.data, index: ring.index, cycle: ring.cycle, size: size, from: from, type: "i32")
    let reply = try link.exchange(
      "tdt.write", request, blob: [UnsafeRawBufferPointer(words)], limit: TimeLimit.poll,
      as: SlotsWritten.self)
    guard reply.body.written == words.count else {
      throw error(
        "tdt.write", .capacity,
        "\(reply.body.written) of \(words.count) slots fit ahead of what is played")
    }
    let position = RingPosition(cycle: reply.body.cycle ?? 0, index: reply.body.index ?? 0)
    return (position, try link.bracket(reply.body.at, reply, "tdt.write"))
  }

  public func reconnect() throws(DeviceError) {
    // A command that fails at once is not to be started twenty times a second.
    if let lastAttempt { timekeeper.sleep(until: lastAttempt + TimeLimit.betweenAttempts) }
    lastAttempt = timekeeper.now
    try open(attach: true)
  }

  public func close() {
    // A circuit that cannot be reached is left as it is.
    _ = try? halt()
    link.close()
  }

  private func error(_ call: String, _ code: DeviceError.Code, _ message: String) -> DeviceError {
    DeviceError(device: link.device, call: call, code: code, message: message)
  }
}

extension BridgedCircuit {
  public func poll(_ poll: inout Poll) throws(DeviceError) {
    let op = "tdt.poll"
    let rings = poll.rings.map { ring in
      PollRequest.Ring(
        data: ring.tags.data, index: ring.tags.index, cycle: ring.tags.cycle,
        from: Self.onTheWire(ring.from), maximumSlots: Int64(ring.destination.count),
        size: ring.size)
    }
    let request = PollRequest(
      latch: poll.latch.map { TriggerName(.software($0)) }, buffers: rings,
      tags: poll.tags.filter(scalars.contains))
    let reply = try link.exchange(
      op, request, limit: min(TimeLimit.poll, poll.patience), as: PollReply.self)
    guard reply.body.buffers.count == rings.count else {
      throw link.violation(op, "\(reply.body.buffers.count) buffers instead of \(rings.count)")
    }
    for (number, found) in reply.body.buffers.enumerated() {
      try take(found, &poll.rings[number])
    }
    try deliver(reply.frame, &poll)
    poll.firstLatch = try link.bracket(reply.body.at, reply, op)
    poll.secondLatch = try link.bracket(reply.body.at2, reply, op)
    try assign(reply.body.values, of: poll.tags, to: &poll.values, op)
    try link.burstIfDue()
  }

  /// JSON numbers and the bridge's arithmetic end before Int64 does.
  private static func onTheWire(_ slot: Int64) -> Int64 { min(max(0, slot), Bounds.position) }

  private func take(_ found: PollReply.Ring, _ ring: inout Poll.Ring) throws(DeviceError) {
    let op = "tdt.poll"
    guard found.count >= 0, found.count <= ring.destination.count,
      (0..<1 << 32).contains(found.index), (0..<1 << 32).contains(found.index2),
      (0..<1 << 30).contains(found.cycle ?? 0), (0..<1 << 30).contains(found.cycle2 ?? 0)
    else { throw link.violation(op, "impossible numbers for \(ring.tags.data)") }
    ring.first = RingPosition(cycle: found.cycle ?? 0, index: found.index)
    ring.second = RingPosition(cycle: found.cycle2 ?? 0, index: found.index2)
    // The cursor is the host's: a reply for another one is dropped.
    let asked = Self.onTheWire(ring.from)
    let position = ring.first.slots(size: ring.size)
    let expected = ring.tags.cycle == nil ? asked : max(asked, position - Int64(ring.size))
    guard found.from == expected else {
      throw error(
        op, .readFailed,
        "\(ring.tags.data): words from slot \(found.from), the cursor is at \(expected)")
    }
    ring.start = found.from == asked ? ring.from : found.from
    ring.count = found.count
  }

  /// The one copy of the words on their way into the rings' destinations.
  private func deliver(_ frame: Frame, _ poll: inout Poll) throws(DeviceError) {
    let words = poll.rings.reduce(0) { $0 + $1.count }
    guard frame.blobCount == 4 * words else {
      throw link.violation("tdt.poll", "\(frame.blobCount) bytes for \(words) words")
    }
    frame.withBlob { blob in
      var place = 0
      for ring in poll.rings where ring.count > 0 {
        let bytes = UnsafeRawBufferPointer(rebasing: blob[place..<place + 4 * ring.count])
        UnsafeMutableRawBufferPointer(ring.destination).copyMemory(from: bytes)
        place += 4 * ring.count
      }
    }
  }
}
