import Samples

extension SplitMix64 {
  /// Mean 0, standard deviation 1, never beyond ±3.46.
  mutating func nextNormal() -> Double { normalDeviate(next()) }
}

/// Random bits as a number of mean 0 and standard deviation 1: four uniform 16-bit numbers, summed.
@inline(__always)
func normalDeviate(_ bits: UInt64) -> Double {
  let sum =
    Int(bits & 0xFFFF) + Int((bits >> 16) & 0xFFFF) + Int((bits >> 32) & 0xFFFF) + Int(bits >> 48)
  // Each has mean 65535 / 2 and variance (2^32 − 1) / 12; four of them 65535 · 2 and 2^32 / 3.
  return (Double(sum) - 131_070) * (1.732_050_807_568_877_2 / 65_536)
}

/// A seed of its own for each name under one seed (FNV-1a, mixed).
func seed(_ seed: UInt64, for name: String) -> UInt64 {
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for byte in name.utf8 {
    hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
  }
  return SplitMix64.mix(seed ^ hash)
}
