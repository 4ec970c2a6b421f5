/// An array of a `.npy` file, [frame] or [frame, channel].
///
/// Format: numpy.lib.format, versions 1 to 3. Little-endian float32, float64 and int16 in C order.
public struct NumpyArray: Sendable, Equatable {
  /// Elements, frame by frame.
  public enum Elements: Sendable, Equatable {
    case float32([Float])
    case float64([Double])
    case int16([Int16])

    public var count: Int {
      switch self {
      case .float32(let values): values.count
      case .float64(let values): values.count
      case .int16(let values): values.count
      }
    }
  }

  public let frames: Int
  /// 1 for an array of one dimension.
  public let channels: Int
  public let elements: Elements

  /// - Precondition: `elements.count` is a multiple of `channels`, which is at least 1.
  public init(elements: Elements, channels: Int) {
    precondition(channels > 0 && elements.count % channels == 0, "a frame is incomplete")
    self.frames = elements.count / channels
    self.channels = channels
    self.elements = elements
  }

  /// Every element as a Float, frame by frame.
  public var floats: [Float] {
    switch elements {
    case .float32(let values): values
    case .float64(let values): values.map { Float($0) }
    case .int16(let values): values.map { Float($0) }
    }
  }

  /// Reads a whole file's bytes.
  public init(parsing bytes: [UInt8]) throws(ArrayFileError) {
    var reader = ByteReader(bytes)
    guard bytes.starts(with: [0x93] + Array("NUMPY".utf8)), bytes.count >= 10 else {
      throw ArrayFileError("not a .npy file: it does not begin with \\x93NUMPY")
    }
    reader.skip(6)
    let version = try reader.integer(UInt8.self)
    reader.skip(1)
    guard (1...3).contains(version) else {
      throw ArrayFileError("version \(version) of the .npy format is not known; 1 to 3 are")
    }
    let headerLength =
      version == 1
      ? Int(try reader.integer(UInt16.self)) : Int(try reader.integer(UInt32.self))
    let header = NumpyHeader(String(decoding: try reader.bytes(headerLength), as: UTF8.self))
    let shape = try header.shape()
    try self.init(header: header, shape: shape, reader: &reader)
  }

  private init(
    header: NumpyHeader, shape: [Int], reader: inout ByteReader
  ) throws(ArrayFileError) {
    guard (1...2).contains(shape.count) else {
      throw ArrayFileError(
        "the array has \(shape.count) dimensions; [frame] or [frame, channel] is wanted")
    }
    let channels = shape.count == 2 ? shape[1] : 1
    guard channels > 0 else { throw ArrayFileError("the array has no channels") }
    guard try !header.isFortranOrder() || shape.count == 1 || channels == 1 else {
      throw ArrayFileError("the array is in Fortran order; save it with order='C'")
    }
    let (count, overflow) = shape[0].multipliedReportingOverflow(by: channels)
    guard !overflow else { throw ArrayFileError("the array's shape is too large") }
    switch try header.descriptor() {
    case "<f4": elements = .float32(try reader.array(count, of: Float.self))
    case "<f8": elements = .float64(try reader.array(count, of: Double.self))
    case "<i2": elements = .int16(try reader.array(count, of: Int16.self))
    case let other:
      throw ArrayFileError(
        "elements of type \(other) are not read; float32 (<f4), float64 (<f8), int16 (<i2) are")
    }
    self.frames = shape[0]
    self.channels = channels
  }

  /// The bytes of a file of version 1, always [frame, channel], its data aligned to 64 bytes.
  public var serialized: [UInt8] {
    let descriptor =
      switch elements {
      case .float32: "<f4"
      case .float64: "<f8"
      case .int16: "<i2"
      }
    var bytes = Self.header(descriptor: descriptor, frames: frames, channels: channels)
    switch elements {
    case .float32(let values): values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    case .float64(let values): values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    case .int16(let values): values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
    return bytes
  }

  /// Everything before the data, for writers that stream it.
  public static func header(descriptor: String, frames: Int, channels: Int) -> [UInt8] {
    let text =
      "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(frames), \(channels)), }"
    // Magic, version and length take 10 bytes; a line feed ends the header.
    let padding = (64 - (10 + text.utf8.count + 1) % 64) % 64
    let length = UInt16(text.utf8.count + padding + 1)
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    bytes += [UInt8(truncatingIfNeeded: length), UInt8(truncatingIfNeeded: length >> 8)]
    bytes += Array(text.utf8) + [UInt8](repeating: 0x20, count: padding) + [0x0A]
    return bytes
  }
}

/// What is wrong with an array or sound file.
public struct ArrayFileError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}

/// The three entries of the dictionary literal that heads a `.npy` file.
private struct NumpyHeader {
  private let text: String

  init(_ text: String) { self.text = text }

  func descriptor() throws(ArrayFileError) -> String {
    let value = try value(of: "descr")
    guard let quote = value.first, quote == "'" || quote == "\"" else {
      throw ArrayFileError("arrays of records are not read")
    }
    return String(value.dropFirst().prefix { $0 != quote })
  }

  func isFortranOrder() throws(ArrayFileError) -> Bool {
    try value(of: "fortran_order").hasPrefix("True")
  }

  func shape() throws(ArrayFileError) -> [Int] {
    let value = try value(of: "shape")
    guard value.first == "(", let end = value.firstIndex(of: ")") else {
      throw ArrayFileError("the header's shape is not a tuple")
    }
    var shape: [Int] = []
    for part in value[..<end].dropFirst().split(separator: ",") {
      let digits = part.filter { $0 != " " }
      if digits.isEmpty { continue }
      guard let number = Int(digits), number >= 0 else {
        throw ArrayFileError("the header's shape is not made of whole numbers")
      }
      shape.append(number)
    }
    return shape
  }

  private func value(of key: String) throws(ArrayFileError) -> Substring {
    for quote in ["'", "\""] {
      let name = quote + key + quote
      guard let range = text.firstRange(of: name) else { continue }
      let rest = text[range.upperBound...].drop { $0 == " " }
      guard rest.first == ":" else { continue }
      return rest.dropFirst().drop { $0 == " " }
    }
    throw ArrayFileError("the header has no entry '\(key)'")
  }
}
