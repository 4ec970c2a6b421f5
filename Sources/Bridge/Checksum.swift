/// The CRC-32 of zlib, gzip and PNG (polynomial 0xEDB88320, reflected), eight bytes at a step.
enum Checksum {
  /// Eight tables of 256, one after the other: table k advances a byte past k more.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var value = UInt32(byte)
      for _ in 0..<8 { value = value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
      tables[byte] = value
    }
    for place in 256..<2048 {
      let before = tables[place - 256]
      tables[place] = before >> 8 ^ tables[Int(before & 0xFF)]
    }
    return tables
  }()

  static func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    tables.withUnsafeBufferPointer { tables in
      var crc: UInt32 = ~0
      var place = 0
      while place + 8 <= bytes.count {
        let word =
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
          ^ UInt64(crc)
        crc = 0
        for step in 0..<8 {
          crc ^= tables[(7 - step) << 8 | Int(truncatingIfNeeded: word >> (8 * step)) & 0xFF]
        }
        place += 8
      }
      while place < bytes.count {
        crc = crc >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[place])]
        place += 1
      }
      return ~crc
    }
  }
}
