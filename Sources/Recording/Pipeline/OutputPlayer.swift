import Clocks
import Devices
import NWB
import Samples

/// Plays a waveform from a circuit's output buffer, on the circuit's own thread.
///
/// An epoch is loaded before the circuit runs. Continuous output is queued ahead of the position
/// with every poll: the waveform once, then zeros.
struct OutputPlayer {
  private let plan: OutputPlan
  private let buffer: OutputBuffer
  private let waveform: [Float]
  private var next = 0
  private var hasStarted = false
  private var underruns = 0

  var attributes: BufferAttributes { buffer.attributes }

  init(_ plan: OutputPlan, on circuit: any Circuit) throws {
    self.plan = plan
    buffer = OutputBuffer(try BufferAttributes(opening: plan.request, on: circuit), on: circuit)
    waveform = try plan.waveform()
  }

  /// Fills the idle store, before the circuit runs.
  mutating func prepare() throws {
    switch plan.mode {
    case .epoch:
      try buffer.set(waveform)
      next = waveform.count
    case .continuous:
      try buffer.clear()
      _ = try queue(most: buffer.attributes.size)
    }
  }

  /// Starts it once everything is ready, and keeps a continuous output fed.
  mutating func poll(_ circuit: any Circuit, _ context: AcquirerContext) throws {
    if plan.mode == .continuous { try feed(context) }
    guard !hasStarted else { return }
    hasStarted = true
    var at = context.clock.seconds(atHost: context.now)
    if let trigger = plan.trigger {
      at = context.clock.seconds(atHost: try circuit.fire(trigger, mode: .pulse).middle)
    }
    let frames = waveform.count / buffer.attributes.format.channels
    context.inlet.log(
      .output, "\(plan.name): \(plan.mode.rawValue) of \(frames) samples from \(plan.source)",
      at: at)
    if buffer.saturatedSamples > 0 { report("samples were beyond the type and limited", context) }
  }

  /// Silence when the session ends.
  mutating func finish() throws {
    try buffer.clear()
  }

  private mutating func feed(_ context: AcquirerContext) throws {
    let isPlaying = next < waveform.count
    // Half a ring at a time, so that reading never waits long for a write.
    if let written = try queue(most: buffer.attributes.size / 2), isPlaying,
      next == waveform.count
    {
      context.inlet.log(
        .output, "\(plan.name): its last sample is queued",
        at: context.clock.seconds(atHost: written.middle))
    }
    if buffer.underruns > underruns {
      underruns = buffer.underruns
      report("ran dry, \(buffer.underrunFrames) frames in all played stale data", context)
    }
  }

  /// Queues what comes next, in whole blocks, zeros after the waveform's end.
  private mutating func queue(most: Int) throws -> Bracket? {
    let channels = buffer.attributes.format.channels
    let block = buffer.attributes.blockSize
    let frames = min(try buffer.available(), max(block, most)) / block * block
    guard frames > 0 else { return nil }
    let end = min(waveform.count, next + frames * channels)
    var values = Array(waveform[next..<end])
    values += Array(repeating: 0, count: frames * channels - values.count)
    next = end
    return try buffer.write(values).bracket
  }

  private func report(_ text: String, _ context: AcquirerContext) {
    context.inlet.log(
      .underrun, "\(plan.name): \(text)", at: context.clock.seconds(atHost: context.now))
    context.warn("\(plan.name): \(text)")
  }
}
