/// An instant on the recording clock and how wrong it may be, in seconds.
public struct Onset: Sendable, Equatable {
  public var seconds: Double
  /// Half width.
  public var uncertainty: Double
  /// The weaker of what the two maps rest on.
  public var basis: ClockMap.Basis

  public init(seconds: Double, uncertainty: Double, basis: ClockMap.Basis) {
    self.seconds = seconds
    self.uncertainty = uncertainty
    self.basis = basis
  }
}

/// The recording clock: seconds that run at the nominal rate of the reference circuit (file.md,
/// section 1).
public struct RecordingClock: Sendable, Equatable {
  /// The reference circuit's samples on the host's clock.
  public var map: ClockMap
  /// A sample whose time on the recording clock is known, and that time, in seconds.
  public let reference: Reference

  public struct Reference: Sendable, Equatable {
    public var sample: Int64
    public var seconds: Double

    public init(sample: Int64, seconds: Double) {
      self.sample = sample
      self.seconds = seconds
    }
  }

  public init(map: ClockMap, reference: Reference) {
    self.map = map
    self.reference = reference
  }

  /// The recording clock's seconds at a sample of the reference circuit: exact by definition.
  public func seconds(of sample: Int64) -> Double {
    reference.seconds + Double(sample - reference.sample) / map.rate
  }

  /// The recording clock at a host time.
  public func time(at host: Nanoseconds) -> Onset {
    let sample = map.sample(at: host)
    let whole = sample.rounded(.down)
    return Onset(
      seconds: seconds(of: Int64(whole)) + (sample - whole) / map.rate,
      uncertainty: Double(map.time(of: Int64(whole)).uncertainty) * 1e-9, basis: map.basis)
  }

  /// The onset of a sample of another device's stream: stream → host → recording clock, with both
  /// uncertainties added.
  public func onset(of sample: Int64, in stream: ClockMap) -> Onset {
    let host = stream.time(of: sample)
    var onset = time(at: host.time)
    onset.uncertainty += Double(host.uncertainty) * 1e-9
    onset.basis = min(onset.basis, stream.basis)
    return onset
  }
}
