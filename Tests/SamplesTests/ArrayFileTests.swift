import Samples
import Testing

@Suite struct NumpyArrayTests {
  /// A file as numpy writes it: magic, version, length, dictionary, padding, data.
  private func file(
    _ dictionary: String, _ data: [UInt8], version: UInt8 = 1
  ) -> [UInt8] {
    let header = Array((dictionary + "\n").utf8)
    let length = UInt32(header.count)
    let lengthBytes = (0..<(version == 1 ? 2 : 4)).map {
      UInt8(truncatingIfNeeded: length >> (8 * $0))
    }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + lengthBytes + header + data
  }

  @Test(arguments: [1, 2, 3] as [UInt8])
  func `two dimensions are frames and channels`(version: UInt8) throws {
    let bytes = file(
      "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }",
      [1, 0, 2, 0, 3, 0, 0xFF, 0xFF, 0, 0x80, 0xFF, 0x7F], version: version)
    let array = try NumpyArray(parsing: bytes)
    #expect(array.frames == 2)
    #expect(array.channels == 3)
    #expect(array.elements == .int16([1, 2, 3, -1, -32768, 32767]))
    #expect(array.floats == [1, 2, 3, -1, -32768, 32767])
  }

  @Test func `one dimension is one channel`() throws {
    let array = try NumpyArray(
      parsing: file(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }",
        [0, 0, 0, 0, 0, 0, 0xF8, 0x3F]))
    #expect(array.channels == 1)
    #expect(array.elements == .float64([1.5]))
  }

  @Test(arguments: [
    ("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "type >f4"),
    ("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", "Fortran order"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1), }", "3 dimensions"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "0 dimensions"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 0), }", "no channels"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (99,), }", "ends early"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "whole numbers"),
    ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "records"),
    ("{'descr': '<f4', 'fortran_order': False, }", "no entry 'shape'"),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9), }",
      "too large"
    ),
  ])
  func `what is not read is said`(dictionary: String, words: String) {
    let error = #expect(throws: ArrayFileError.self) {
      try NumpyArray(parsing: file(dictionary, [0, 0, 0, 0]))
    }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test(arguments: [[], [1, 2, 3], Array("RIFFxxxxWAVE".utf8)] as [[UInt8]])
  func `other files are refused`(bytes: [UInt8]) {
    #expect(throws: ArrayFileError.self) { try NumpyArray(parsing: bytes) }
  }

  @Test func `a version of the future is refused`() {
    #expect(throws: ArrayFileError.self) {
      try NumpyArray(parsing: file("{'descr': '<f4'}", [], version: 9))
    }
  }

  @Test(arguments: [
    NumpyArray(elements: .float32([1, -2.5, 3, 4, 5, 6]), channels: 2),
    NumpyArray(elements: .int16([1, -2, 3]), channels: 3),
    NumpyArray(elements: .float64([]), channels: 1),
  ])
  func `what is written is read again`(array: NumpyArray) throws {
    let bytes = array.serialized
    #expect(try NumpyArray(parsing: bytes) == array)
    let headerLength = Int(bytes[8]) + Int(bytes[9]) << 8
    #expect((10 + headerLength) % 64 == 0)
    #expect(bytes[9 + headerLength] == 0x0A)
  }
}

@Suite struct WaveFileTests {
  private func little(_ number: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  private func file(
    tag: Int, bits: Int, channels: Int = 1, extensible: Bool = false, data: [UInt8],
    declared: Int? = nil
  ) -> [UInt8] {
    let frame = channels * bits / 8
    var format =
      little(extensible ? 0xFFFE : tag, 2) + little(channels, 2) + little(44100, 4)
      + little(44100 * frame, 4) + little(frame, 2) + little(bits, 2)
    if extensible {
      format += little(22, 2) + little(bits, 2) + little(0, 4) + little(tag, 2)
      format += [UInt8](repeating: 0, count: 14)
    }
    // An odd chunk before the data is padded to an even length.
    let chunks =
      Array("fmt ".utf8) + little(format.count, 4) + format + Array("LIST".utf8) + little(3, 4)
      + [1, 2, 3, 0] + Array("data".utf8) + little(declared ?? data.count, 4) + data
    return Array("RIFF".utf8) + little(4 + chunks.count, 4) + Array("WAVE".utf8) + chunks
  }

  @Test func `16 bits are two channels of fractions`() throws {
    let wave = try WaveFile(
      parsing: file(tag: 1, bits: 16, channels: 2, data: [0, 0x80, 0, 0x40, 1, 0, 0xFF, 0x7F]))
    #expect(wave.rate == 44100)
    #expect(wave.channels == 2)
    #expect(wave.frames == 2)
    #expect(wave.samples == [-1, 0.5, 1 / 32768, 32767 / 32768])
  }

  @Test(arguments: [false, true])
  func `24 bits are sign-extended`(extensible: Bool) throws {
    let wave = try WaveFile(
      parsing: file(
        tag: 1, bits: 24, extensible: extensible,
        data: [0, 0, 0x80, 0, 0, 0x40, 0xFF, 0xFF, 0xFF]))
    #expect(wave.samples == [-1, 0.5, -0x1p-23])
  }

  @Test func `32 bits and floats are read`() throws {
    let whole = try WaveFile(parsing: file(tag: 1, bits: 32, data: [0, 0, 0, 0xC0]))
    #expect(whole.samples == [-0.5])
    let float = try WaveFile(parsing: file(tag: 3, bits: 32, data: [0, 0, 0xC0, 0x3F]))
    #expect(float.samples == [1.5])
  }

  @Test func `a size of a stream and a last incomplete frame do no harm`() throws {
    let wave = try WaveFile(
      parsing: file(tag: 1, bits: 16, data: [0, 0x40, 0], declared: 0xFFFF_FFFF))
    #expect(wave.samples == [0.5])
  }

  @Test func `what is not read is said`() {
    let error = #expect(throws: ArrayFileError.self) {
      try WaveFile(parsing: file(tag: 85, bits: 16, data: []))
    }
    #expect(error?.description.contains("format 85") == true)
    #expect(throws: ArrayFileError.self) { try WaveFile(parsing: Array("RIFF".utf8)) }
    let noData = Array(file(tag: 1, bits: 16, data: []).dropLast(8))
    #expect(throws: ArrayFileError.self) { try WaveFile(parsing: noData) }
  }
}
