import Clocks

/// The clocks as one feed sees them: its changes are placed, and noted, by the same maps.
struct FeedClock {
  /// The stimulator's stream; nil before the first reading.
  let stream: ClockMap?
  let session: SessionTime
  /// Of the moment at which the feed began.
  let host: Nanoseconds
  /// How far the stream is behind at most, seconds: the two rings.
  let rings: Double

  /// The recording clock at the feed.
  var now: Double { session.seconds(atHost: host) }

  /// The stream sample, with its fraction, that leaves at a recording time; nil before the first
  /// reading.
  func sample(at seconds: Double) -> Double? {
    stream.map { $0.sample(at: session.host(atSeconds: seconds)) }
  }

  /// When a stream sample leaves, on the recording clock.
  func onset(of sample: Int64) -> Onset {
    guard let stream else {
      return Onset(seconds: now + rings / 2, uncertainty: rings / 2, basis: .nominalRate)
    }
    return session.onset(of: sample, in: stream)
  }
}
