import Clocks
import Devices
import Samples

/// A halted circuit that is nothing but a table of tags and a memory to write to.
final class TableCircuit: Circuit {
  let deviceDescription = "table"
  let rate: Double
  var tags: [TagInfo]
  var scalars: [String: Float]
  /// What was written, by slot.
  private(set) var memory: [UInt32] = []
  /// What was set, in order.
  private(set) var settings: [String] = []

  init(rate: Double = 24414.0625, tags: [TagInfo], scalars: [String: Float] = [:]) {
    self.rate = rate
    self.tags = tags
    self.scalars = scalars
  }

  /// A circuit with one buffer and every customary tag.
  static func with(
    _ data: String = "lfp", slots: Int = 4000, scale: Float = 1, decimation: Float = 1,
    rate: Double = 24414.0625
  ) -> TableCircuit {
    let scalars: [String: Float] = [
      "_i": 0, "_n": Float(slots), "_sf": scale, "_c": 0, "_d": decimation,
    ]
    return TableCircuit(
      rate: rate,
      tags: [TagInfo(name: data, type: .buffer, size: slots)]
        + scalars.keys.sorted().map { TagInfo(name: data + $0, type: .float, size: 1) },
      scalars: Dictionary(uniqueKeysWithValues: scalars.map { (data + $0.key, $0.value) }))
  }

  /// The same without one tag.
  func without(_ tag: String) -> TableCircuit {
    tags.removeAll { $0.name == tag }
    return self
  }

  func run() {}
  func halt() {}
  func health() -> (status: CircuitStatus, cycleUsage: Int) { ([.connected, .loaded], 0) }
  func values(of tags: [String]) -> [Float] { tags.map { scalars[$0] ?? .nan } }

  func set(_ tag: String, to value: Float) {
    scalars[tag] = value
    settings.append("\(tag) \(value)")
  }

  func fire(_ trigger: Trigger, mode: TriggerMode) -> Bracket { Bracket(before: 0, after: 0) }
  func poll(_ poll: inout Poll) {}

  func write(
    _ words: UnsafeBufferPointer<UInt32>, to ring: RingTags, size: Int, from: Int64
  ) -> (position: RingPosition, bracket: Bracket) {
    if memory.isEmpty { memory = Array(repeating: 0, count: tags.map(\.size).max() ?? 0) }
    for (place, word) in words.enumerated() { memory[(Int(from) + place) % size] = word }
    return (RingPosition(cycle: 0, index: 0), Bracket(before: 0, after: 0))
  }

  func reconnect() {}
  func close() {}
}
