import Samples
import Testing

@Suite struct SlotEncoderTests {
  private func encode(
    _ values: [Double], _ format: SlotFormat, sf: Double = 1,
    overflow: SlotEncoder.Overflow = .saturate
  ) -> (slots: [UInt32], misfits: Int) {
    let encoder = SlotEncoder(format: format, scalingFactor: sf, overflow: overflow)
    var slots = [UInt32](repeating: 0, count: values.count / format.source.samplesPerSlot)
    let misfits = slots.withUnsafeMutableBufferPointer { slots in
      values.withUnsafeBufferPointer { encoder.encode($0, into: slots) }
    }
    return (slots, misfits)
  }

  @Test func `samples fill a slot from its least significant end`() {
    let format = SlotFormat(source: .int16, destination: .float32, channels: 2)
    #expect(encode([1, 2, -1, 0], format).slots == [0x0002_0001, 0x0000_FFFF])
    let msb = SlotFormat(source: .int8, destination: .int8, channels: 1, packOrder: .msb)
    #expect(encode([1, 2, 3, 4], msb).slots == [0x0102_0304])
  }

  /// 0.25 · 10 = 2.5: the device's rounding takes halves away from zero.
  @Test func `codes are rounded half away from zero`() {
    let format = SlotFormat(source: .int16, destination: .float32, channels: 2)
    #expect(encode([0.25, -0.25], format, sf: 10).slots == [0xFFFD_0003])
  }

  @Test func `overflow saturates and is counted`() {
    let format = SlotFormat(source: .int8, destination: .int8, channels: 4)
    let result = encode([127.4, 127.5, -200, 1e300], format)
    #expect(result.slots == [0x7F80_7F7F])
    #expect(result.misfits == 3)
    #expect(encode([.nan, .infinity, -.infinity, 0], format).slots == [0x0080_7F00])
  }

  /// 130 = 0x82 and −129 = …7F in eight bits.
  @Test func `overflow wraps if asked to`() {
    let format = SlotFormat(source: .int8, destination: .int8, channels: 4)
    let result = encode([130, -129, .nan, .infinity], format, overflow: .wrap)
    #expect(result.slots == [0x0000_7F82])
    #expect(result.misfits == 4)
  }

  @Test func `codes are packed without the scaling factor`() {
    let format = SlotFormat(source: .int16, destination: .float32, channels: 2)
    let encoder = SlotEncoder(format: format, scalingFactor: 100, overflow: .wrap)
    var slots: [UInt32] = [0]
    let misfits = slots.withUnsafeMutableBufferPointer { slots in
      [Int64(65537), -2].withUnsafeBufferPointer { encoder.encode(codes: $0, into: slots) }
    }
    #expect(slots == [0xFFFE_0001])
    #expect(misfits == 1)
  }

  @Test func `a float store keeps the bits with a scaling factor of 1`() {
    let format = SlotFormat(source: .float32, destination: .float32, channels: 1)
    let encoder = SlotEncoder(format: format, scalingFactor: 1)
    var slots: [UInt32] = [0, 0]
    slots.withUnsafeMutableBufferPointer { slots in
      _ = [Float(bitPattern: 0x7FC1_2345), -0.0].withUnsafeBufferPointer {
        encoder.encode($0, into: slots)
      }
    }
    #expect(slots == [0x7FC1_2345, 0x8000_0000])
    #expect(encode([1.5], format, sf: 2).slots == [Float(3).bitPattern])
  }

  @Test(arguments: everyFormat.filter { $0.destination == .float64 && $0.source != .float32 })
  func `decoding and encoding again gives the same slots`(format: SlotFormat) throws {
    let seed: UInt64 = 21
    var generator = SplitMix64(seed: seed)
    let slots = (0..<format.slotsPerUnit * 50).map { _ in
      UInt32(truncatingIfNeeded: generator.next())
    }
    let values = try decode(slots, format, sf: 0.3).map { Double(bitPattern: $0) }
    let result = encode(values, format, sf: 0.3)
    #expect(result.slots == slots, "seed \(seed)")
    #expect(result.misfits == 0)
  }
}
