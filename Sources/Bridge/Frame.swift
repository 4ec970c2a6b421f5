/// One message of the bridge protocol: JSON, and bytes that JSON has no good word for.
///
/// On the wire, little-endian: `DQB1`, JSON length, blob length, crc32 of both (u32 each), JSON,
/// blob.
struct Frame: Sendable {
  /// JSON and blob together, bytes.
  static let largest = 16 << 20
  static let headerSize = 16
  static let magic: [UInt8] = Array("DQB1".utf8)

  private let payload: [UInt8]
  private let jsonCount: Int

  init(payload: [UInt8], jsonCount: Int) {
    self.payload = payload
    self.jsonCount = jsonCount
  }

  var json: ArraySlice<UInt8> { payload[..<jsonCount] }
  var blobCount: Int { payload.count - jsonCount }

  func withBlob<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    payload.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[jsonCount...])) }
  }
}

/// The stream is out of step, or a frame cannot be made. It cannot be trusted again.
enum FrameError: Error, Equatable, CustomStringConvertible {
  /// What stands where a frame should begin.
  case badMagic([UInt8])
  case tooLong(Int)
  case badChecksum(found: UInt32, stated: UInt32)

  var description: String {
    switch self {
    case .badMagic(let bytes):
      "not a frame: it begins with \"\(Self.printable(bytes))\""
    case .tooLong(let count):
      "a frame of \(count) bytes is over the limit of \(Frame.largest)"
    case .badChecksum(let found, let stated):
      "crc32 is \(Self.hex(found)), the frame says \(Self.hex(stated))"
    }
  }

  private static func hex(_ number: UInt32) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  private static func printable(_ bytes: [UInt8]) -> String {
    String(bytes.map { 32..<127 ~= $0 ? Character(Unicode.Scalar($0)) : "·" })
  }
}

/// Builds frames, one after the other, in memory it keeps.
struct FrameEncoder {
  private(set) var bytes: [UInt8] = []
  private var jsonCount = 0

  /// Begins a frame; blobs may follow.
  mutating func begin(json: some Collection<UInt8>) {
    bytes.removeAll(keepingCapacity: true)
    bytes.append(contentsOf: repeatElement(0, count: Frame.headerSize))
    bytes.append(contentsOf: json)
    jsonCount = bytes.count - Frame.headerSize
  }

  mutating func append(_ blob: UnsafeRawBufferPointer) { bytes.append(contentsOf: blob) }

  /// Writes the header: `bytes` is then a frame.
  mutating func finish() throws(FrameError) {
    let count = bytes.count - Frame.headerSize
    guard count <= Frame.largest else { throw .tooLong(count) }
    let jsonCount = UInt32(jsonCount)
    bytes.withUnsafeMutableBytes { bytes in
      let crc = Checksum.crc32(UnsafeRawBufferPointer(rebasing: bytes[Frame.headerSize...]))
      bytes.copyBytes(from: Frame.magic)
      let numbers = [jsonCount, UInt32(count) - jsonCount, crc]
      for (place, number) in numbers.enumerated() {
        bytes.storeBytes(of: number.littleEndian, toByteOffset: 4 + 4 * place, as: UInt32.self)
      }
    }
  }
}

/// Takes frames out of a stream of bytes, however it is cut up.
///
/// It asks for no byte beyond the frame it is in, and allocates no more than twice what has come
/// (and 64 KiB), never more than ``Frame/largest``: a made-up length costs nothing. After an error it
/// is of no use.
struct FrameDecoder {
  private var header: [UInt8] = []
  private var payload: [UInt8] = []
  private var stated: (jsonCount: Int, count: Int, crc: UInt32)?
  private var filled = 0

  /// Whether part of a frame has come.
  var isInFrame: Bool { stated != nil || filled > 0 }

  init() { header = [UInt8](repeating: 0, count: Frame.headerSize) }

  /// Lets `source` write the next bytes and say how many they are; it is called once.
  mutating func fill(_ source: (UnsafeMutableRawBufferPointer) -> Int) {
    if let stated, filled == payload.count {
      let room = min(stated.count, max(1 << 16, 2 * filled))
      payload += [UInt8](repeating: 0, count: room - filled)
    }
    let filled = filled
    func next(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
      source(UnsafeMutableRawBufferPointer(rebasing: bytes[filled...]))
    }
    self.filled +=
      stated == nil ? header.withUnsafeMutableBytes(next) : payload.withUnsafeMutableBytes(next)
  }

  /// The frame that is complete, once; nil: more bytes are needed.
  mutating func next() throws(FrameError) -> Frame? {
    if stated == nil { try readHeader() }
    guard let (jsonCount, count, crc) = stated, filled == count else { return nil }
    let found = payload.withUnsafeBytes(Checksum.crc32)
    guard found == crc else { throw .badChecksum(found: found, stated: crc) }
    let frame = Frame(payload: payload, jsonCount: jsonCount)
    (payload, stated, filled) = ([], nil, 0)
    return frame
  }

  private mutating func readHeader() throws(FrameError) {
    // Rubbish is known by its first byte: it may never be long enough for a header.
    guard header.prefix(min(filled, 4)).elementsEqual(Frame.magic.prefix(filled)) else {
      throw .badMagic(Array(header.prefix(filled)))
    }
    guard filled == Frame.headerSize else { return }
    let jsonCount = Int(number(at: 4))
    let count = jsonCount + Int(number(at: 8))
    guard count <= Frame.largest else { throw .tooLong(count) }
    stated = (jsonCount, count, number(at: 12))
    filled = 0
  }

  private func number(at place: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(header[place + $1]) << (8 * UInt32($1)) }
  }
}
