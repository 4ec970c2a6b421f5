/// Packs samples [frame, channel] into slots as a device does: the inverse of ``SlotDecoder``.
///
/// Codes are `round(x · sf)`, half away from zero, computed in double precision. A float store
/// keeps `x · sf`, or the bits themselves with a scaling factor of 1.
public struct SlotEncoder: Sendable {
  /// What a code beyond the type becomes.
  public enum Overflow: String, Sendable, CaseIterable {
    /// The nearest limit; 0 for not-a-number.
    case saturate
    /// The low bits; 0 for what is not finite.
    case wrap
  }

  /// Only the side of the slots is used; the destination may be anything.
  public let format: SlotFormat
  public let scalingFactor: Double
  public let overflow: Overflow

  private let factor: Double

  /// - Precondition: the format is valid and the scaling factor positive and finite as a Float.
  public init(format: SlotFormat, scalingFactor: Double, overflow: Overflow = .saturate) {
    let factor = Float(scalingFactor)
    precondition(format.isValid, "no slots have this format")
    precondition(factor > 0 && factor.isFinite, "a scaling factor is positive and finite")
    self.format = format
    self.scalingFactor = scalingFactor
    self.overflow = overflow
    self.factor = Double(factor)
  }

  /// Encodes values into slots; allocates nothing.
  ///
  /// - Precondition: whole units, and as many samples as the slots hold.
  /// - Returns: the number of samples that did not fit an integer type (0 for a float store).
  @discardableResult
  public func encode(
    _ values: UnsafeBufferPointer<Float>, into slots: UnsafeMutableBufferPointer<UInt32>
  ) -> Int {
    checkLengths(values.count, slots.count)
    guard format.source == .float32 else {
      return store(into: slots) { code(Double(values[$0]) * factor) }
    }
    for index in slots.indices {
      let value = values[index]
      slots[index] = factor == 1 ? value.bitPattern : Float(Double(value) * factor).bitPattern
    }
    return 0
  }

  /// Encodes values of double precision; otherwise the same.
  @discardableResult
  public func encode(
    _ values: UnsafeBufferPointer<Double>, into slots: UnsafeMutableBufferPointer<UInt32>
  ) -> Int {
    checkLengths(values.count, slots.count)
    guard format.source == .float32 else {
      return store(into: slots) { code(values[$0] * factor) }
    }
    for index in slots.indices { slots[index] = Float(values[index] * factor).bitPattern }
    return 0
  }

  /// Packs codes as they are, without the scaling factor; codes beyond the type overflow. A float
  /// store takes each as a number.
  @discardableResult
  public func encode(
    codes: UnsafeBufferPointer<Int64>, into slots: UnsafeMutableBufferPointer<UInt32>
  ) -> Int {
    checkLengths(codes.count, slots.count)
    guard format.source == .float32 else { return store(into: slots) { codes[$0] } }
    for index in slots.indices { slots[index] = Float(codes[index]).bitPattern }
    return 0
  }

  private func checkLengths(_ samples: Int, _ slots: Int) {
    precondition(slots % format.slotsPerUnit == 0, "slots come in whole frames")
    precondition(samples == slots * format.source.samplesPerSlot, "lengths disagree")
  }

  /// Rounds a scaled value; what no Int64 holds becomes a code beyond every type, or 0.
  @inline(__always)
  private func code(_ scaled: Double) -> Int64 {
    let rounded = scaled.rounded(.toNearestOrAwayFromZero)
    if abs(rounded) < 0x1p62 { return Int64(rounded) }
    guard overflow == .saturate || rounded.isFinite else { return notACode }
    return rounded.isNaN ? notACode : rounded < 0 ? -(1 << 62) : 1 << 62
  }

  /// Counted as a misfit and stored as 0.
  private var notACode: Int64 { .min }

  /// Packs the code of every sample; returns how many did not fit.
  @inline(__always)
  private func store(
    into slots: UnsafeMutableBufferPointer<UInt32>, _ code: (Int) -> Int64
  ) -> Int {
    let perSlot = format.source.samplesPerSlot
    let bits = UInt32.bitWidth / perSlot
    let mask: UInt32 = bits == 32 ? .max : (1 << bits) - 1
    let highest = Int64(mask >> 1)
    let lowest = -highest - 1
    let reversal = format.packOrder == .msb ? perSlot - 1 : 0
    var misfits = 0
    for index in slots.indices {
      var word: UInt32 = 0
      for lane in 0..<perSlot {
        var code = code(index * perSlot + (lane ^ reversal))
        if code < lowest || code > highest {
          misfits += 1
          if code == notACode {
            code = 0
          } else if overflow == .saturate {
            code = code < 0 ? lowest : highest
          }
        }
        word |= (UInt32(truncatingIfNeeded: code) & mask) << UInt32(lane * bits)
      }
      slots[index] = word
    }
    return misfits
  }
}
