import Synchronization

/// Lines written by several owners, in the order in which they came.
final class Journal: Sendable {
  private let content = Mutex<[String]>([])

  func write(_ line: String) { content.withLock { $0.append(line) } }

  var lines: [String] { content.withLock { $0 } }
}

/// SplitMix64: a seeded generator, so that a failing property can be run again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
