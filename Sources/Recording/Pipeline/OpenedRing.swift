import Clocks
import Devices
import Samples

/// One buffer of an acquirer: its attributes and what reads it.
struct OpenedRing {
  enum Reader {
    case samples(RingReader, series: Int)
    case events(StampReader, table: Int)
  }

  let name: String
  var attributes: BufferAttributes
  var reader: Reader
  let stopsOnOverrun: Bool
  /// Where the samples go; nil for events.
  let lane: SampleLane?
  /// The words of events, or of the lane's reserved stretch.
  var destination: UnsafeMutableBufferPointer<UInt32>
  /// Since when the store stands still.
  var stillSince: Nanoseconds?
  var isStallReported = false
  /// The last poll could not tell what the store does.
  var isUnsettled = false
  /// The series ended: its attributes changed while it ran.
  var hasEnded = false
  /// Polls whose positions still bound the frames that may have been scaled by two factors.
  var uncertainPolls = 0
  /// Frames before this one may have the old factor or the new one.
  var uncertainUntil: Int64 = 0

  var nextSlot: Int64 {
    switch reader {
    case .samples(let reader, _): reader.nextSlot
    case .events(let reader, _): reader.nextSlot
    }
  }

  mutating func missAnswer() {
    guard case .samples(var reader, let series) = reader else { return }
    reader.missAnswer()
    self.reader = .samples(reader, series: series)
  }

  /// The least free words a poll of this ring wants: a quarter of the ring, whole units.
  var leastRoom: Int {
    guard let lane else { return 0 }
    return min(max(attributes.slots / 4, attributes.format.slotsPerUnit), lane.capacity / 4)
  }
}
