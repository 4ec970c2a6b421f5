import Foundation
import Samples

/// AR(1) noise: x(k) = ρ · x(k − 1) + e(k), stationary.
///
/// The recursion begins anew, a fixed number of frames before each block of 1024: what is left of
/// where it began is below 1e-4 by then, and the value of a frame does not depend on what was read
/// before. (Correlations above 0.998 keep a little more.)
final class NoiseGenerator: SignalGenerator {
  private static let block: Int64 = 1024

  private let deviation: Double
  private let correlation: Double
  private let innovation: Double
  private let warmUp: Int64
  private let seed: UInt64
  /// The frame after the last one made of each channel, and that one's value / deviation.
  private var states: [(frame: Int64, value: Double)]

  init(deviation: Double, correlation: Double, channels: Int, seed: UInt64) {
    self.deviation = deviation
    self.correlation = correlation
    self.seed = seed
    innovation = max(0, 1 - correlation * correlation).squareRoot()
    let memory = correlation == 0 ? 0 : (log(1e-4) / log(abs(correlation))).rounded(.up)
    warmUp = Int64(max(0, min(4096, memory)))
    states = Array(repeating: (.min, 0), count: channels)
  }

  func add(_ block: SignalBlock, channel: Int, to values: UnsafeMutableBufferPointer<Double>) {
    let seed = SplitMix64.mix(self.seed &+ UInt64(channel))
    guard correlation != 0 else {
      for (place, frame) in block.frames.enumerated() {
        values[place] += deviation * deviate(frame, seed)
      }
      return
    }
    var (frame, value) = states[channel]
    for place in values.indices {
      let wanted = block.frames.lowerBound + Int64(place)
      if frame != wanted || wanted % Self.block == 0 {
        frame = wanted / Self.block * Self.block - warmUp
        value = deviate(frame - 1, seed)
      }
      while frame <= wanted {
        value = correlation * value + innovation * deviate(frame, seed)
        frame += 1
      }
      values[place] += deviation * value
    }
    states[channel] = (frame, value)
  }

  @inline(__always)
  private func deviate(_ frame: Int64, _ seed: UInt64) -> Double {
    normalDeviate(SplitMix64.mix(seed &+ UInt64(bitPattern: frame) &* 0x9E37_79B9_7F4A_7C15))
  }
}

/// Spikes over white noise: time is divided into cells, each of which holds one spike or none.
final class SpikeGenerator: SignalGenerator {
  /// Seconds of the template: a narrow trough, a broad peak of half its size.
  private static let trough = 0.0004
  private static let peak = 0.0008
  private static let length = trough + peak

  private let amplitude: Double
  private let noise: NoiseGenerator?
  /// Ticks of a cell, and the chance that it holds a spike.
  private let cell: Double
  private let chance: Double
  private let tickRate: Double
  private let seed: UInt64

  init(amplitude: Double, rate: Double, noise: Double, tickRate: Double, seed: UInt64) {
    self.amplitude = amplitude
    self.tickRate = tickRate
    self.seed = SplitMix64.mix(seed)
    self.noise =
      noise == 0
      ? nil : NoiseGenerator(deviation: noise, correlation: 0, channels: 0, seed: seed)
    let seconds = max(Self.length, min(0.004, 0.5 / max(rate, 1e-9)))
    cell = seconds * tickRate
    chance = min(1, rate * seconds)
  }

  func add(_ block: SignalBlock, channel: Int, to values: UnsafeMutableBufferPointer<Double>) {
    noise?.add(block, channel: channel, to: values)
    let seed = SplitMix64.mix(self.seed &+ UInt64(channel))
    var cell = Int64.min
    var spike: Double?
    for (place, frame) in block.frames.enumerated() {
      let tick = Double((frame + 1) * Int64(block.decimation))
      let inCell = Int64(tick / self.cell)
      if inCell != cell {
        cell = inCell
        spike = spikeTick(cell, seed)
      }
      if let spike { values[place] += amplitude * template((tick - spike) / tickRate) }
    }
  }

  private func spikeTick(_ number: Int64, _ seed: UInt64) -> Double? {
    var random = SplitMix64(seed: SplitMix64.mix(seed &+ UInt64(bitPattern: number)))
    guard random.nextUnit() < chance else { return nil }
    let room = cell - Self.length * tickRate
    return Double(number) * cell + room * random.nextUnit()
  }

  private func template(_ seconds: Double) -> Double {
    guard seconds >= 0, seconds < Self.length else { return 0 }
    return seconds < Self.trough
      ? -sin(.pi * seconds / Self.trough)
      : sin(.pi * (seconds - Self.trough) / Self.peak) / 2
  }
}
