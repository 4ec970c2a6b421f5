import Clocks
import NWB

/// The edges of a recorded sync line, read in pieces: the series is never in memory as a whole.
struct SyncLineReader {
  /// The first frames that show an edge, in order.
  let edges: [Int64]

  /// Samples read at once, of all channels.
  private static let pieceSamples = 1 << 20
  /// Stretches in which the two levels are looked for, and their length in seconds.
  private static let looks = 8
  private static let lookSeconds = 4.0
  /// The line is high for 1 ms about once a second, and some of that may be missing.
  private static let duty = 0.0005

  init(
    _ channel: SyncChannel, in reader: borrowing RecordingReader,
    _ series: RecordingReader.Series, _ invalid: [InvalidFrames]
  ) throws(AlignmentError) {
    let valid = Self.valid(series, invalid)
    let sample = try reading { () throws(NWBError) in
      try Self.look(channel.channel, in: reader, series, valid)
    }
    let levels: SyncLevels
    do throws(SyncError) {
      levels = try SyncLevels(in: sample, duty: Self.duty)
    } catch {
      throw .sync(channel, error)
    }
    edges = try reading { () throws(NWBError) in
      var edges: [Int64] = []
      for range in valid {
        var finder = SyncEdgeFinder(levels: levels)
        for piece in Self.pieces(of: range, series) {
          finder.feed(try Self.read(channel.channel, in: reader, series, piece))
        }
        edges += finder.edges.map { $0 + range.lowerBound }
      }
      return edges
    }
  }

  /// The frames of a series that are not declared missing or wrong.
  private static func valid(
    _ series: RecordingReader.Series, _ invalid: [InvalidFrames]
  ) -> [Range<Int64>] {
    let all = 0..<Int64(series.frames)
    var valid: [Range<Int64>] = []
    var next: Int64 = 0
    let holes = invalid.filter { $0.series == series.name }.map { $0.frames.clamped(to: all) }
    for hole in holes.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if hole.lowerBound > next { valid.append(next..<hole.lowerBound) }
      next = max(next, hole.upperBound)
    }
    if next < all.upperBound { valid.append(next..<all.upperBound) }
    return valid
  }

  /// Some seconds of the channel from all over the recording.
  private static func look(
    _ channel: Int, in reader: borrowing RecordingReader, _ series: RecordingReader.Series,
    _ valid: [Range<Int64>]
  ) throws(NWBError) -> [Float] {
    let length = max(2, Int64(lookSeconds * series.rate))
    var samples: [Float] = []
    for number in 0..<Int64(looks) {
      let begin = max(0, Int64(series.frames) - length) * number / Int64(looks - 1)
      for range in valid {
        let part = range.clamped(to: begin..<begin + length)
        for piece in pieces(of: part, series) {
          samples += try read(channel, in: reader, series, piece)
        }
      }
      if Int64(series.frames) <= length { break }
    }
    return samples
  }

  private static func pieces(
    of range: Range<Int64>, _ series: RecordingReader.Series
  ) -> [Range<Int64>] {
    let length = Int64(max(1, pieceSamples / series.channels))
    return stride(from: range.lowerBound, to: range.upperBound, by: Int(length)).map {
      $0..<min(range.upperBound, $0 + length)
    }
  }

  private static func read(
    _ channel: Int, in reader: borrowing RecordingReader, _ series: RecordingReader.Series,
    _ frames: Range<Int64>
  ) throws(NWBError) -> [Float] {
    let all = try reader.samples(
      of: series.name, frames: Int(frames.lowerBound)..<Int(frames.upperBound), as: Float.self)
    guard series.channels > 1 else { return all }
    return stride(from: channel, to: all.count, by: series.channels).map { all[$0] }
  }
}
