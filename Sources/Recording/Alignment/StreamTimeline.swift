import Clocks
import NWB

/// A stimulator's output stream after the fact: its samples against the host's clock.
struct StreamTimeline {
  let name: String
  /// Output samples a second, nominally.
  let rate: Double
  /// A map for each segment, in order; at least one.
  let maps: [ClockMap]
  /// One past the last sample that is known to have left.
  let end: Int64
  let quality: (medianBracket: Nanoseconds, readings: Int)

  /// The map of the segment that a sample is in.
  func map(for sample: Int64) -> ClockMap { maps.map(for: sample) ?? maps[0] }

  /// Fits the stream of a stimulator to its stored readings.
  ///
  /// - Throws: ``AlignmentError/noReadings(clock:)`` without any.
  init(
    ofStimulator name: String, in reader: borrowing RecordingReader
  ) throws(AlignmentError) {
    let stored = try reading { () throws(NWBError) in try reader.readings(ofStimulator: name) }
    let comments = try reading { () throws(NWBError) in try reader.comments(ofClock: name) }
    guard let rate = comments["rate"].flatMap(Double.init), rate > 0,
      let last = stored.framesDone.last
    else { throw .noReadings(clock: name) }
    let readings = stored.framesDone.indices.map { row in
      // The counter moves in slices of 1 ms, and two frames to be on the safe side.
      ClockReading(
        framesDone: stored.framesDone[row], slack: Int64(rate / 1000) + 2,
        in: Bracket(before: stored.before[row], after: stored.after[row]))
    }
    self.name = name
    self.rate = rate
    maps = ClockMap.fitted(to: readings, rate: rate, window: 120_000_000_000)
    end = last
    quality = (readings.map { $0.after - $0.before }.median, readings.count)
  }
}
