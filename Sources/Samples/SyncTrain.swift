/// What a channel's sync output carries: the changes of its signal, and the time in a code.
///
/// The output is high for 1 ms from the onset of each change, and for 1 ms about once a second:
/// coded pulse k = 0, 1, 2, … begins `k · 1 s + digit(k) · 10 ms` after the stream's first sample,
/// where `digit(k)` is the lowest four bits of `SplitMix64.mix(k + 1)`. So intervals are 0.85 to
/// 1.15 s in steps of 10 ms, and ten successive ones occur only once in a day. Pulses that touch
/// are one.
public struct SyncTrain: Sendable {
  /// Output samples a second.
  public let rate: Double
  /// The next sample to be generated, counted from the stream's beginning.
  public private(set) var position: Int64
  /// Onsets whose pulses have not been put out wholly, in order.
  private var onsets: [Int64] = []

  /// - Precondition: the rate is a whole number of samples a millisecond.
  public init(rate: Double, position: Int64 = 0) {
    precondition(rate >= 1000 && rate.truncatingRemainder(dividingBy: 1000) == 0)
    self.rate = rate
    self.position = position
    onsets.reserveCapacity(64)
  }

  /// Samples of one pulse: 1 ms.
  public var pulseLength: Int64 { Int64(rate) / 1000 }

  /// Notes the onset of a change at or after `position`.
  ///
  /// - Precondition: onsets are noted in order.
  public mutating func mark(onset: Int64) {
    precondition(onset >= position && onset >= onsets.last ?? onset, "onsets are noted in order")
    onsets.append(onset)
  }

  /// Fills the buffer with 1 while the output is high, else 0, from `position` on.
  public mutating func generate(into buffer: UnsafeMutableBufferPointer<Int16>) {
    buffer.update(repeating: 0)
    let range = position..<position + Int64(buffer.count)
    for second in seconds(around: range) { raise(at: codedOnset(second), range, buffer) }
    for onset in onsets { raise(at: onset, range, buffer) }
    let length = pulseLength
    onsets.removeAll { $0 + length <= range.upperBound }
    position = range.upperBound
  }

  /// The onsets of the coded pulses that begin in a range of samples.
  public func codedOnsets(in range: Range<Int64>) -> [Int64] {
    seconds(around: range).map { codedOnset($0) }.filter { range.contains($0) }
  }

  /// The rising edges in a range of samples, given the onsets of the changes in and shortly before
  /// it, in order: pulses that touch have one edge.
  public func edges(in range: Range<Int64>, onsets: [Int64]) -> [Int64] {
    let before = range.lowerBound - Int64(rate) - pulseLength
    let pulses = (codedOnsets(in: before..<range.upperBound) + onsets).sorted()
    var edges: [Int64] = []
    var highUntil = Int64.min
    for onset in pulses {
      if onset > highUntil { edges.append(onset) }
      highUntil = max(highUntil, onset + pulseLength)
    }
    return edges.filter { range.contains($0) }
  }

  private func codedOnset(_ second: Int64) -> Int64 {
    let digit = Int64(SplitMix64.mix(UInt64(second + 1)) & 15)
    return second * Int64(rate) + digit * pulseLength * 10
  }

  /// The seconds whose pulses may be high in a range.
  private func seconds(around range: Range<Int64>) -> Range<Int64> {
    let first = max(0, (range.lowerBound - pulseLength) / Int64(rate) - 1)
    return first..<max(first, range.upperBound / Int64(rate) + 1)
  }

  private func raise(
    at onset: Int64, _ range: Range<Int64>, _ buffer: UnsafeMutableBufferPointer<Int16>
  ) {
    let high = (onset..<onset + pulseLength).clamped(to: range)
    for sample in high { buffer[Int(sample - range.lowerBound)] = 1 }
  }
}
