import Glibc
import Samples
import Testing

@Suite struct SlotDecoderTests {
  /// 0x00020001 holds 1 in its low half and 2 in its high half.
  @Test func `the first channel is in the least significant bits`() throws {
    let format = SlotFormat(source: .int16, destination: .float32, channels: 4)
    let values = try decodeFloats([0x0002_0001, 0xFFFC_8000, 0, 0x0003_0000], format, sf: 2)
    #expect(values == [0.5, 1, -16384, -2, 0, 0, 0, 1.5])
  }

  @Test func `order msb turns the samples of a slot round`() throws {
    let halves = SlotFormat(source: .int16, destination: .int16, channels: 2, packOrder: .msb)
    #expect(try decode([0x0002_0001, 0x0004_0003], halves) == [2, 1, 4, 3])
    let bytes = SlotFormat(source: .int8, destination: .int16, channels: 4, packOrder: .msb)
    #expect(try decode([0x0102_03FF], bytes) == [1, 2, 3, .max])
  }

  @Test func `a compressed store of one channel holds successive times`() throws {
    let format = SlotFormat(source: .int8, destination: .float32, channels: 1)
    #expect(format.layout == .time)
    #expect(format.frames(inSlots: 2) == 8)
    let values = try decodeFloats([0x0403_0201, 0x8007_0605], format, sf: 1)
    #expect(values == [1, 2, 3, 4, 5, 6, 7, -128])
  }

  /// 127 as scaling factor: full scale of int8 is 1.
  @Test func `full scale divided by itself is one`() throws {
    let format = SlotFormat(source: .int8, destination: .float32, channels: 1)
    #expect(try decodeFloats([0x7F81_0001], format, sf: 127) == [1 / 127, 0, -1, 1])
  }

  @Test func `a scaling factor of 1 copies the bits of floats`() throws {
    let format = SlotFormat(source: .float32, destination: .float32, channels: 1)
    let words: [UInt32] = [0x7F80_0001, 0xFFC1_2345, 0x7FFF_FFFF, 0x8000_0000, 0x0000_0001]
    #expect(try decode(words, format) == words.map { UInt64($0) })
    #expect(try decodeFloats([Float(3).bitPattern], format, sf: 2) == [1.5])
  }

  @Test(arguments: everyFormat)
  func `random words decode like a plain loop`(format: SlotFormat) throws {
    let seed: UInt64 = 11
    var generator = SplitMix64(seed: seed)
    for sf in [1, 3276.7, 0.1, 1e6, 1.0 / 3] as [Double] {
      var slots = (0..<format.slotsPerUnit * 61).map { _ in
        UInt32(truncatingIfNeeded: generator.next())
      }
      // Extremes, zeros of both signs, infinities, quiet and signalling not-a-numbers, subnormals.
      for word: UInt32 in [
        0, .max, 0x8000_0000, 0x7FFF_FFFF, 0x8000_7FFF, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000,
        0x7F80_0001, 0xFFFF_FFFF, 1, 0x807F_FFFF, 0x4F00_0000, 0xCF00_0000, 0x4EFF_FFFF,
      ] {
        slots[Int.random(in: 0..<slots.count, using: &generator)] = word
      }
      try check(slots, format, sf, seed)
    }
  }

  /// Numbers that fit, among them halves, so that integer destinations get far without an error.
  @Test(arguments: everyFormat.filter { $0.destination.isInteger })
  func `numbers in range decode like a plain loop`(format: SlotFormat) throws {
    let seed: UInt64 = 12
    var generator = SplitMix64(seed: seed)
    let slots = (0..<format.slotsPerUnit * 200).map { _ in
      let halves = Int32.random(in: -256...255, using: &generator)
      return format.source == .float32
        ? (Float(halves) / 2).bitPattern
        : format.source == .int32
          ? UInt32(bitPattern: halves >> 1)
          : UInt32(truncatingIfNeeded: generator.next()) & 0x0077_0077
    }
    try check(slots, format, 1, seed)
  }

  private func check(
    _ slots: [UInt32], _ format: SlotFormat, _ sf: Double, _ seed: UInt64
  ) throws {
    let reference = ReferenceSamples(format: format, slots: slots)
    let expected = (0..<reference.count).map { reference.bits($0, sf: sf) }
    let misfit = expected.firstIndex { $0 == nil }
    do {
      let decoded = try decode(slots, format, sf: sf)
      #expect(misfit == nil, "seed \(seed)")
      // A not-a-number's payload is the processor's affair once it has been computed with.
      let same = zip(decoded, expected).allSatisfy { $0 == $1 || isNaN($0) && isNaN($1) }
      let copied = format.source == .float32 && format.destination == .float32 && sf == 1
      #expect(copied ? decoded == expected : same, "seed \(seed), sf \(sf)")
    } catch {
      let value =
        format.source == .float32
        ? Double(reference.float(misfit ?? 0)) : Double(reference.code(misfit ?? 0))
      #expect(error.frame * format.channels + error.channel == misfit, "seed \(seed)")
      #expect(error.value == value || error.value.isNaN && value.isNaN)
    }

    func isNaN(_ bits: UInt64?) -> Bool {
      guard let bits else { return false }
      switch format.destination {
      case .float32: return Float(bitPattern: UInt32(bits)).isNaN
      case .float64: return Double(bitPattern: bits).isNaN
      default: return false
      }
    }
  }

