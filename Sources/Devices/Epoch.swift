public import Clocks

/// One trial: where it lies on the recording's frame count, and what of it was lost.
public struct Epoch: Sendable, Equatable {
  public var firstFrame: Int64
  /// Frames from the first to the last, those lost between them included.
  public var frameCount: Int64 = 0
  /// What is missing between the first and the last frame.
  public var losses: [RingReader.Loss] = []
  /// Around the trigger that began it, host clock; nil without one.
  public var trigger: Bracket?

  /// Frames missing.
  public var lost: Int64 { losses.reduce(0) { $0 + $1.count } }
}

/// An epoch under way: what was read of it so far.
public struct EpochProgress: Sendable {
  public var epoch: Epoch
  /// Frames the store made in it: read, or overwritten before they were.
  public private(set) var made = 0

  public init(firstFrame: Int64) { epoch = Epoch(firstFrame: firstFrame) }

  public var hasBegun: Bool { made > 0 }

  /// Notes what was missing before the frames that follow.
  ///
  /// - Returns: whether it is the trial's: what was missing before a gated store began is not.
  @discardableResult
  public mutating func add(_ loss: RingReader.Loss) -> Bool {
    if loss.reason != .overrun, !hasBegun {
      epoch.firstFrame = loss.first + loss.count
      return false
    }
    epoch.losses.append(loss)
    if loss.reason == .overrun { made += Int(loss.count) }
    epoch.frameCount = loss.first + loss.count - epoch.firstFrame
    return true
  }

  /// Notes frames that were read.
  public mutating func add(_ frames: Range<Int64>) {
    made += frames.count
    epoch.frameCount = frames.upperBound - epoch.firstFrame
  }
}
