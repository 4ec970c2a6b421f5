/// One bracketed observation of a sample clock by the host's clock (clock.md, "Readings").
///
/// With T(n) the host time at which sample n happens, it says `before` ≤ T(`notBefore`) and
/// T(`notAfter`) ≤ `after`. The two samples differ where the count only moves in steps.
public struct ClockReading: Sendable, Equatable {
  /// This sample had not happened when the call began.
  public var notBefore: Int64
  /// This sample had happened when the call was over.
  public var notAfter: Int64
  /// Just before the call, on the host's clock.
  public var before: Nanoseconds
  /// Just after the call, on the host's clock.
  public var after: Nanoseconds

  public init(notBefore: Int64, notAfter: Int64, before: Nanoseconds, after: Nanoseconds) {
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.before = before
    self.after = after
  }

  /// A latch that found `stored` frames: frame `stored` − 1 was there at `after`. Where frames are
  /// stored `together` so many at once, the last of the next ones was not yet due at `before`.
  public init(stored: Int64, together: Int = 1, in bracket: Bracket) {
    self.init(
      notBefore: stored + Int64(together) - 1, notAfter: stored - 1, before: bracket.before,
      after: bracket.after)
  }

  /// A stimulator's counter of frames done, which moves in USB slices of 1 ms: at 50 kHz it is up to
  /// `slack` = 52 frames behind the output.
  public init(framesDone: Int64, slack: Int64 = 52, in bracket: Bracket) {
    self.init(
      notBefore: framesDone + slack, notAfter: framesDone, before: bracket.before,
      after: bracket.after)
  }

  /// An exchange with a bridge (NTP's four timestamps): the "samples" are the nanoseconds of the
  /// bridge's clock, at a nominal rate of 1e9 per second.
  public init(
    hostSend: Nanoseconds, bridgeReceive: Nanoseconds, bridgeSend: Nanoseconds,
    hostReceive: Nanoseconds
  ) {
    self.init(
      notBefore: bridgeReceive, notAfter: bridgeSend, before: hostSend, after: hostReceive)
  }
}

/// Where a clock's samples and host times are counted from, so that `Double` holds the differences.
///
/// Within the estimators a sample is `u`, the nanoseconds since the origin at the nominal rate, and
/// a host time is `y`, how much later it is than the nominal rate says. The slope of y over u is the
/// clock's relative error of rate.
struct ClockOrigin: Sendable, Equatable {
  var sample: Int64
  var host: Nanoseconds
  /// Nominal nanoseconds per sample.
  var period: Double

  func u(of sample: Int64) -> Double { Double(sample - self.sample) * period }

  func lower(_ reading: ClockReading) -> Corridor.Point {
    let u = u(of: reading.notBefore)
    return .init(u: u, y: Double(reading.before - host) - u)
  }

  func upper(_ reading: ClockReading) -> Corridor.Point {
    let u = u(of: reading.notAfter)
    return .init(u: u, y: Double(reading.after - host) - u)
  }
}
