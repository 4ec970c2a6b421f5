/// Collects the blocks of epochs into (trial, channel, sample).
///
/// Pass ``add(_:_:)`` what ``Epochs`` hands out, then ask for ``values(of:)``.
public struct EpochCollector: Sendable {
  private var blocks: [[SampleBlock]] = []

  public init() {}

  public mutating func add(_ trial: Int, _ block: SampleBlock) {
    while blocks.count <= trial { blocks.append([]) }
    if block.frameCount > 0 { blocks[trial].append(block) }
  }

  /// Every value of every epoch, [trial][channel][sample]; not a number where a sample was lost.
  public func values(of epochs: [Epoch]) -> [[[Double]]] {
    epochs.enumerated().map { trial, epoch in
      let blocks = blocks.indices.contains(trial) ? blocks[trial] : []
      let channels = blocks.first?.channels ?? 0
      var values = [[Double]](
        repeating: [Double](repeating: .nan, count: Int(epoch.frameCount)), count: channels)
      for block in blocks {
        let first = Int(block.firstFrame - epoch.firstFrame)
        for (place, value) in block.doubles.enumerated() {
          values[place % channels][first + place / channels] = value
        }
      }
      return values
    }
  }
}
