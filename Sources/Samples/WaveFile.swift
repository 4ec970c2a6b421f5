/// The sound of a RIFF WAVE file: PCM of 16, 24 or 32 bits, or float32.
public struct WaveFile: Sendable, Equatable {
  /// Frames a second.
  public let rate: Double
  public let channels: Int
  /// [frame, channel]. Full scale of the integer formats is ±1 (−1 inclusive); float32 is as stored.
  public let samples: [Float]

  public var frames: Int { samples.count / channels }

  /// Reads a whole file's bytes; a last incomplete frame is left out.
  public init(parsing bytes: [UInt8]) throws(ArrayFileError) {
    var reader = ByteReader(bytes)
    guard bytes.count >= 12, bytes.starts(with: "RIFF".utf8),
      bytes[8..<12].elementsEqual("WAVE".utf8)
    else {
      throw ArrayFileError("not a RIFF WAVE file")
    }
    reader.skip(12)
    var format: Format?
    while reader.remaining >= 8 {
      let name = String(decoding: try reader.bytes(4), as: UTF8.self)
      let size = Int(try reader.integer(UInt32.self))
      if name == "data" {
        guard let format else { throw ArrayFileError("the data precede their format") }
        // A writer that streams leaves 2^32 − 1 as the size.
        let length = min(size, reader.remaining)
        let frameSize = format.channels * format.bits / 8
        let count = length / frameSize * format.channels
        rate = format.rate
        channels = format.channels
        samples = try Self.samples(count, format, &reader)
        return
      }
      // Chunks are padded to an even length.
      let chunk = try reader.bytes(min(size + size % 2, reader.remaining))
      if name == "fmt " { format = try Format(chunk: Array(chunk)) }
    }
    throw ArrayFileError("the file has no data")
  }

  private static func samples(
    _ count: Int, _ format: Format, _ reader: inout ByteReader
  ) throws(ArrayFileError) -> [Float] {
    switch (format.isFloat, format.bits) {
    case (true, 32):
      return try reader.array(count, of: Float.self)
    case (false, 16):
      return try reader.array(count, of: Int16.self).map { Float($0) * 0x1p-15 }
    case (false, 24):
      let bytes = Array(try reader.bytes(count * 3))
      return (0..<count).map { sample in
        // The three bytes fill the upper part of a word, which carries the sign.
        let word =
          UInt32(bytes[sample * 3]) << 8 | UInt32(bytes[sample * 3 + 1]) << 16
          | UInt32(bytes[sample * 3 + 2]) << 24
        return Float(Int32(bitPattern: word)) * 0x1p-31
      }
    default:
      return try reader.array(count, of: Int32.self).map { Float($0) * 0x1p-31 }
    }
  }
}

/// The `fmt ` chunk.
private struct Format {
  let isFloat: Bool
  let channels: Int
  let rate: Double
  let bits: Int

  init(chunk: [UInt8]) throws(ArrayFileError) {
    var reader = ByteReader(chunk)
    var tag = try reader.integer(UInt16.self)
    channels = Int(try reader.integer(UInt16.self))
    rate = Double(try reader.integer(UInt32.self))
    reader.skip(6)
    bits = Int(try reader.integer(UInt16.self))
    if tag == 0xFFFE {
      // WAVE_FORMAT_EXTENSIBLE: the real tag begins the sub-format.
      reader.skip(8)
      tag = try reader.integer(UInt16.self)
    }
    isFloat = tag == 3
    guard channels > 0, rate > 0 else {
      throw ArrayFileError("the sound has no channels or no rate")
    }
    guard tag == 1 && [16, 24, 32].contains(bits) || tag == 3 && bits == 32 else {
      throw ArrayFileError(
        "sound of format \(tag) with \(bits) bits is not read; PCM of 16, 24 or 32 bits and "
          + "float32 are")
    }
  }
}
