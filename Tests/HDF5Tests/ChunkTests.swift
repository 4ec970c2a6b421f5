import HDF5
import Testing

@Suite struct ChunkTests {
  @Test("A whole chunk is stored as given; a last one may be longer than its rows")
  func stored() throws {
    let file = try written { file in
      let dataset = try file.createGrowing("/x", of: .int16, columns: 2, chunkRows: 2)
      try dataset.setRows(3)
      try write([1, 2, 3, 4], to: dataset, atRow: 0)
      try write([5, 6, 0, 0], to: dataset, atRow: 2)
    }
    #expect(try file.read("/x") == [Int16(1), 2, 3, 4, 5, 6])
    #expect(try file.storedChunks(of: "/x") == [true, true])
  }

  @Test("Chunks left out read as zeros and are told apart from stored ones")
  func leftOut() throws {
    let file = try written { file in
      let dataset = try file.createGrowing("/x", of: .int16, chunkRows: 2)
      try dataset.setRows(7)
      try write([3, 4], to: dataset, atRow: 2)
      try write([0, 0], to: dataset, atRow: 6)
    }
    #expect(try file.read("/x") == [Int16(0), 0, 3, 4, 0, 0, 0])
    #expect(try file.storedChunks(of: "/x") == [false, true, false, true])
  }

  @Test("A chunk compressed elsewhere is read through libhdf5's filters")
  func compressed() throws {
    let file = try written { file in
      let dataset = try file.createGrowing(
        "/x", of: .int16, columns: 2, chunkRows: 2, filters: [.shuffle, .deflate(level: 1)])
      try dataset.setRows(6)
      // 0x0102, 0x0304, 0x0506, 0x0708: the low bytes first, then the high ones.
      let shuffled: [UInt8] = [0x02, 0x04, 0x06, 0x08, 0x01, 0x03, 0x05, 0x07]
      try zlibStored(shuffled).withUnsafeBytes { try dataset.writeChunk($0, atRow: 0) }
      // Left out: deflate, the second filter.
      try shuffled.withUnsafeBytes { try dataset.writeChunk($0, atRow: 2, filterMask: 0b10) }
      // Left out: both.
      try write([1, 2, 3, 4], to: dataset, atRow: 4, filterMask: 0b11)
    }
    let once: [Int16] = [0x0102, 0x0304, 0x0506, 0x0708]
    #expect(try file.read("/x") == once + once + [1, 2, 3, 4])
  }

  @Test("A chunk of the wrong place or size is refused")
  func refusals() throws {
    let file = try written { file in
      let dataset = try file.createGrowing("/x", of: .int16, chunkRows: 2)
      try dataset.setRows(4)
      for row in [-2, 1, 4] {
        expectFailure(
          "cannot write a chunk of /x: row \(row) does not begin a chunk of 2 among its 4 rows"
        ) { try write([1, 2], to: dataset, atRow: row) }
      }
      expectFailure("cannot write a chunk of /x: 6 bytes are not a chunk of 2 rows of 2") {
        try write([1, 2, 3], to: dataset, atRow: 0)
      }
    }
    #expect(try file.storedChunks(of: "/x") == [false, false])
  }

  private func write(
    _ elements: [Int16], to dataset: GrowingDataset, atRow row: Int, filterMask: UInt32 = 0
  ) throws {
    try elements.withUnsafeBytes {
      try dataset.writeChunk($0, atRow: row, filterMask: filterMask)
    }
  }

  /// A zlib stream (RFC 1950) of one stored block (RFC 1951), for less than 64 KiB.
  private func zlibStored(_ bytes: [UInt8]) -> [UInt8] {
    var (a, b) = (UInt32(1), UInt32(0))
    for byte in bytes {
      a = (a + UInt32(byte)) % 65521
      b = (b + a) % 65521
    }
    let length = UInt16(bytes.count)
    return [0x78, 0x01, 0x01]
      + [length, ~length].flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] } + bytes
      + [b >> 8, b, a >> 8, a].map { UInt8(truncatingIfNeeded: $0) }
  }
}
