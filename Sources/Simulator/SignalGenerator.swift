import Clocks
import Devices
import Samples

/// Makes the values of a store's frames, in units of code / sf: pure functions of the frame, so
/// that slots can be made when they are read, in any order.
protocol SignalGenerator: AnyObject {
  /// Adds the values of one channel to `values`, one for each frame of the block.
  func add(_ block: SignalBlock, channel: Int, to values: UnsafeMutableBufferPointer<Double>)
}

/// Some frames of a store that are made together; they never cross a multiple of ``length``.
struct SignalBlock {
  static let length: Int64 = 256

  let frames: Range<Int64>
  /// The frame with which the store last began by its gate; 0 without one.
  let enabled: Int64
  /// Ticks per frame.
  let decimation: Int
  let scalingFactor: Double
  /// What ``time`` counts from.
  let origin: Nanoseconds
  /// When the first frame was sampled, host time, ns after ``origin``; and the time per frame.
  let time: Double
  let timeStep: Double

  /// The host time by which every frame had been sampled.
  var end: Nanoseconds { origin + Nanoseconds(time + timeStep * Double(frames.count)) }

  /// - Precondition: the frames do not lie across a multiple of ``length``.
  init(
    _ frames: Range<Int64>, enabled: Int64, decimation: Int, scalingFactor: Double,
    oscillator: Oscillator
  ) {
    self.frames = frames
    self.enabled = enabled
    self.decimation = decimation
    self.scalingFactor = scalingFactor
    origin = oscillator.origin
    // Times are a line through the whole block, whatever part of it is asked for.
    let start = frames.lowerBound / Self.length * Self.length
    // Frame n is sampled and stored at tick (n + 1) · dec.
    func time(_ frame: Int64) -> Double {
      oscillator.seconds(atCycles: Double((frame + 1) * Int64(decimation))) * 1e9
    }
    let first = time(start)
    timeStep = (time(start + Self.length) - first) / Double(Self.length)
    self.time = first + timeStep * Double(frames.lowerBound - start)
  }
}

/// What generators need of the circuit they belong to.
struct SignalContext {
  let rate: Double
  let format: SlotFormat
  let seed: UInt64
  let world: SimulatedWorld
  /// How long ago a slot that is still in a ring can have been written.
  let memory: Nanoseconds
  /// Called with the data tag of an output store.
  let player: (String) throws(DeviceError) -> OutputPlayer
  /// Called with a file's path.
  let array: (String) throws(DeviceError) -> NumpyArray
}

/// The generator of a model.
func makeGenerator(
  _ model: SignalModel, _ context: SignalContext, path: String = ""
) throws(DeviceError) -> any SignalGenerator {
  let seed = seed(context.seed, for: path)
  switch model {
  case .counter:
    return CounterGenerator(context.format.source)
  case .sine(let amplitude, let frequency, let phaseStep):
    return SineGenerator(
      amplitude: amplitude, frequency: frequency, phaseStep: phaseStep, rate: context.rate)
  case .noise(let deviation, let correlation):
    return NoiseGenerator(
      deviation: deviation, correlation: correlation, channels: context.format.channels, seed: seed)
  case .spikes(let amplitude, let rate, let noise):
    return SpikeGenerator(
      amplitude: amplitude, rate: rate, noise: noise, tickRate: context.rate, seed: seed)
  case .playback(let path, let scale, let loop):
    return PlaybackGenerator(try context.array(path), scale: scale, loops: loop)
  case .evoked(let channel, let gain, let latency, let timeConstant):
    return EvokedGenerator(
      OutputFollower(context, .channel(channel), latency: latency * 1e9), gain: gain,
      latency: latency,
      timeConstant: timeConstant)
  case .output(let channel):
    return OutputGenerator(OutputFollower(context, .channel(channel)), scale: 1)
  case .sync(let output, let level):
    return OutputGenerator(OutputFollower(context, .sync(output)), scale: level)
  case .playedBy(let dataTag):
    return PlayedGenerator(try context.player(dataTag))
  case .stamps(let period):
    return StampGenerator(period: period)
  case .sum(let models):
    var terms: [any SignalGenerator] = []
    for (number, model) in models.enumerated() {
      terms.append(try makeGenerator(model, context, path: "\(path)/\(number)"))
    }
    return SumGenerator(terms)
  case .channel(let channel, let one, let others):
    return ChannelGenerator(
      channel: channel, one: try makeGenerator(one, context, path: path + "/one"),
      others: try makeGenerator(others, context, path: path + "/else"))
  }
}

/// Several signals added.
final class SumGenerator: SignalGenerator {
  private let terms: [any SignalGenerator]

  init(_ terms: [any SignalGenerator]) { self.terms = terms }

  func add(_ block: SignalBlock, channel: Int, to values: UnsafeMutableBufferPointer<Double>) {
    for term in terms { term.add(block, channel: channel, to: values) }
  }
}

/// One signal on one channel, another on the rest.
final class ChannelGenerator: SignalGenerator {
  private let channel: Int
  private let one: any SignalGenerator
  private let others: any SignalGenerator

  init(channel: Int, one: any SignalGenerator, others: any SignalGenerator) {
    self.channel = channel
    self.one = one
    self.others = others
  }

  func add(_ block: SignalBlock, channel: Int, to values: UnsafeMutableBufferPointer<Double>) {
    (channel == self.channel ? one : others).add(block, channel: channel, to: values)
  }
}
