import Foundation
import Samples

/// The frame number itself, plus 1000 for each channel, wrapped to the store's type.
final class CounterGenerator: SignalGenerator {
  private let source: SourceType

  init(_ source: SourceType) { self.source = source }

  /// The code of a frame: an integer of the type, or a whole number that a float32 holds.
  @inline(__always)
  static func code(_ frame: Int64, channel: Int, _ source: SourceType) -> Int64 {
    let sum = frame &+ 1000 &* Int64(channel)
    return switch source {
    case .int8: Int64(Int8(truncatingIfNeeded: sum))
    case .int16: Int64(Int16(truncatingIfNeeded: sum))
    case .int32: Int64(Int32(truncatingIfNeeded: sum))
    case .float32: frame & 0xF_FFFF + 1000 * Int64(channel)
    }
  }

  func add(_ block: SignalBlock, channel: Int, to values: UnsafeMutableBufferPointer<Double>) {
    for (place, frame) in block.frames.enumerated() {
      values[place] +=
        Double(Self.code(frame, channel: channel, source)) / block.scalingFactor
    }
  }

  /// Fills slots with the codes of whole frames, the quick way; nothing but counters can be filled
  /// so.
  ///
  /// - Precondition: the store packs the least significant bits first.
  static func fill(
    _ slots: UnsafeMutableBufferPointer<UInt32>, from frame: Int64, _ format: SlotFormat
  ) {
    switch format.source {
    case .int8: fill(slots, as: Int8.self, from: frame, channels: format.channels)
    case .int16: fill(slots, as: Int16.self, from: frame, channels: format.channels)
    case .int32: fill(slots, as: Int32.self, from: frame, channels: format.channels)
    case .float32:
      for place in slots.indices {
        let (row, channel) = place.quotientAndRemainder(dividingBy: format.channels)
        slots[place] =
          Float(code(frame + Int64(row), channel: channel, .float32)).bitPattern
      }
    }
  }

  private static func fill<Lane: FixedWidthInteger>(
    _ slots: UnsafeMutableBufferPointer<UInt32>, as type: Lane.Type, from frame: Int64,
    channels: Int
  ) {
    slots.withMemoryRebound(to: Lane.self) { lanes in
      guard let base = lanes.baseAddress else { return }
      for row in 0..<lanes.count / channels {
        let first = Lane(truncatingIfNeeded: frame &+ Int64(row))
        let out = base + row * channels
        for channel in 0..<channels {
          out[channel] =
            first &+ Lane(truncatingIfNeeded: channel) &* Lane(truncatingIfNeeded: 1000)
        }
      }
    }
  }
}

/// A sine, shifted from channel to channel.
final class SineGenerator: SignalGenerator {
  private let amplitude: Double
  private let periodsPerTick: Double
  private let phaseStep: Double

  init(amplitude: Double, frequency: Double, phaseStep: Double, rate: Double) {
    self.amplitude = amplitude
    periodsPerTick = frequency / rate
    self.phaseStep = phaseStep
  }

  func add(_ block: SignalBlock, channel: Int, to values: UnsafeMutableBufferPointer<Double>) {
    let shift = phaseStep * Double(channel)
    let step = periodsPerTick * Double(block.decimation)
    for (place, frame) in block.frames.enumerated() {
      let periods = Double(frame + 1) * step + shift
      values[place] += amplitude * sin(2 * .pi * (periods - periods.rounded(.down)))
    }
  }
}

/// A stored array, frame by frame since the store began by its gate; its last channel serves all
/// further ones.
final class PlaybackGenerator: SignalGenerator {
  private let array: NumpyArray
  private let values: [Float]
  private let scale: Double
  private let loops: Bool

  init(_ array: NumpyArray, scale: Double, loops: Bool) {
    self.array = array
    values = array.floats
    self.scale = scale
    self.loops = loops
  }

  func add(_ block: SignalBlock, channel: Int, to values: UnsafeMutableBufferPointer<Double>) {
    let length = Int64(array.frames)
    guard length > 0 else { return }
    let column = min(channel, array.channels - 1)
    for (place, circuitFrame) in block.frames.enumerated() {
      let frame = circuitFrame - block.enabled
      guard frame >= 0 else { continue }
      guard loops || frame < length else { return }
      values[place] += Double(self.values[Int(frame % length) * array.channels + column]) * scale
    }
  }
}

/// A tick stamp each period: frame k is made at tick (k + 1) · period.
final class StampGenerator: SignalGenerator {
  private let period: Int64

  init(period: Int) { self.period = Int64(period) }

  func add(_ block: SignalBlock, channel: Int, to values: UnsafeMutableBufferPointer<Double>) {
    for (place, frame) in block.frames.enumerated() {
      values[place] += Double((frame + 1) * period) / block.scalingFactor
    }
  }
}
