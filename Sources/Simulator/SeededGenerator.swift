/// A reproducible stream of random numbers (SplitMix64, Steele et al. 2014).
struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return mixed(state)
  }

  /// From 0 up to, not including, 1.
  mutating func uniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// Mean 0, standard deviation 1: the sum of four uniform numbers, so never beyond ±3.46.
  mutating func normal() -> Double {
    normalDeviate(next())
  }
}

/// Spreads every bit of `x` over the whole word (the finaliser of SplitMix64).
@inline(__always)
func mixed(_ x: UInt64) -> UInt64 {
  var z = x
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}

/// A seed of its own for each name under one seed (FNV-1a, mixed).
func seed(_ seed: UInt64, for name: String) -> UInt64 {
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for byte in name.utf8 {
    hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
  }
  return mixed(seed ^ hash)
}

/// Random bits as a number of mean 0 and standard deviation 1: four uniform 16-bit numbers, summed.
@inline(__always)
func normalDeviate(_ bits: UInt64) -> Double {
  let sum =
    Int(bits & 0xFFFF) + Int((bits >> 16) & 0xFFFF) + Int((bits >> 32) & 0xFFFF) + Int(bits >> 48)
  // Each has mean 65535 / 2 and variance (2^32 − 1) / 12; four of them 65535 · 2 and 2^32 / 3.
  return (Double(sum) - 131_070) * (1.732_050_807_568_877_2 / 65_536)
}
