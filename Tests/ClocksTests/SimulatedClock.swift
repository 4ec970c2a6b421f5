import Clocks
import Foundation

/// A device's clock against the host's, as in clock.md's table: off in rate, drifting, wandering.
struct SimulatedClock {
  /// Samples per second, nominally.
  var rate: Double
  var origin: Nanoseconds = 5_000_000_000
  /// Relative.
  var offset = 40e-6
  /// Relative, per second: 7 ppm an hour.
  var drift = 7e-6 / 3600
  /// Relative, of each of two sines of 10 and of 3 minutes: ±0.5 ppm in all.
  var wander = 0.25e-6

  /// Frame n is stored when n + 1 frames are; sample n of an output leaves when n have left.
  var leaves = false

  /// Samples at `elapsed` seconds of the host's clock, with the fraction.
  func samples(at elapsed: Double) -> Double {
    var time = elapsed * (1 + offset) + drift * elapsed * elapsed / 2
    for period in [600.0, 180] {
      time += wander * period / (2 * .pi) * sin(2 * .pi * elapsed / period)
    }
    return time * rate
  }

  func host(_ elapsed: Double) -> Nanoseconds { origin + Nanoseconds((elapsed * 1e9).rounded()) }

  /// How wrong a map is at `elapsed` seconds, in nanoseconds.
  func error(of map: ClockMap, at elapsed: Double) -> (error: Double, bound: Double) {
    let samples = samples(at: elapsed) - (leaves ? 0 : 1)
    let whole = samples.rounded(.down)
    let mapped = map.time(of: Int64(whole))
    let time = Double(mapped.time - origin) + (samples - whole) / rate * 1e9
    return (time - elapsed * 1e9, Double(mapped.uncertainty))
  }
}

/// Round trips of device calls: a least one and a log-normal excess, in seconds.
struct Latency {
  var least: Double
  var median: Double
  var percentile99: Double

  static let local = Latency(least: 0.6e-3, median: 1.3e-3, percentile99: 17e-3)
  static let ssh = Latency(least: 2e-3, median: 7e-3, percentile99: 34e-3)

  /// Seconds out and back: half of the least each way, the excess on either.
  func draw(using random: inout SeededGenerator) -> (out: Double, back: Double) {
    let (excess, far) = (median - least, percentile99 - least)
    let sigma = log(far / excess) / 2.326
    let extra = excess * exp(sigma * random.normal())
    let share = Double.random(in: 0..<1, using: &random)
    return (least / 2 + extra * share, least / 2 + extra * (1 - share))
  }
}

extension SeededGenerator {
  /// Box and Muller's normal deviate.
  mutating func normal() -> Double {
    let (radius, angle) = (
      Double.random(in: 0..<1, using: &self), Double.random(in: 0..<1, using: &self)
    )
    return (-2 * log(1 - radius)).squareRoot() * cos(2 * .pi * angle)
  }
}

extension SimulatedClock {
  /// Readings of a circuit: latches, `every` seconds or a little later, for `length` seconds.
  func latches(
    for length: Double, every: Double = 0.05, latency: Latency = .local, seed: UInt64
  ) -> [ClockReading] {
    var random = SeededGenerator(seed: seed)
    var readings: [ClockReading] = []
    var begin = 0.1
    while begin < length {
      let (out, back) = latency.draw(using: &random)
      let stored = Int64(samples(at: begin + out).rounded(.down))
      readings.append(
        ClockReading(
          stored: stored,
          in: Bracket(before: host(begin), after: host(begin + out + back))))
      begin = max(begin + every, begin + out + back)
    }
    return readings
  }

  /// Readings of a stimulator's frame counter, which moves by 1 ms slices with ±2 frames of jitter.
  func frameCounts(
    for length: Double, every: Double = 0.05, latency: Latency = .local, seed: UInt64
  ) -> [ClockReading] {
    var random = SeededGenerator(seed: seed)
    var readings: [ClockReading] = []
    var begin = 0.1
    while begin < length {
      let (out, back) = latency.draw(using: &random)
      let slice = Int64((samples(at: begin + out) / 50).rounded(.down)) * 50
      readings.append(
        ClockReading(
          framesDone: slice - .random(in: 0...2, using: &random),
          in: Bracket(before: host(begin), after: host(begin + out + back))))
      // The host's polls beat against the slices.
      begin = max(begin + every + .random(in: 0..<1e-3, using: &random), begin + out + back)
    }
    return readings
  }
}

/// Errors in nanoseconds, summed up in microseconds.
struct ErrorStatistics {
  private var errors: [Double] = []
  private var outside = 0
  private var bounds = 0.0

  mutating func add(_ sample: (error: Double, bound: Double)) {
    errors.append(sample.error)
    bounds += sample.bound
    if abs(sample.error) > sample.bound { outside += 1 }
  }

  var count: Int { errors.count }
  var mean: Double { errors.reduce(0, +) / Double(errors.count) * 1e-3 }
  var meanBound: Double { bounds / Double(errors.count) * 1e-3 }
  /// About the session's mean.
  var deviation: Double {
    let mean = mean * 1e3
    let squares = errors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(errors.count)).squareRoot() * 1e-3
  }
  var largest: Double {
    let mean = mean * 1e3
    return (errors.map { abs($0 - mean) }.max() ?? 0) * 1e-3
  }
  /// The share of errors that are inside their bounds.
  var coverage: Double { 1 - Double(outside) / Double(errors.count) }
}
