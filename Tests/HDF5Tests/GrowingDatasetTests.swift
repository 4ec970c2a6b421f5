import HDF5
import Testing

@Suite struct GrowingDatasetTests {
  /// Appends `rows` one element at a time, then as a list, and reads all back.
  private func roundTrip<T: Element & Equatable>(_ elements: [T]) throws {
    let file = try written { file in
      let dataset = try file.createGrowing("/x", of: T.elementType, chunkRows: 2)
      for element in elements { try dataset.append(element) }
      try dataset.append(elements)
      #expect(dataset.rows == 2 * elements.count)
    }
    #expect(try file.read("/x") == elements + elements)
    #expect(try file.info(of: "/x").type == .fixed(T.elementType))
  }

  @Test("Appended elements of every type read back")
  func everyType() throws {
    try roundTrip([Int8.min, 0, .max])
    try roundTrip([Int16.min, 0, .max])
    try roundTrip([Int32.min, 0, .max])
    try roundTrip([Int64.min, 0, .max])
    try roundTrip([UInt8.max, 0, 7])
    try roundTrip([UInt16.max, 0, 7])
    try roundTrip([UInt32.max, 0, 7])
    try roundTrip([UInt64.max, 0, 7])
    try roundTrip([Float.pi, 0, -.infinity])
    try roundTrip([Double.pi, 0, .greatestFiniteMagnitude])
    try roundTrip([true, false, true])
  }

  @Test("Rows of several columns are read back whole, by range, and converted")
  func columns() throws {
    let file = try written { file in
      let dataset = try file.createGrowing("/x", of: .int16, columns: 2, chunkRows: 2)
      #expect(dataset.bytesPerRow == 4)
      try dataset.append([Int16(1), -2, 3, -4])
      try dataset.append([Int16(5), -6])
      #expect(dataset.rows == 3)
    }
    #expect(try file.read("/x", as: Int16.self) == [1, -2, 3, -4, 5, -6])
    #expect(try file.read("/x", rows: 1..<3, as: Int16.self) == [3, -4, 5, -6])
    #expect(try file.read("/x", rows: 1..<1, as: Int16.self) == [])
    #expect(try file.read("/x", rows: 2..<3, as: Double.self) == [5, -6])
    #expect(try file.value(of: "/x").shape == [3, 2])
    #expect(try file.value(of: "/x", rows: 0..<1).numbers() == [Int16(1), -2])
    expectFailure("cannot read /x: rows 2..<4 are not among its 3 rows") {
      _ = try file.read("/x", rows: 2..<4, as: Int16.self)
    }
  }

  @Test("Rows that nobody wrote read as zeros and occupy nothing")
  func unwrittenRows() throws {
    let file = try written { file in
      let dataset = try file.createGrowing("/x", of: .float32, columns: 2, chunkRows: 2)
      try dataset.append([Float(1), 2])
      try dataset.setRows(100_000)
      try dataset.append([Float(3), 4])
      #expect(dataset.rows == 100_001)
    }
    #expect(try file.read("/x", rows: 0..<2) == [Float(1), 2, 0, 0])
    #expect(try file.read("/x", rows: 99_999..<100_001) == [Float(0), 0, 3, 4])
    #expect(try file.storedBytes(of: "/x") == 2 * 2 * 2 * 4)
  }

  @Test("Rows cut off are gone; those added again are zeros")
  func cut() throws {
    let file = try written { file in
      let dataset = try file.createGrowing("/x", of: .int32, chunkRows: 4)
      try dataset.append([Int32(1), 2, 3, 4, 5, 6])
      try dataset.setRows(2)
      try dataset.setRows(3)
      try dataset.append(Int32(7))
    }
    #expect(try file.read("/x") == [Int32(1), 2, 0, 7])
  }

  @Test("A scalar dataset is overwritten in place")
  func scalar() throws {
    let file = try written { file in
      let start = try file.createScalar("/start", 0.0)
      try start.write(12.25)
      try start.write(12.5)
    }
    #expect(try file.value(of: "/start") == .number(12.5))
    #expect(try file.read("/start", as: Double.self) == [12.5])
  }

