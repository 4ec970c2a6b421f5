import Clocks
import Devices
import Foundation

/// The protocol's version.
let protocolVersion = 1

/// Bounds of what a request may hold, on both sides.
enum Bounds {
  /// Absolute slots and samples.
  static let position: Int64 = 1 << 62
  static let buffers = 64
  static let tags = 256
  static let chunks = 64
  /// What a poll's reply keeps free for its JSON, bytes.
  static let jsonRoom = 1 << 20
  /// Requests read and not yet answered; beyond it the answer is `busy`.
  static let outstanding = 8
}

struct Nothing: Codable, Sendable {}

/// `{"id", "op"}` and the members of `body`.
struct Request<Body: Encodable>: Encodable {
  let id: Int64
  let op: String
  let body: Body

  enum Key: CodingKey { case id, op }

  func encode(to encoder: any Encoder) throws {
    try body.encode(to: encoder)
    var members = encoder.container(keyedBy: Key.self)
    try members.encode(id, forKey: .id)
    try members.encode(op, forKey: .op)
  }
}

struct RequestHead: Decodable {
  let id: Int64
  let op: String
}

/// `{"id", "t"}` and the members of `body`.
struct Reply<Body: Encodable>: Encodable {
  let id: Int64
  let t: [Nanoseconds]
  let body: Body

  enum Key: CodingKey { case id, t }

  func encode(to encoder: any Encoder) throws {
    try body.encode(to: encoder)
    var members = encoder.container(keyedBy: Key.self)
    try members.encode(id, forKey: .id)
    try members.encode(t, forKey: .t)
  }
}

struct Refusal: Codable {
  struct Reason: Codable {
    let code: String
    let message: String
    let fatal: Bool?
  }

  /// nil: what came could not be understood far enough to have one.
  let id: Int64?
  let error: Reason

  init(id: Int64?, _ code: DeviceError.Code, _ message: String, fatal: Bool = false) {
    self.id = id
    // The protocol knows no `disconnected`: to its host the driver has failed.
    let code = code == .disconnected ? DeviceError.Code.driver : code
    error = Reason(code: code.rawValue, message: message, fatal: fatal)
  }
}

/// Something said unasked for.
struct Event: Codable {
  let event: String
  let message: String
  let t: Nanoseconds
}

/// What any message from a bridge may hold, to tell what it is.
struct ReplyHead: Decodable {
  let id: Int64?
  /// Of a reply; an event has one number.
  let t: [Nanoseconds]?
  let error: Refusal.Reason?
  let event: String?
  let message: String?

  enum CodingKeys: CodingKey { case id, t, error, event, message }

  init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: CodingKeys.self)
    event = try members.decodeIfPresent(String.self, forKey: .event)
    message = try members.decodeIfPresent(String.self, forKey: .message)
    error = try members.decodeIfPresent(Refusal.Reason.self, forKey: .error)
    let isReply = event == nil
    id = isReply ? try members.decodeIfPresent(Int64.self, forKey: .id) : nil
    t = isReply ? try members.decodeIfPresent([Nanoseconds].self, forKey: .t) : nil
  }
}

struct Hello: Encodable, Decodable {
  let proto: Int
}

struct HelloReply: Codable {
  let proto: Int
  let bridge: String
  let platform: String
  let device: String
  let capabilities: [String]
}

struct At: Codable {
  let at: [Nanoseconds]
}

/// One number for all channels, or one each.
struct PerChannel: Codable {
  let values: [Double]

  init(_ values: [Double]) { self.values = values }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(Double.self) {
      values = [value]
    } else {
      values = try container.decode([Double].self)
    }
  }

  func encode(to encoder: any Encoder) throws { try values.encode(to: encoder) }

  func expanded(to channels: Int) -> [Double] {
    values.count == 1 ? Array(repeating: values[0], count: channels) : values
  }
}

extension Frame {
  func decoded<Message: Decodable>(_ type: Message.Type = Message.self) throws -> Message {
    try JSONDecoder().decode(type, from: Data(json))
  }
}

extension Error {
  /// What a decoder found wrong, in one line.
  var jsonComplaint: String {
    guard let error = self as? DecodingError else { return "\(self)" }
    switch error {
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .dataCorrupted(let context):
      return path(context.codingPath) + context.debugDescription
    case .keyNotFound(let key, let context):
      return path(context.codingPath) + "\(key.stringValue) is missing"
    @unknown default: return "\(error)"
    }
  }

  private func path(_ keys: [any CodingKey]) -> String {
    let names = keys.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
    return names.isEmpty ? "" : names.joined(separator: ".") + ": "
  }
}
