/// Reproducible random numbers: the same seed gives the same sequence on every machine.
///
/// SplitMix64 (Steele, Lea and Flood, 2014): a Weyl sequence through a mixing function, of period
/// 2^64.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  /// A number in 0 ..< 1 with 53 random bits.
  public mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A whole number in 0 ..< `bound`, every one equally likely.
  public mutating func next(below bound: Int) -> Int {
    precondition(bound > 0, "there is no number below \(bound)")
    let range = UInt64(bound)
    // Numbers below 2^64 mod range would make the small results likelier.
    let excess = (0 &- range) % range
    while true {
      let number = next()
      if number >= excess { return Int(number % range) }
    }
  }

  /// The mixing function alone: a hash of a number.
  public static func mix(_ number: UInt64) -> UInt64 {
    var z = number
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
