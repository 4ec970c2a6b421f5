import Clocks
import Devices

struct OpenCircuit: Codable {
  var model: String
  var index: Int
  var interface: String?
  var circuit: String?
  var rateCode: Int?
  var attach: Bool?

  enum CodingKeys: String, CodingKey {
    case model, index, interface, circuit, attach
    case rateCode = "rate_code"
  }
}

struct OpenCircuitReply: Codable {
  struct Tag: Codable {
    var name: String
    /// The number of `RPco.X.GetTagType`.
    var type: Int
    var size: Int
  }

  var fs: Double
  var status: Int
  var tags: [Tag]
}

struct CircuitHealth: Codable {
  var status: Int
  var cycleUsage: Int

  enum CodingKeys: String, CodingKey {
    case status
    case cycleUsage = "cycle_usage"
  }
}

struct TagNames: Codable {
  var tags: [String]
}

/// nil: not a number.
struct TagReadings: Codable {
  var values: [Double?]
}

struct TagSettings: Codable {
  var tags: [String: Double]
}

struct TagsSet: Codable {
  var ok: [Bool]
}

/// 1 … 10, "A" or "B".
struct TriggerName: Codable {
  var trigger: Trigger

  init(_ trigger: Trigger) { self.trigger = trigger }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Int.self), 1...10 ~= number {
      trigger = .software(number)
    } else if let name = try? container.decode(String.self), name == "A" || name == "B" {
      trigger = name == "A" ? .zBusA : .zBusB
    } else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "a trigger is 1 … 10, \"A\" or \"B\"")
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch trigger {
    case .software(let number): try container.encode(number)
    case .zBusA: try container.encode("A")
    case .zBusB: try container.encode("B")
    }
  }
}

struct FireTrigger: Codable {
  var trigger: TriggerName
  var mode: String
}

struct PollRequest: Codable {
  struct Ring: Codable {
    var data: String
    var index: String
    var cycle: String?
    /// Absolute slot.
    var from: Int64
    var maximumSlots: Int64
    var size: Int

    enum CodingKeys: String, CodingKey {
      case data, index, cycle, from, size
      case maximumSlots = "max_slots"
    }
  }

  var latch: TriggerName?
  var buffers: [Ring]
  var tags: [String]
}

struct PollReply: Codable {
  struct Ring: Codable {
    var index: Int
    /// nil: there is no cycle tag.
    var cycle: Int?
    var from: Int64
    var count: Int
    var index2: Int
    var cycle2: Int?
  }

  struct Words: Codable {
    var name: String
    var type: String
    var count: Int
  }

  var buffers: [Ring]
  var at: [Nanoseconds]
  var at2: [Nanoseconds]
  var values: [Double?]
  var arrays: [Words]?
}

struct WriteSlots: Codable {
  var data: String
  var index: String?
  var cycle: String?
  var size: Int?
  var from: Int64
  /// f32 or i32.
  var type: String
}

struct SlotsWritten: Codable {
  var index: Int?
  var cycle: Int?
  var written: Int
  var at: [Nanoseconds]
}
