import Clocks
import Foundation

/// One circuit's copy of what an output of the stimulator put out, for as long as its rings reach
/// back.
final class OutputFollower {
  private let world: SimulatedWorld
  private let reader: OutputTruth.Reader
  private let memory: Nanoseconds
  private var knownUntil = Nanoseconds.min
  private(set) var runs: [OutputRun] = []
  /// Runs dropped from the front of ``runs``.
  private(set) var dropped = 0

  /// Follows an output that is looked at with a latency, in nanoseconds.
  init(_ context: SignalContext, _ source: OutputSource, latency: Double = 0) {
    world = context.world
    memory = context.memory + Nanoseconds(latency)
    reader = world.addReader(of: source, memory: memory)
  }

  deinit { world.removeReader(reader) }

  /// Makes ``runs`` complete up to a time that has passed.
  func follow(until time: Nanoseconds) {
    guard time > knownUntil else { return }
    knownUntil = world.timekeeper.now
    world.drain(reader, into: &runs)
  }

  /// Forgets what no ring reaches back to.
  func trim() {
    guard !world.keepsTruth, runs.count > 256 else { return }
    // The run before the first one needed says what the level was.
    let unneeded = place(at: knownUntil - memory)
    guard unneeded > runs.count / 2 else { return }
    runs.removeFirst(unneeded)
    dropped += unneeded
  }

  /// The run under way at a time, −1 before the first.
  func place(at time: Nanoseconds) -> Int {
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].time <= time { low = middle + 1 } else { high = middle }
    }
    return low - 1
  }
}

/// What an output puts out, sampled by the circuit.
final class OutputGenerator: SignalGenerator {
  private let output: OutputFollower
  private let scale: Double

  init(_ output: OutputFollower, scale: Double) {
    self.output = output
    self.scale = scale
  }

  func add(_ block: SignalBlock, channel: Int, to values: UnsafeMutableBufferPointer<Double>) {
    output.follow(until: block.end)
    defer { output.trim() }
    let runs = output.runs
    var run = output.place(at: block.origin + Nanoseconds(block.time))
    for place in values.indices {
      let time = block.time + block.timeStep * Double(place)
      while run + 1 < runs.count, Double(runs[run + 1].time - block.origin) <= time { run += 1 }
      if run >= 0 { values[place] += scale * runs[run].level }
    }
  }
}

/// The tissue's answer: the rectified output through a gain, a latency and an alpha function,
/// t/τ · exp(1 − t/τ), of unit peak for an impulse of 1 mA · ms.
///
/// The alpha function is a filter of two states. They are kept for the beginning of every run, so
/// that the value at any time is a closed function of the run it falls in.
final class EvokedGenerator: SignalGenerator {
  /// ∫ u · exp(−x/τ) and ∫ u · x/τ · exp(−x/τ) over the past, x ago, in mA · ms.
  private struct Filter {
    var decay = 0.0
    var response = 0.0

    /// After `x` time constants more with the input `area` (mA · ms a time constant).
    func after(_ x: Double, area: Double) -> Filter {
      let fading = exp(-x)
      return Filter(
        decay: decay * fading + area * (1 - fading),
        response: (response + decay * x) * fading + area * (1 - (1 + x) * fading))
    }
  }

  private let output: OutputFollower
  private let gain: Double
  private let latency: Double
  /// Nanoseconds.
  private let timeConstant: Double
  /// The states at the beginning of each of the output's runs.
  private var filters: [Filter] = []
  private var dropped = 0

  /// Latency and time constant are in seconds.
  init(_ output: OutputFollower, gain: Double, latency: Double, timeConstant: Double) {
    self.output = output
    self.gain = gain
    self.latency = latency * 1e9
    self.timeConstant = timeConstant * 1e9
  }

  func add(_ block: SignalBlock, channel: Int, to values: UnsafeMutableBufferPointer<Double>) {
    output.follow(until: block.end)
    filter()
    defer { output.trim() }
    let runs = output.runs
    var run = output.place(at: block.origin + Nanoseconds(block.time - latency))
    for place in values.indices {
      let time = block.time + block.timeStep * Double(place) - latency
      while run + 1 < runs.count, Double(runs[run + 1].time - block.origin) <= time { run += 1 }
      guard run >= 0 else { continue }
      let state = filters[run].after(
        (time - Double(runs[run].time - block.origin)) / timeConstant, area: area(runs[run]))
      values[place] += gain * M_E * state.response
    }
  }

  private func area(_ run: OutputRun) -> Double { abs(run.level) * timeConstant * 1e-6 }

  private func filter() {
    let runs = output.runs
    if output.dropped > dropped {
      filters.removeFirst(output.dropped - dropped)
      dropped = output.dropped
    }
    if filters.isEmpty, !runs.isEmpty { filters.append(Filter()) }
    while filters.count < runs.count {
      let last = runs[filters.count - 1]
      let pause = Double(runs[filters.count].time - last.time) / timeConstant
      filters.append(filters[filters.count - 1].after(pause, area: area(last)))
    }
  }
}
