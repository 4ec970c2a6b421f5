import Samples

/// The sync output on its way to the device: made up to where every channel is known.
///
/// A class, because it owns memory that a feed points into.
final class SyncStream {
  private var train: SyncTrain
  /// The number of the first sample the device has not taken.
  private(set) var accepted: Int64 = 0
  /// Onsets of changes that the train does not know yet.
  private var onsets: [Int64] = []
  private let memory: UnsafeMutableBufferPointer<Int16>
  private var made = 0

  init(rate: Double, ringSamples: Int) {
    train = SyncTrain(rate: rate)
    memory = .allocate(capacity: ringSamples)
    memory.initialize(repeating: 0)
  }

  deinit { memory.deallocate() }

  /// The onset of a change of any channel, at or after what is made.
  func mark(_ onset: Int64) { onsets.append(onset) }

  /// Makes samples up to `end`, before which every onset is known.
  func make(upTo end: Int64) {
    let start = accepted + Int64(made)
    let count = min(Int(end - start), memory.count - made)
    guard count > 0 else { return }
    let reached = start + Int64(count)
    // Channels tell their onsets one after the other; the train wants them in order.
    for onset in onsets.filter({ $0 < reached }).sorted() { train.mark(onset: onset) }
    onsets.removeAll { $0 < reached }
    train.generate(into: UnsafeMutableBufferPointer(rebasing: memory[made..<made + count]))
    made += count
  }

  /// What is made and not taken.
  var pending: UnsafeBufferPointer<Int16> { UnsafeBufferPointer(rebasing: memory[..<made]) }

  /// Notes what the device took.
  func take(_ count: Int) {
    let taken = min(count, made)
    if taken < made, let base = memory.baseAddress {
      base.update(from: base + taken, count: made - taken)
    }
    made -= taken
    accepted += Int64(taken)
  }
}
