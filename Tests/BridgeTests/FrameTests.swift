import Foundation
import Samples
import Testing

@testable import Bridge

@Suite struct FrameTests {
  @Test("crc32 is zlib's", arguments: [("", 0), ("123456789", 0xCBF4_3926), ("{}", 0xA3A6_BF43)])
  func knownChecksums(text: String, crc: UInt32) {
    #expect(Array(text.utf8).withUnsafeBytes(Checksum.crc32) == crc)
    // python3: zlib.crc32(bytes(range(256)) * 3)
    let long = (0..<768).map { UInt8($0 & 255) }
    #expect(long.withUnsafeBytes(Checksum.crc32) == 0xB0C0_DF2A)
  }

  @Test("A frame is magic, JSON length, blob length, crc32, JSON, blob, little-endian")
  func bytesOnTheWire() throws {
    let json = #"{"id":1,"op":"clock"}"#
    let wire = try wire(json, [1, 2, 255])
    #expect(Array(wire.prefix(4)) == Array("DQB1".utf8))
    #expect(Array(wire[4..<12]) == [21, 0, 0, 0, 3, 0, 0, 0])
    // python3: zlib.crc32(b'{"id":1,"op":"clock"}' + bytes([1, 2, 255]))
    #expect(Array(wire[12..<16]) == [0x2C, 0x54, 0x4E, 0xB1])
    #expect(Array(wire[16...]) == Array(json.utf8) + [1, 2, 255])
  }

  @Test("However a stream is cut up, the frames that come out are those that went in")
  func anyCut() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SplitMix64(seed: seed)
    for _ in 0..<200 {
      var sent: [([UInt8], [UInt8])] = []
      var stream: [UInt8] = []
      for _ in 0..<random.next(below: 6) {
        let json = bytes(random.next(below: 40), &random)
        let blob = bytes(random.next(below: 200), &random)
        sent.append((json, blob))
        stream += try wire(json, blob)
      }
      var decoder = FrameDecoder()
      let found = try decode(stream, &decoder) { 1 + random.next(below: 60) }
      #expect(found.map { Array($0.json) } == sent.map(\.0), "seed \(seed)")
      #expect(found.map { $0.withBlob { Array($0) } } == sent.map(\.1), "seed \(seed)")
      #expect(!decoder.isInFrame)
    }
  }

  @Test("A frame of 16 MiB is the largest; nothing is allocated for a longer one")
  func largest() throws {
    var header = Array("DQB1".utf8)
    for number: UInt32 in [16, 16 << 20 - 16 + 1, 0] {
      withUnsafeBytes(of: number.littleEndian) { header += $0 }
    }
    var decoder = FrameDecoder()
    #expect(throws: FrameError.tooLong(16 << 20 + 1)) { try decode(header, &decoder) { 16 } }
    header[8] -= 1
    decoder = FrameDecoder()
    #expect(try decode(header, &decoder) { 16 }.isEmpty)
    #expect(decoder.isInFrame)
    // Two lengths that overflow 32 bits together.
    header.replaceSubrange(4..<12, with: repeatElement(255, count: 8))
    decoder = FrameDecoder()
    #expect(throws: FrameError.tooLong(2 * (1 << 32 - 1))) { try decode(header, &decoder) { 16 } }
    var encoder = FrameEncoder()
    encoder.begin(json: [UInt8](repeating: 32, count: 16 << 20 + 1))
    #expect(throws: FrameError.tooLong(16 << 20 + 1)) { try encoder.finish() }
  }

  @Test("Rubbish is known by its first wrong byte", arguments: ["x", "D", "DQB2", "DQBhello"])
  func badMagic(text: String) {
    var decoder = FrameDecoder()
    if text == "D" {
      #expect(throws: Never.self) { try decode(Array(text.utf8), &decoder) { 3 } }
    } else {
      #expect(throws: FrameError.self) { try decode(Array(text.utf8), &decoder) { 3 } }
    }
  }

  @Test("A changed byte is noticed, wherever it is")
  func anyChangedByte() throws {
    let wire = try wire(#"{"id":7,"op":"bye"}"#, [9, 8, 7])
    for place in wire.indices {
      var changed = wire
      changed[place] ^= 0x10
      var decoder = FrameDecoder()
      let found = try? decode(changed, &decoder) { 100 }
      // A longer length than was sent: more is waited for.
      #expect(found == nil || found?.isEmpty == true && decoder.isInFrame, "byte \(place)")
    }
  }

  @Test("Mutated frames are frames, errors or waited for; nothing else (DAQREC_FUZZ: how many)")
  func fuzz() throws {
    let count = ProcessInfo.processInfo.environment["DAQREC_FUZZ"].flatMap { Int($0) } ?? 20_000
    let seed = UInt64.random(in: 0 ... .max)
    var random = SplitMix64(seed: seed)
    var intact = 0
    var broken = 0
    for _ in 0..<count {
      let size = random.next(below: 8)
      var stream = try wire(#"{"id":1,"op":"tdt.get","tags":["a"]}"#, bytes(size, &random))
      for _ in 0..<random.next(below: 4) { mutate(&stream, &random) }
      var decoder = FrameDecoder()
      do {
        for frame in try decode(stream, &decoder, cut: { 1 + random.next(below: 64) }) {
          intact += 1
          _ = try? frame.decoded(RequestHead.self)
        }
      } catch {
        broken += 1
      }
    }
    #expect(intact > count / 10 && broken > count / 10, "seed \(seed): \(intact), \(broken)")
  }
}

/// What went over a wire, cut into pieces of the sizes given.
func decode(
  _ stream: [UInt8], _ decoder: inout FrameDecoder, cut: () -> Int
) throws -> [Frame] {
  var frames: [Frame] = []
  var place = 0
  while true {
    while let frame = try decoder.next() { frames.append(frame) }
    guard place < stream.count else { return frames }
    let most = cut()
    decoder.fill { bytes in
      let count = min(bytes.count, most, stream.count - place)
      bytes.copyBytes(from: stream[place..<place + count])
      place += count
      return count
    }
  }
}

func wire(_ json: some Collection<UInt8>, _ blob: [UInt8] = []) throws -> [UInt8] {
  var encoder = FrameEncoder()
  encoder.begin(json: json)
  blob.withUnsafeBytes { encoder.append($0) }
  try encoder.finish()
  return encoder.bytes
}

func wire(_ json: String, _ blob: [UInt8] = []) throws -> [UInt8] {
  try wire(Array(json.utf8), blob)
}

private func bytes(_ count: Int, _ random: inout SplitMix64) -> [UInt8] {
  (0..<count).map { _ in UInt8(random.next(below: 256)) }
}

private func mutate(_ stream: inout [UInt8], _ random: inout SplitMix64) {
  guard !stream.isEmpty else { return }
  let place = random.next(below: stream.count)
  switch random.next(below: 5) {
  case 0: stream[place] ^= 1 << UInt8(random.next(below: 8))
  case 1: stream[place] = UInt8(random.next(below: 256))
  case 2: stream.remove(at: place)
  case 3: stream.insert(UInt8(random.next(below: 256)), at: place)
  default: stream.removeLast(random.next(below: stream.count))
  }
}
