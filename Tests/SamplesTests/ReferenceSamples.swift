import Samples

/// The plainest possible decoding, one sample at a time, to compare the library's with.
struct ReferenceSamples {
  let format: SlotFormat
  let slots: [UInt32]

  var count: Int { slots.count * format.source.samplesPerSlot }

  /// The bits of sample number `index`, sign-extended from the width of the type.
  func code(_ index: Int) -> Int32 {
    let perSlot = format.source.samplesPerSlot
    let bits = 32 / perSlot
    let word = slots[index / perSlot]
    let place = index % perSlot
    let lane = format.packOrder == .lsb ? place : perSlot - 1 - place
    return Int32(bitPattern: word << UInt32(32 - bits - lane * bits)) >> Int32(32 - bits)
  }

  func float(_ index: Int) -> Float { Float(bitPattern: UInt32(bitPattern: code(index))) }

  /// The bits of the decoded sample, or nil if it does not fit.
  func bits(_ index: Int, sf: Double) -> UInt64? {
    let factor = Float(sf)
    let isFloat = format.source == .float32
    switch format.destination {
    case .float32:
      if isFloat && factor == 1 { return UInt64(UInt32(bitPattern: code(index))) }
      let value = isFloat ? float(index) : Float(code(index))
      return UInt64((value / factor).bitPattern)
    case .float64:
      let value = isFloat ? Double(float(index)) : Double(code(index))
      return (value / Double(factor)).bitPattern
    case .int32: return whole(index, Int32.self)
    case .int16: return whole(index, Int16.self)
    case .int8: return whole(index, Int8.self)
    }
  }

  private func whole<Code: FixedWidthInteger>(_ index: Int, _ type: Code.Type) -> UInt64? {
    let value =
      format.source == .float32
      ? Code(exactly: float(index).rounded(.toNearestOrEven)) : Code(exactly: code(index))
    return value.map { UInt64(truncatingIfNeeded: $0) }
  }
}

/// Decodes an array; the result as the bits of each sample, sign-extended for integers.
func decode(
  _ slots: [UInt32], _ format: SlotFormat, sf: Double = 1
) throws(SampleRangeError) -> [UInt64] {
  let decoder = SlotDecoder(format: format, scalingFactor: sf)
  let size = decoder.byteCount(ofSlots: slots.count)
  let output = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
  defer { output.deallocate() }
  // Withholding the throw from the closure keeps its type.
  let result = slots.withUnsafeBufferPointer { slots in
    Result { () throws(SampleRangeError) in try decoder.decode(slots, into: output) }
  }
  try result.get()
  let width = format.destination.byteCount
  return (0..<size / width).map { sample in
    switch format.destination {
    case .float32: UInt64(output.load(fromByteOffset: sample * width, as: UInt32.self))
    case .float64: output.load(fromByteOffset: sample * width, as: UInt64.self)
    case .int32:
      UInt64(truncatingIfNeeded: output.load(fromByteOffset: sample * width, as: Int32.self))
    case .int16:
      UInt64(truncatingIfNeeded: output.load(fromByteOffset: sample * width, as: Int16.self))
    case .int8:
      UInt64(truncatingIfNeeded: output.load(fromByteOffset: sample * width, as: Int8.self))
    }
  }
}

func decodeFloats(_ slots: [UInt32], _ format: SlotFormat, sf: Double = 1) throws -> [Float] {
  try decode(slots, format, sf: sf).map { Float(bitPattern: UInt32($0)) }
}

/// Every meaningful format of up to eight channels: sources, destinations, orders and layouts.
let everyFormat: [SlotFormat] = SourceType.allCases.flatMap { source in
  DestinationType.allCases.flatMap { destination in
    PackOrder.allCases.flatMap { order in
      [1, 4, 8].map {
        SlotFormat(source: source, destination: destination, channels: $0, packOrder: order)
      }
    }
  }
}