  @Test(
    arguments: [
      1, 2, 3, 7, 10, 100, 127, 1000, 3276.7, 32767, 32768, 1e6, 1.6e6, 0.1, 0.001, 0.3333,
      6.5536e7, .pi, 1e-30, 1e30,
    ] as [Double])
  func `every code of 16 bits equals the division`(sf: Double) throws {
    let format = SlotFormat(source: .int16, destination: .float32, channels: 2)
    let slots = (0..<UInt32(32768)).map { ($0 * 2 + 1) << 16 | $0 * 2 }
    let values = try decodeFloats(slots, format, sf: sf)
    let divisor = Float(sf)
    let differing = (0..<65536).filter { (index: Int) -> Bool in
      let code = Int16(bitPattern: UInt16(index))
      return values[index] != Float(code) / divisor
    }
    #expect(differing == [])
  }

  /// Scaling factors of random bits: those a proof could have missed.
  @Test func `random codes and factors equal the division`() throws {
    let seed: UInt64 = 13
    var generator = SplitMix64(seed: seed)
    for source in [SourceType.int8, .int16, .int32] {
      let format = SlotFormat(source: source, destination: .float32, channels: 4)
      for _ in 0..<200 {
        let exponent = UInt32.random(in: 2..<253, using: &generator)
        let significand = UInt32.random(in: 0..<1 << 23, using: &generator)
        let sf = Float(bitPattern: exponent << 23 | significand)
        let slots = (0..<64).map { _ in UInt32(truncatingIfNeeded: generator.next()) }
        let reference = ReferenceSamples(format: format, slots: slots)
        let expected = (0..<reference.count).map { reference.bits($0, sf: Double(sf)) }
        #expect(try decode(slots, format, sf: Double(sf)) == expected, "seed \(seed), sf \(sf)")
      }
    }
  }

  /// Where output is written past the cache, and where its address does not allow that.
  @Test(arguments: [SourceType.int16, .int8], [PackOrder.lsb, .msb])
  func `output larger than a cache is what its pieces are`(source: SourceType, order: PackOrder)
    throws
  {
    let format = SlotFormat(
      source: source, destination: .float32, channels: 4, packOrder: order)
    let decoder = SlotDecoder(format: format, scalingFactor: 3276.7)
    let count = (16 << 20) / decoder.byteCount(ofSlots: 1) + 6
    let slots = [UInt32](unsafeUninitializedCapacity: count) { words, initialized in
      for place in 0..<count { words[place] = UInt32(truncatingIfNeeded: place) &* 2_654_435_761 }
      initialized = count
    }
    let bytes = decoder.byteCount(ofSlots: count)
    let pieces = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
    let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes + 64, alignment: 64)
    defer {
      pieces.deallocate()
      whole.deallocate()
    }
    try slots.withUnsafeBufferPointer { slots in
      for first in stride(from: 0, to: count, by: 1 << 16) {
        let piece = slots[first..<min(first + 1 << 16, count)]
        let place = decoder.byteCount(ofSlots: first)
        let room = pieces[place..<place + decoder.byteCount(ofSlots: piece.count)]
        try decoder.decode(
          UnsafeBufferPointer(rebasing: piece), into: UnsafeMutableRawBufferPointer(rebasing: room))
      }
      for misaligned in [0, 4] {
        let room = UnsafeMutableRawBufferPointer(rebasing: whole[misaligned..<misaligned + bytes])
        try decoder.decode(slots, into: room)
        let (found, wanted) = try (#require(room.baseAddress), #require(pieces.baseAddress))
        #expect(memcmp(found, wanted, bytes) == 0, "at an address + \(misaligned)")
      }
    }
  }

  @Test func `narrowing names the place of what does not fit`() {
    let format = SlotFormat(source: .int32, destination: .int16, channels: 2)
    let error = #expect(throws: SampleRangeError.self) {
      try decode([1, 2, 3, UInt32(bitPattern: -32769), 5, 6], format)
    }
    #expect(error?.frame == 1)
    #expect(error?.channel == 1)
    #expect(error?.description == "frame 1, channel 1: -32769.0 does not fit int16")
  }

  @Test(arguments: [
    (Float(0.5), 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (-2.5, -2), (127.49, 127),
    (-128.5, -128), (0.49999997, 0),
  ])
  func `floats are rounded half to even`(value: Float, code: Int) throws {
    let format = SlotFormat(source: .float32, destination: .int8, channels: 1)
    #expect(try decode([value.bitPattern], format) == [UInt64(truncatingIfNeeded: code)])
  }

  @Test(arguments: [Float(127.5), -128.51, .nan, .infinity, -.infinity, 1e30])
  func `floats beyond the type are errors`(value: Float) {
    let format = SlotFormat(source: .float32, destination: .int8, channels: 3)
    #expect(throws: SampleRangeError.self) {
      try decode([0, Float(1).bitPattern, value.bitPattern], format)
    }
  }

  @Test func `the limits of int32 fit and the next float does not`() throws {
    let format = SlotFormat(source: .float32, destination: .int32, channels: 1)
    let limits = try decode([Float(-0x1p31).bitPattern, Float(0x1.fffffep30).bitPattern], format)
    #expect(limits == [UInt64(bitPattern: -0x8000_0000), 0x7FFF_FF80])
    #expect(throws: SampleRangeError.self) { try decode([Float(0x1p31).bitPattern], format) }
  }

  @Test func `no slots make no samples`() throws {
    #expect(try decode([], SlotFormat(source: .int8, destination: .int8, channels: 4)) == [])
  }
}
