/// The two levels of a recorded sync line, in the channel's own unit.
public struct SyncLevels: Sendable, Equatable {
  public var low: Float
  public var high: Float

  public init(low: Float, high: Float) {
    self.low = low
    self.high = high
  }

  /// Levels by percentiles of a stretch of the channel with some pulses in it.
  ///
  /// - Parameters:
  ///   - samples: some seconds or minutes of the channel.
  ///   - duty: the share of time spent at the rarer of the two levels, or less than that.
  /// - Throws: `SyncError.noLevels` when the two levels do not stand out from the noise.
  public init(in samples: [Float], duty: Double = 0.002) throws(SyncError) {
    guard samples.count > 1 else { throw .noLevels(separation: 0, noise: 0) }
    let sorted = samples.sorted()
    let rank = Int((Double(samples.count - 1) * min(max(duty, 0), 1) / 2).rounded())
    low = sorted[rank]
    high = sorted[samples.count - 1 - rank]
    // Successive samples differ by √2 times the noise, but at the few edges; the median absolute
    // deviation is 0.6745 of the standard one.
    var steps: [Float] = []
    steps.reserveCapacity(samples.count)
    for index in 1..<samples.count { steps.append(abs(samples[index] - samples[index - 1])) }
    steps.sort()
    let noise = steps[steps.count / 2] / (0.6745 * Float(2).squareRoot())
    // Noise alone spans 6 to 8 standard deviations.
    guard high - low > 10 * noise else {
      throw .noLevels(separation: Double(high - low), noise: Double(noise))
    }
  }
}

/// Finds the rising edges of a sync line, fed in pieces.
///
/// An edge is the first sample at or above half of the step, on the way from below a quarter to
/// above three quarters of it: noise at the threshold makes no second edge and a short spike none.
/// A line that begins high has no edge there.
public struct SyncEdgeFinder: Sendable {
  private enum State: Sendable {
    case unknown
    case low
    case rising(since: Int64)
    case high
  }

  /// Sample numbers of the edges so far, counted from the first sample fed.
  public private(set) var edges: [Int64] = []
  /// Samples fed so far.
  public private(set) var sampleCount: Int64 = 0
  private var state = State.unknown
  private let quarter: Float
  private let half: Float
  private let threeQuarters: Float

  public init(levels: SyncLevels) {
    let step = levels.high - levels.low
    quarter = levels.low + step / 4
    half = levels.low + step / 2
    threeQuarters = levels.low + step * 3 / 4
  }

  public mutating func feed(_ samples: [Float]) {
    var number = sampleCount
    for sample in samples {
      switch state {
      case .unknown, .high:
        if sample <= quarter { state = .low }
      case .low:
        if sample >= half { rise(sample, at: number) }
      case .rising(let since):
        if sample < half { state = .low } else { rise(sample, at: since) }
      }
      number += 1
    }
    sampleCount = number
  }

  private mutating func rise(_ sample: Float, at edge: Int64) {
    guard sample >= threeQuarters else {
      state = .rising(since: edge)
      return
    }
    state = .high
    edges.append(edge)
  }
}
