import Clocks
import Foundation
import Samples

/// A device's quartz: ticks as a function of the host's true time.
///
/// Tick 0 falls at or up to one period before `origin`. The error against the host's clock is a
/// constant, a linear drift, and a slow wander made of a few sines, so that ticks are a closed
/// function of time and can be asked for in any order.
struct Oscillator: Sendable {
  private struct Wave: Sendable {
    let amplitude: Double
    /// Radians a second.
    let speed: Double
    let phase: Double
  }

  /// Ticks a second, nominal.
  let rate: Double
  let origin: Nanoseconds
  /// Ticks at `origin`, 0 ..< 1.
  let startPhase: Double
  private let slope: Double
  /// Change of the rate error in a second.
  private let drift: Double
  private let waves: [Wave]

  /// - Parameters:
  ///   - rate: ticks a second, nominal.
  ///   - partsPerMillion: error at `origin`, positive: fast.
  ///   - driftPerHour: its change, ppm an hour.
  ///   - wander: standard deviation of a minute's mean error, ppm.
  ///   - origin: host time of the start.
  ///   - seed: of the start phase and the wander.
  init(
    rate: Double, partsPerMillion: Double, driftPerHour: Double, wander: Double,
    origin: Nanoseconds, seed: UInt64
  ) {
    var random = SplitMix64(seed: SplitMix64.mix(seed ^ 0x05C1_11A7))
    self.rate = rate
    self.origin = origin
    startPhase = random.nextUnit()
    slope = 1 + partsPerMillion * 1e-6
    drift = driftPerHour * 1e-6 / 3600
    // Periods of 10 minutes to 2.7 hours; a minute's mean of a sine is smaller by sinc.
    let periods = wander == 0 ? [] : [611.0, 1427, 3251, 9733]
    waves = periods.map { period in
      let half = Double.pi * 60 / period
      return Wave(
        amplitude: wander * 1e-6 * (2 / Double(periods.count)).squareRoot() * half / sin(half),
        speed: 2 * Double.pi / period, phase: 2 * Double.pi * random.nextUnit())
    }
  }

  /// Ticks with their fraction, `seconds` after the origin.
  func cycles(after seconds: Double) -> Double {
    var elapsed = seconds * slope + seconds * seconds * drift / 2
    for wave in waves {
      elapsed +=
        wave.amplitude / wave.speed * (cos(wave.phase) - cos(wave.speed * seconds + wave.phase))
    }
    return startPhase + elapsed * rate
  }

  /// The last tick at or before `time`; negative before the origin.
  func tick(at time: Nanoseconds) -> Int64 {
    Int64(cycles(after: Double(time - origin) * 1e-9).rounded(.down))
  }

  /// Seconds after the origin at which the ticks reach `cycles`.
  func seconds(atCycles cycles: Double) -> Double {
    var seconds = (cycles - startPhase) / (rate * slope)
    guard drift != 0 || !waves.isEmpty else { return seconds }
    // The rate error is far below 1, so that each round gains three digits or more.
    for _ in 0..<4 {
      seconds -= (self.cycles(after: seconds) - cycles) / (rate * slope)
    }
    return seconds
  }

  /// The first nanosecond at which ``tick(at:)`` is `tick` or later.
  func time(ofTick tick: Int64) -> Nanoseconds {
    var time = origin + Nanoseconds((seconds(atCycles: Double(tick)) * 1e9).rounded(.up))
    while self.tick(at: time) < tick { time += 1 }
    while self.tick(at: time - 1) >= tick { time -= 1 }
    return time
  }
}
