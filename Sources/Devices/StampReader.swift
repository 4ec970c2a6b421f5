import Samples

/// Reads a store of tick stamps (`kind: "events"`): it advances when something happens, so that its
/// position says nothing of the clock.
public struct StampReader: Sendable {
  private let size: Int64
  private let hasCycle: Bool
  private var cursor: Int64 = 0
  private var hasBegun = false
  /// Whether the last answer showed that the store began anew: stamps written since the answer before
  /// it are lost, nobody knows how many.
  public private(set) var hasBegunAnew = false

  public init(_ attributes: BufferAttributes) {
    size = Int64(attributes.slots)
    hasCycle = attributes.cycleTag != nil
  }

  /// The slot to ask for in the next poll.
  public var nextSlot: Int64 { hasBegun ? cursor : .max }

  /// Takes a poll's answer.
  ///
  /// - Returns: which words of the destination are new and valid, and how many stamps were
  ///   overwritten before them. After a reset reading begins at slot 0 of the new count. A torn
  ///   position gives nothing; the next poll does.
  public mutating func digest(_ ring: Poll.Ring) -> (words: Range<Int>, lost: Int64) {
    hasBegunAnew = false
    let first = hasCycle ? ring.first.slots(size: Int(size)) : position(ring.first.index)
    let during =
      hasCycle
      ? ring.second.slots(size: Int(size)) - first
      : modulo(Int64(ring.second.index) - Int64(ring.first.index))
    guard during >= 0, hasBegun || during < size else { return (0..<0, 0) }
    guard hasBegun else {
      // Stamps from before the recording are not its events.
      hasBegun = true
      cursor = first
      return (0..<0, 0)
    }
    guard first >= cursor else {
      // Torn if the position is back in order after the transfer.
      if first + during < cursor {
        cursor = first / size * size
        hasBegunAnew = true
      }
      return (0..<0, 0)
    }
    let valid = max(cursor, ring.start, first + during - size)
    let lost = valid - cursor
    let end = min(first, ring.start + Int64(ring.count))
    cursor = max(valid, end)
    let lower = Int(valid - ring.start)
    return (lower..<max(lower, Int(end - ring.start)), lost)
  }

  /// Index-only mode: fewer than a whole ring of stamps since the last poll are assumed.
  private func position(_ index: Int) -> Int64 {
    hasBegun ? cursor + modulo(Int64(index) - cursor) : Int64(index)
  }

  private func modulo(_ value: Int64) -> Int64 { (value % size + size) % size }
}
