/// Takes little-endian numbers from bytes, front to back.
struct ByteReader {
  private let bytes: [UInt8]
  private(set) var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var remaining: Int { bytes.count - offset }

  /// Moves on, at most to the end.
  mutating func skip(_ count: Int) { offset = min(bytes.count, offset + count) }

  mutating func bytes(_ count: Int) throws(ArrayFileError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else {
      throw ArrayFileError("the file ends early: \(count) bytes wanted, \(remaining) left")
    }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  mutating func integer<Number: FixedWidthInteger & UnsignedInteger>(
    _ type: Number.Type
  ) throws(ArrayFileError) -> Number {
    try bytes(MemoryLayout<Number>.size).reversed().reduce(0) { $0 << 8 | Number($1) }
  }

  /// Elements without padding, as a little-endian host lays them out.
  mutating func array<Element: BitwiseCopyable>(
    _ count: Int, of type: Element.Type
  ) throws(ArrayFileError) -> [Element] {
    let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.size)
    guard !overflow else { throw ArrayFileError("\(count) elements are too many") }
    let source = try bytes(size)
    return [Element](unsafeUninitializedCapacity: count) { buffer, filled in
      UnsafeMutableRawBufferPointer(buffer).copyBytes(from: source)
      filled = count
    }
  }
}