  @Test("Text is cut between scalars, padded, and kept ASCII where it must be")
  func text() throws {
    let file = try written { file in
      let utf8 = try file.createGrowing("/utf8", of: .text(bytes: 5, .utf8), chunkRows: 4)
      // µ and é are two bytes, 😀 four.
      for text in ["stop", "gap 5", "abcdef", "µµé", "a😀b", "abcd😀", "", "a\0b"] {
        try utf8.append(text)
      }
      let ascii = try file.createGrowing("/ascii", of: .text(bytes: 5, .ascii), chunkRows: 4)
      try ascii.append("5 µV!")
    }
    #expect(
      try file.readStrings("/utf8")
        == ["stop", "gap 5", "abcde", "µµ", "a😀", "abcd", "", "a b"])
    #expect(try file.readStrings("/utf8", rows: 3..<5) == ["µµ", "a😀"])
    #expect(try file.readStrings("/ascii") == ["5 ?V!"])
  }

  @Test("What does not fit the dataset is refused with a reason, and changes nothing")
  func refusals() throws {
    let file = try written { file in
      let pairs = try file.createGrowing("/x", of: .int16, columns: 2, chunkRows: 2)
      try pairs.append([Int16(1), 2])
      expectFailure("cannot append to /x: 6 bytes are not whole rows of 4") {
        try pairs.append([Int16(1), 2, 3])
      }
      expectFailure("cannot append to /x: its elements are int16, not float32") {
        try pairs.append([Float(1)])
      }
      expectFailure("cannot append to /x: its elements are int16, not text") {
        try pairs.append("text")
      }
      expectFailure("cannot overwrite rows of /x: 1 rows from row 1 are not among its 1 rows") {
        try pairs.overwrite([Int16(1), 2], atRow: 1)
      }
      expectFailure("cannot set the rows of /x: -1 is not a number of rows") {
        try pairs.setRows(-1)
      }
      expectFailure("cannot create dataset /y: it has chunks of 0 rows of 1 columns") {
        _ = try file.createGrowing("/y", of: .int16, chunkRows: 0)
      }
      expectFailure("cannot create dataset /y: a text of 0 bytes cannot be stored") {
        _ = try file.createGrowing("/y", of: .text(bytes: 0, .utf8), chunkRows: 1)
      }
      #expect(pairs.rows == 1)
    }
    #expect(try file.read("/x") == [Int16(1), 2])
    expectFailure("cannot read /x: it does not hold text") { _ = try file.readStrings("/x") }
  }

  @Test(
    "Any sequence of changes leaves what it leaves in an array",
    arguments: 1...8 as ClosedRange<UInt64>)
  func model(seed: UInt64) throws {
    var random = SplitMix64(state: seed)
    var model: [Int32] = []
    let file = try written { file in
      let dataset = try file.createGrowing("/x", of: .int32, columns: 3, chunkRows: 5)
      for _ in 0..<60 {
        let rows = model.count / 3
        let some = (0..<3 * Int.random(in: 0...12, using: &random)).map { _ in
          Int32.random(in: .min ... .max, using: &random)
        }
        switch Int.random(in: 0..<4, using: &random) {
        case 0, 1:
          try dataset.append(some)
          model += some
        case 2 where some.count / 3 <= rows:
          let row = Int.random(in: 0...rows - some.count / 3, using: &random)
          try dataset.overwrite(some, atRow: row)
          model.replaceSubrange(row * 3..<row * 3 + some.count, with: some)
        default:
          let count = Int.random(in: 0...rows + 7, using: &random)
          try dataset.setRows(count)
          model = Array((model + Array(repeating: 0, count: 21)).prefix(count * 3))
        }
        #expect(dataset.rows == model.count / 3, "seed \(seed)")
      }
    }
    #expect(try file.read("/x") == model, "seed \(seed)")
  }
}

/// The generator of Steele, Lea and Flood (2014), for repeatable tests.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
