import Clocks
import Devices
import Samples

/// Where a tag of a simulated circuit leads.
enum TagPlace {
  case data(Int)
  case index(Int)
  case cycle(Int)
  case size(Int)
  case scaling(Int)
  case decimation(Int)
  case scalar
}

extension Trigger {
  /// The name of the line: `1` … `10`, `A`, `B`.
  var line: String {
    switch self {
    case .software(let number): "\(number)"
    case .zBusA: "A"
    case .zBusB: "B"
    }
  }
}

extension SimulatedCircuit {
  /// Every tag as the device lists it, and where each leads.
  static func list(
    _ stores: [SimulatedStore], _ scalars: [String: Float], _ types: [String: TagType],
    isLatched: Bool
  ) -> ([TagInfo], [String: TagPlace]) {
    var tags: [TagInfo] = []
    var directory: [String: TagPlace] = [:]
    func add(_ name: String?, _ type: TagType, _ size: Int, _ place: TagPlace) {
      guard let name, directory[name] == nil else { return }
      directory[name] = place
      if !name.hasPrefix("%") { tags.append(TagInfo(name: name, type: type, size: size)) }
    }
    for (number, store) in stores.enumerated() {
      let position: TagType = isLatched && store.kind != .output ? .latch : .integer
      add(store.data, .buffer, store.maximumSlots, .data(number))
      add(store.index, position, 1, .index(number))
      add(store.size, .integer, 1, .size(number))
      add(store.scaling, .float, 1, .scaling(number))
      add(store.cycle, position, 1, .cycle(number))
      add(store.decimation, .integer, 1, .decimation(number))
    }
    for name in scalars.keys.sorted() { add(name, types[name] ?? .float, 1, .scalar) }
    return (tags, directory)
  }

  /// Reads one scalar tag: a call of its own within the call under way.
  func readScalar(_ tag: String, _ call: inout Call) -> Float {
    let moment = call.takes(latency.scalar())
    advance(to: moment)
    return switch directory[tag] {
    case .scalar: scalars[tag] ?? .nan
    case .index(let store): Float(position(of: store, at: moment).index)
    case .cycle(let store): Float(position(of: store, at: moment).cycle)
    case .size(let store): Float(stores[store].timeline.size)
    case .scaling(let store): Float(stores[store].timeline.scalingFactor)
    case .decimation(let store): Float(stores[store].timeline.decimation)
    case .data, nil: .nan
    }
  }

  /// What a store's index and cycle tags say at a moment.
  func position(of store: Int, at moment: Nanoseconds) -> RingPosition {
    let store = stores[store]
    if latchTrigger != nil, store.store.kind != .output { return store.latched }
    return livePosition(of: store, at: moment)
  }

  func livePosition(of store: CircuitStore, at moment: Nanoseconds) -> RingPosition {
    guard let oscillator else { return RingPosition(cycle: 0, index: 0) }
    return store.timeline.position(at: oscillator.tick(at: moment))
  }

  /// Why a tag cannot take a value; nil if it can. A scaling factor can be anything: that it makes
  /// no sense is for the host to find out.
  func refusal(
    of value: Double, for tag: String
  ) -> (code: DeviceError.Code, message: String)? {
    let isWhole = value == value.rounded() && abs(value) < 0x1p31
    switch directory[tag] {
    case .scalar, .scaling: return nil
    case .size(let number):
      let store = stores[number].store
      guard isWhole, value >= 1, Int(value) <= store.maximumSlots,
        Int(value) % store.format.slotsPerUnit == 0
      else {
        return (
          .badArgument,
          "size \(value) is not allowed: 1 … \(store.maximumSlots) slots in whole frames"
        )
      }
    case .decimation:
      guard isWhole, value >= 1 else {
        return (.badArgument, "decimation \(value) is not a whole number from 1")
      }
    case .data, .index, .cycle: return (.badArgument, "\(tag) is written by the circuit")
    case nil: return (.noSuchTag, "the circuit has no tag \(tag)")
    }
    return nil
  }

  /// Sets a tag at a moment, unless it is refused.
  func write(_ tag: String, _ value: Double, at moment: Nanoseconds) {
    guard refusal(of: value, for: tag) == nil else { return }
    let tick = oscillator?.tick(at: moment)
    keepPlayed(to: tick)
    switch directory[tag] {
    case .scalar: scalars[tag] = Float(value)
    case .size(let store): stores[store].timeline.set(at: tick, size: Int(value))
    case .scaling(let store):
      stores[store].timeline.set(at: tick, scalingFactor: Double(Float(value)))
    case .decimation(let store): stores[store].timeline.set(at: tick, decimation: Int(value))
    case .data, .index, .cycle, nil: break
    }
  }
}
