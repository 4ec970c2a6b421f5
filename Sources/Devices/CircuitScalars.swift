/// The value of a scalar tag, typed as the circuit types it.
public enum ScalarValue: Sendable, Equatable {
  case logic(Bool)
  case integer(Int)
  case float(Float)
}

extension Circuit {
  /// Scalars travel as float32: whole numbers beyond this are rounded.
  private var mostInteger: Int { 1 << 24 }

  /// The value of a scalar tag by its type.
  ///
  /// - Throws: ``DeviceError`` when there is no such scalar, when the device has no value, or for a
  ///   whole number beyond 2^24, which would be a rounded one.
  public func scalar(_ tag: String) throws(DeviceError) -> ScalarValue {
    let call = "GetTagVal \(tag)"
    let type = try scalarType(tag, for: call)
    let value = try values(of: [tag]).first ?? .nan
    guard !value.isNaN else { throw error(call, .readFailed, "the device has no value") }
    switch type {
    case .logic: return .logic(value != 0)
    case .integer, .latch:
      guard abs(value) <= Float(mostInteger) else {
        throw error(
          call, .readFailed, "\(value) is beyond 2^24, where whole numbers arrive rounded")
      }
      return .integer(Int(value.rounded()))
    default: return .float(value)
    }
  }

  /// Sets a scalar tag, checking the value against the tag's type.
  ///
  /// - Throws: ``DeviceError`` when there is no such scalar, for a logic value other than 0 and 1,
  ///   for an integer that is not whole or beyond 2^24, for a value that float32 cannot hold, and
  ///   for what the device refuses.
  public func setScalar(_ tag: String, to value: Double) throws(DeviceError) {
    let call = "SetTagVal \(tag)"
    let type = try scalarType(tag, for: call)
    let refusal: String? =
      switch type {
      case .logic where value != 0 && value != 1: "a logic tag takes 0 or 1"
      case .integer where value != value.rounded() || abs(value) > Double(mostInteger):
        "an integer tag takes whole numbers from -16777216 to 16777216"
      case .latch: "a latch's output cannot be set"
      case _ where !Float(value).isFinite: "a tag takes finite float32 numbers"
      default: nil
      }
    if let refusal { throw error(call, .badArgument, "\(value) is not allowed: \(refusal)") }
    try set(tag, to: Float(value))
  }

  /// The names of the scalar tags, for messages.
  public var scalarNames: String {
    let names = tags.filter(\.type.isScalar).map(\.name).sorted()
    return names.isEmpty ? "none" : names.joined(separator: ", ")
  }

  /// The type of a scalar tag; `call` says what it is wanted for.
  ///
  /// - Returns: integer, float, logic or latch.
  /// - Throws: ``DeviceError`` when there is no such scalar.
  @discardableResult
  public func scalarType(_ tag: String, for call: String) throws(DeviceError) -> TagType {
    guard let info = tags.first(where: { $0.name == tag }), info.type != .absent else {
      throw error(call, .noSuchTag, "the circuit has no tag \(tag); its scalars are \(scalarNames)")
    }
    guard info.type.isScalar else {
      throw error(call, .badArgument, "\(tag) is no scalar but a \(info.type)")
    }
    return info.type
  }

  private func error(
    _ call: String, _ code: DeviceError.Code, _ message: String
  ) -> DeviceError {
    DeviceError(device: deviceDescription, call: call, code: code, message: message)
  }
}
