/// The next slot a device will write: the index in its ring and the wraps so far.
///
/// Both travel as float32 scalars and stay far below 2^24 (TDT), so neither is rounded.
public struct RingPosition: Sendable, Equatable {
  /// Wraps since the circuit started; 0 in index-only mode.
  public var cycle: Int
  /// Slots from the start of the ring, 0 ..< size.
  public var index: Int

  public init(cycle: Int, index: Int) {
    self.cycle = cycle
    self.index = index
  }

  /// Slots written since the circuit started, for a ring of `size` slots.
  public func slots(size: Int) -> Int64 { Int64(cycle) * Int64(size) + Int64(index) }
}
