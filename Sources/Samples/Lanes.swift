/// The samples of slots, in sample order whatever their order inside a slot.
///
/// Least significant first is the order of memory (little-endian, as every host of Swift is).
struct Lanes<Lane> {
  private let base: UnsafeBufferPointer<Lane>
  /// Lanes of a slot if its first sample is the most significant one, else 1.
  private let group: Int

  init(_ lanes: UnsafeBufferPointer<Lane>, reversed: Bool = false) {
    base = lanes
    group = reversed ? MemoryLayout<UInt32>.size / MemoryLayout<Lane>.size : 1
  }

  var count: Int { base.count }
  var baseAddress: UnsafePointer<Lane>? { base.baseAddress }
  var isReversed: Bool { group > 1 }

  /// Without the lanes of leading whole slots.
  func dropFirst(_ lanes: Int) -> Lanes {
    Lanes(UnsafeBufferPointer(rebasing: base[lanes...]), reversed: isReversed)
  }

  subscript(sample: Int) -> Lane { base[sample ^ (group - 1)] }

  @inline(__always)
  func map<Sample>(into output: UnsafeMutableRawBufferPointer, _ convert: (Lane) -> Sample) {
    _ = map(into: output, fits: { _ in true }, convert)
  }

  /// Converts every lane; returns the place of the first sample that does not fit, if any.
  @inline(__always)
  func map<Sample>(
    into output: UnsafeMutableRawBufferPointer, fits: (Lane) -> Bool,
    _ convert: (Lane) -> Sample
  ) -> Int? {
    let misfits = output.withMemoryRebound(to: Sample.self) { samples in
      convertAll(into: samples, fits: fits, convert)
    }
    guard misfits > 0 else { return nil }
    return (0..<count).first { !fits(self[$0]) }
  }

  /// Returns the number of misfits.
  @inline(__always)
  private func convertAll<Sample>(
    into samples: UnsafeMutableBufferPointer<Sample>, fits: (Lane) -> Bool,
    _ convert: (Lane) -> Sample
  ) -> Int {
    guard let lanes = base.baseAddress, let out = samples.baseAddress else { return 0 }
    var misfits = 0
    switch group {
    case 2:
      for pair in 0..<count / 2 {
        let first = pair &* 2
        for lane in 0..<2 {
          let code = lanes[first &+ (1 &- lane)]
          misfits &+= fits(code) ? 0 : 1
          out[first &+ lane] = convert(code)
        }
      }
    case 4:
      for quad in 0..<count / 4 {
        let first = quad &* 4
        for lane in 0..<4 {
          let code = lanes[first &+ (3 &- lane)]
          misfits &+= fits(code) ? 0 : 1
          out[first &+ lane] = convert(code)
        }
      }
    default:
      for sample in 0..<count {
        let code = lanes[sample]
        misfits &+= fits(code) ? 0 : 1
        out[sample] = convert(code)
      }
    }
    return misfits
  }
}

extension Lanes where Lane: FixedWidthInteger & SignedInteger {
  /// Keeps, widens or narrows codes; returns the first that does not fit.
  @inline(__always)
  func narrow<Code: FixedWidthInteger>(
    into output: UnsafeMutableRawBufferPointer, as type: Code.Type
  ) -> Misfit? {
    guard Code.bitWidth < Lane.bitWidth else {
      map(into: output) { Code(truncatingIfNeeded: $0) }
      return nil
    }
    let first = map(
      into: output,
      fits: { Lane(truncatingIfNeeded: Code(truncatingIfNeeded: $0)) == $0 },
      { Code(truncatingIfNeeded: $0) })
    return first.map { Misfit(sample: $0, value: Double(self[$0])) }
  }
}

extension Lanes where Lane == Float {
  /// Rounds to the nearest code, half to even; returns the first sample that has none.
  @inline(__always)
  func round<Code: FixedWidthInteger>(
    into output: UnsafeMutableRawBufferPointer, as type: Code.Type
  ) -> Misfit? {
    // A half below the smallest code (even) rounds up to it, a half above the greatest (odd) away.
    let lowest = Double(Code.min) - 0.5
    let beyond = Double(Code.max) + 0.5
    let first = map(
      into: output,
      fits: { Double($0) >= lowest && Double($0) < beyond },
      // Adding 1.5 · 2^52 leaves the number, rounded to whole, in the significand's low bits.
      { Code(truncatingIfNeeded: (Double($0) + 0x1.8p52).bitPattern) })
    return first.map { Misfit(sample: $0, value: Double(self[$0])) }
  }
}

/// A sample, counted from the block's first, that its destination cannot hold.
struct Misfit {
  let sample: Int
  let value: Double
}
