import HDF5
import NWB
import Samples
import Testing

/// Chunks hold 4 frames throughout.
@Suite("A series being written")
struct SeriesWriterTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path("series.nwb.h5")
  }

  private func create(filters: [Filter] = []) throws -> RecordingFile {
    var description = exampleDescription()
    description.series[0].filters = filters
    return try RecordingFile(creating: path, description)
  }

  /// The codes of frames of the counter signal; nil for a lost one.
  private func counters(_ frames: [Int?]) -> [Int16] {
    frames.flatMap { frame in
      (0..<2).map { channel in frame.map { counter($0, channel) } ?? 0 }
    }
  }

  private func stored() throws -> (samples: [Int16], chunks: [Bool]) {
    let reader = try ReadFile(reading: path)
    return (
      try reader.read("/acquisition/lfp/data"),
      try reader.storedChunks(of: "/acquisition/lfp/data")
    )
  }

  @Test(
    "is as long as its whole chunks while it runs, and exactly as long as its frames at the end")
  func extent() throws {
    let file = try create()
    let series = file.series[0]
    try series.appendCounter(0..<3)
    #expect((series.rows, series.rowsInFile, series.bytesWritten) == (3, 0, 0))
    try series.appendCounter(3..<10)
    #expect((series.rows, series.rowsInFile, series.bytesWritten) == (10, 8, 32))
    _ = try file.close()
    #expect(try stored().samples == counters(Array(0..<10)))
    #expect(try stored().chunks == [true, true, true])
  }

  @Test("takes frames that were decoded straight into its open chunk")
  func freeRows() throws {
    let file = try create()
    let series = file.series[0]
    try series.appendCounter(0..<3)
    #expect(series.freeRows.count == 4)
    series.freeRows.copyBytes(from: [3, 0, 235, 3])
    try series.commit(rows: 1)
    #expect(series.freeRows.count == 16)
    _ = try file.close()
    #expect(try stored().samples == counters(Array(0..<4)))
  }

  @Test("reads as zeros where frames were lost, and stores no chunk of nothing else")
  func gap() throws {
    let file = try create()
    let series = file.series[0]
    try series.appendCounter(0..<2)
    // Frames 2 and 3 of the first chunk, chunks 1 and 2, frame 12 of chunk 3.
    try series.skip(rows: 11)
    #expect(series.rows == 13)
    try series.appendCounter(13..<17)
    _ = try file.close()
    let expected = (0..<17).map { (2..<13).contains($0) ? nil : $0 }
    #expect(try stored().samples == counters(expected))
    #expect(try stored().chunks == [true, false, false, true, true])
  }

  @Test("ends with lost frames, without storing them")
  func lostEnd() throws {
    let file = try create()
    try file.series[0].appendCounter(0..<4)
    try file.series[0].skip(rows: 7)
    try file.flush()
    #expect(file.series[0].rowsInFile == 8)
    _ = try file.close()
    #expect(try stored().samples == counters([0, 1, 2, 3] + [Int?](repeating: nil, count: 7)))
    #expect(try stored().chunks == [true, false, false])
  }

  @Test("begins with lost frames, and skips none when asked for none")
  func lostBeginning() throws {
    let file = try create()
    try file.series[0].skip(rows: 0)
    try file.series[0].skip(rows: 4)
    try file.series[0].appendCounter(4..<6)
    _ = try file.close()
    #expect(try stored().samples == counters([nil, nil, nil, nil, 4, 5]))
    #expect(try stored().chunks == [false, true])
  }

  @Test("gives the same file however frames arrive", arguments: 0..<20)
  func arbitraryBlocks(seed: UInt64) throws {
    var generator = SeededGenerator(state: seed)
    let file = try create()
    var expected: [Int?] = []
    for _ in 0..<12 {
      let count = Int.random(in: 0...11, using: &generator)
      let frames = expected.count..<expected.count + count
      if Bool.random(using: &generator) {
        try file.series[0].appendCounter(frames)
        expected += frames.map(Optional.some)
      } else {
        try file.series[0].skip(rows: count)
        expected += frames.map { _ in nil }
      }
      if Bool.random(using: &generator) { try file.series[0].exposeOpenChunk() }
      if Bool.random(using: &generator) { try file.flush() }
    }
    _ = try file.close()
    let found = try stored()
    #expect(found.samples == counters(expected), "seed \(seed)")
    let whole = stride(from: 0, to: expected.count, by: 4).map { start in
      expected[start..<min(start + 4, expected.count)].contains { $0 != nil }
    }
    #expect(found.chunks == whole, "seed \(seed)")
  }

  @Test("shows the frames of an unfinished chunk when asked to, and goes on in it")
  func expose() throws {
    let file = try create(filters: [.shuffle, .deflate(level: 1)])
    let series = file.series[0]
    try series.appendCounter(0..<2)
    try series.exposeOpenChunk()
    #expect(series.rowsInFile == 2)
    try file.flush()
    let copy = try copied("exposed.nwb.h5")
    #expect(try copy.samples(of: "lfp", frames: 0..<2, as: Int16.self) == counters([0, 1]))
    try series.appendCounter(2..<5)
    #expect((series.rowsInFile, series.waitingChunks.count) == (4, 0))
    _ = try file.close()
    #expect(try stored().samples == counters(Array(0..<5)))
  }

  @Test("hands full chunks over to be compressed and stores them in their order")
  func filters() throws {
    let file = try create(filters: [.shuffle, .deflate(level: 1)])
    let series = file.series[0]
    try series.appendCounter(0..<11)
    #expect(series.waitingChunks.map(\.firstRow) == [0, 4])
    #expect(series.waitingChunks.map(\.rows) == [4, 4])
    #expect((series.rows, series.rowsInFile) == (11, 0))
    // Frames 0 to 3: the codes 0 1000, 1 1001, 2 1002, 3 1003; their low bytes, then their high
    // ones, in one stored block of a zlib stream.
    let shuffled: [UInt8] = [0, 232, 1, 233, 2, 234, 3, 235, 0, 3, 0, 3, 0, 3, 0, 3]
    let compressed = zlibStored(shuffled)
    let chunk = try compressed.withUnsafeBytes { try series.storeNext(compressed: $0) }
    #expect(series.bytesWritten == compressed.count)
    series.recycle(try #require(chunk))
    #expect((series.waitingChunks.count, series.rowsInFile) == (1, 4))
    _ = try file.close()
    #expect(try stored().samples == counters(Array(0..<11)))
  }

  @Test("is not extended over lost chunks before the ones ahead of them are stored")
  func waiting() throws {
    let file = try create(filters: [.shuffle, .deflate(level: 1)])
    let series = file.series[0]
    try series.appendCounter(0..<4)
    try series.skip(rows: 8)
    try file.flush()
    #expect(series.rowsInFile == 0)
    try series.storeNext(compressed: nil)
    try file.flush()
    #expect(series.rowsInFile == 12)
    #expect(try series.storeNext(compressed: nil) == nil)
  }

  @Test("stands at zero until the time of its first frame is known")
  func startingTime() throws {
    let file = try create()
    try file.series[0].appendCounter(0..<1)
    try file.series[1].append(values: [1])
    try file.series[0].setStartingTime(1.25)
    _ = try file.close()
    let reader = try RecordingReader(reading: path)
    #expect(try reader.series().map(\.startingTime) == [1.25, 0])
  }

  private func copied(_ name: String) throws -> RecordingReader {
    try copyFile(path, to: folder.path(name))
    return try RecordingReader(reading: folder.path(name))
  }

  /// A zlib stream of one stored block (RFC 1950, RFC 1951).
  private func zlibStored(_ bytes: [UInt8]) -> [UInt8] {
    let length = UInt16(bytes.count)
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
      a = (a + UInt32(byte)) % 65_521
      b = (b + a) % 65_521
    }
    let header: [UInt8] = [
      0x78, 0x01, 1, UInt8(length & 0xFF), UInt8(length >> 8), UInt8(~length & 0xFF),
      UInt8(~length >> 8),
    ]
    let sum = b << 16 | a
    return header + bytes + [24, 16, 8, 0].map { UInt8(sum >> $0 & 0xFF) }
  }
}
