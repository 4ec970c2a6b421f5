import CUnpack

/// Turns the slots of a ring into samples [frame, channel].
///
/// Floating destinations get values. For float32 that is `Float(code) / Float(sf)` to the last bit
/// (so an int32 code beyond 2^24 is rounded to float32 first), for float64 it is
/// `Double(code) / Double(Float(sf))`: a scaling factor is a scalar tag and travels as float32.
/// Float sources are divided likewise; with a scaling factor of 1 their bits are copied, patterns
/// of not-a-number included. Integer destinations get codes, whatever the scaling factor: kept or
/// widened; a float sample is rounded to the nearest whole number, half to even.
public struct SlotDecoder: Sendable {
  public let format: SlotFormat
  public let scalingFactor: Double

  private let divisor: Float
  /// 1 / divisor. See `quotient` below for why multiplying by it is a division.
  private let reciprocal: Double

  /// - Precondition: the format is valid and the scaling factor positive and finite as a Float.
  public init(format: SlotFormat, scalingFactor: Double) {
    let divisor = Float(scalingFactor)
    precondition(format.isValid, "no slots have this format")
    precondition(divisor > 0 && divisor.isFinite, "a scaling factor is positive and finite")
    self.format = format
    self.scalingFactor = scalingFactor
    self.divisor = divisor
    self.reciprocal = 1 / Double(divisor)
  }

  /// Bytes of output that `slots` slots make.
  public func byteCount(ofSlots slots: Int) -> Int {
    slots * format.source.samplesPerSlot * format.destination.byteCount
  }

  /// Decodes whole units of slots into memory that the caller owns. Allocates nothing.
  ///
  /// Throws where a sample does not fit an integer destination (not-a-number and infinities
  /// included), naming the first such sample; the output is then unspecified.
  ///
  /// - Precondition: the slots are whole units; the output has exactly `byteCount(ofSlots:)` bytes
  ///   and is aligned to the destination type.
  public func decode(
    _ slots: UnsafeBufferPointer<UInt32>, into output: UnsafeMutableRawBufferPointer
  ) throws(SampleRangeError) {
    precondition(slots.count % format.slotsPerUnit == 0, "slots come in whole frames")
    precondition(output.count == byteCount(ofSlots: slots.count), "the output's length is wrong")
    guard !slots.isEmpty else { return }
    let reversed = format.packOrder == .msb
    let misfit =
      switch format.source {
      case .float32:
        slots.withMemoryRebound(to: Float.self) { decodeFloats(Lanes($0), slots, output) }
      case .int32:
        slots.withMemoryRebound(to: Int32.self) { decodeCodes(Lanes($0), output, wide: nil) }
      case .int16:
        slots.withMemoryRebound(to: Int16.self) {
          decodeCodes(Lanes($0, reversed: reversed), output, wide: cunpack_int16)
        }
      case .int8:
        slots.withMemoryRebound(to: Int8.self) {
          decodeCodes(Lanes($0, reversed: reversed), output, wide: cunpack_int8)
        }
      }
    if let misfit {
      throw SampleRangeError(
        frame: misfit.sample / format.channels, channel: misfit.sample % format.channels,
        value: misfit.value, destination: format.destination)
    }
  }

  // The loops below are plain on purpose: each becomes one vectorised loop for each source,
  // destination and order. SIMD types, shifts and masks are two to three times slower. Only packed
  // codes to float32, what most recordings are, have loops of their own for wider vectors.

  private func decodeFloats(
    _ lanes: Lanes<Float>, _ words: UnsafeBufferPointer<UInt32>,
    _ output: UnsafeMutableRawBufferPointer
  ) -> Misfit? {
    let divisor = divisor
    switch format.destination {
    case .float32:
      if divisor == 1 {
        // As words: a load and store of a Float may turn a signalling not-a-number quiet.
        Lanes(words).map(into: output) { $0 }
      } else {
        lanes.map(into: output) { $0 / divisor }
      }
    case .float64:
      let wide = Double(divisor)
      lanes.map(into: output) { Double($0) / wide }
    case .int32: return lanes.round(into: output, as: Int32.self)
    case .int16: return lanes.round(into: output, as: Int16.self)
    case .int8: return lanes.round(into: output, as: Int8.self)
    }
    return nil
  }

  /// Codes, how many, the divisor's reciprocal, output, order in a slot reversed: converts leading
  /// codes in wide vectors, as `quotient` does; returns how many.
  private typealias WideLoop<Code> = (
    UnsafePointer<Code>?, Int, Double, UnsafeMutablePointer<Float>?, Bool
  ) -> Int

  @inline(__always)
  private func decodeCodes<Code: FixedWidthInteger & SignedInteger>(
    _ lanes: Lanes<Code>, _ output: UnsafeMutableRawBufferPointer, wide: WideLoop<Code>?
  ) -> Misfit? {
    switch format.destination {
    case .float32:
      // Where a quotient would be subnormal, rounding twice could differ from rounding once.
      if divisor > 0x1p100 {
        let divisor = divisor
        lanes.map(into: output) { Float($0) / divisor }
      } else {
        let reciprocal = reciprocal
        let done =
          wide?(
            lanes.baseAddress, lanes.count, reciprocal,
            output.assumingMemoryBound(to: Float.self).baseAddress, lanes.isReversed) ?? 0
        let rest = output[(done * MemoryLayout<Float>.stride)...]
        lanes.dropFirst(done).map(into: UnsafeMutableRawBufferPointer(rebasing: rest)) {
          Self.quotient(Float($0), reciprocal)
        }
      }
    case .float64:
      let wide = Double(divisor)
      lanes.map(into: output) { Double($0) / wide }
    case .int32: return lanes.narrow(into: output, as: Int32.self)
    case .int16: return lanes.narrow(into: output, as: Int16.self)
    case .int8: return lanes.narrow(into: output, as: Int8.self)
    }
    return nil
  }

  /// `x / y`, correctly rounded, from `1 / Double(y)`: twice as fast as dividing.
  ///
  /// Two roundings in double precision leave a relative error below 2^-52. A quotient of two
  /// 24-bit numbers is never a midpoint of two 24-bit numbers (a midpoint has an odd 25-bit
  /// significand m, and x = m · y would need more than 24 bits), and |x − m · y| ≥ 1 in units of
  /// the last places keeps it at least 2^-49 away from one. So the final rounding goes the way the
  /// division's would, as long as the quotient is a normal number.
  @inline(__always)
  private static func quotient(_ x: Float, _ reciprocal: Double) -> Float {
    Float(Double(x) * reciprocal)
  }
}
