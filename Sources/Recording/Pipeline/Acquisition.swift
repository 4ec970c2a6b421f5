import Clocks
import Devices
import Samples
import Synchronization

/// How many circuits still run.
final class LiveCount: Sendable {
  private let count: Atomic<Int>

  init(_ count: Int) { self.count = Atomic(count) }

  /// One ends; returns how many are left.
  func leave() -> Int { count.subtract(1, ordering: .acquiringAndReleasing).newValue }
}

/// The steps of a circuit's thread around its polling.
enum Acquisition {
  /// Sets the session's tags and looks at every buffer.
  static func look(at circuit: any Circuit, _ plan: CircuitPlan) throws -> OpenedCircuit {
    for (name, value) in plan.tags { try circuit.setScalar(name, to: value) }
    for tag in plan.watchedTags { try circuit.scalarType(tag, for: "watch_tags \(tag)") }
    let buffers = try plan.buffers.map { try BufferAttributes(opening: $0.request, on: circuit) }
    if let epochs = plan.epochs, let buffer = buffers.first(where: { $0.name == epochs.buffer }) {
      try epochs.check(buffer, on: circuit)
    }
    let health = try circuit.health()
    return OpenedCircuit(
      deviceDescription: circuit.deviceDescription, rate: circuit.rate, tags: circuit.tags,
      buffers: buffers, status: health.status, cycleUsage: health.cycleUsage)
  }

  /// Reads a circuit until the session stops.
  ///
  /// - Returns: why it failed for good, or nil.
  static func run<Device: Circuit>(
    _ circuit: Device, _ plan: CircuitPlan, _ found: OpenedCircuit, _ outputs: [OutputPlayer],
    _ lanes: [SampleLane], _ timekeeper: any Timekeeper, _ context: AcquirerContext
  ) -> DeviceError? {
    var free = lanes[...]
    var scratch: [UnsafeMutableBufferPointer<UInt32>] = []
    defer { for words in scratch { words.deallocate() } }
    let rings = zip(plan.buffers, found.buffers).map { buffer, attributes -> OpenedRing in
      switch buffer.kind {
      case .samples(let series):
        return OpenedRing(
          name: attributes.name, attributes: attributes,
          reader: .samples(RingReader(attributes, isLatched: plan.latch != nil), series: series),
          stopsOnOverrun: buffer.stopsOnOverrun, lane: free.popFirst(),
          destination: UnsafeMutableBufferPointer(start: nil, count: 0))
      case .events(let table):
        // The whole ring at most: stamps are few.
        let words = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: attributes.slots)
        words.initialize(repeating: 0)
        scratch.append(words)
        return OpenedRing(
          name: attributes.name, attributes: attributes,
          reader: .events(StampReader(attributes), table: table),
          stopsOnOverrun: buffer.stopsOnOverrun, lane: nil, destination: words)
      }
    }
    var acquirer = Acquirer(
      plan: plan, circuit: circuit, rings: rings, outputs: outputs, timekeeper: timekeeper,
      context: context)
    return acquirer.run()
  }
}
