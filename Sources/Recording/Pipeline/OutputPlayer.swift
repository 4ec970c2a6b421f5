import Clocks
import Devices
import NWB
import Samples

/// Plays a waveform from a circuit's output buffer, on the circuit's own thread.
///
/// An epoch is loaded before the circuit runs. Continuous output begins with the first poll, as
/// recording does: until then the store plays zeros, however often it wraps while the circuit
/// starts. It is queued ahead of the position with every poll: the waveform once, then a ring of
/// zeros.
struct OutputPlayer {
  let plan: OutputPlan
  private let buffer: OutputBuffer
  private let waveform: [Float]
  private let saturated: Int
  /// Values queued so far.
  private var next = 0
  /// Frames of zeros queued behind the waveform's end.
  private var silence = 0
  /// What is queued goes on at this offset; nil before anything is.
  private var queuedTo: Int64?
  /// A sample of the waveform and the offset at which it will be put out; nil once that is logged.
  private var beginning: (sample: Int, offset: Int64)?
  /// The offset behind the waveform's last sample; nil once that is logged.
  private var end: Int64?
  private var hasStarted = false
  private var hasLogged = false
  private var underruns = 0
  /// Since when the device refuses what the output asks; kept by the acquirer.
  var failingSince: Nanoseconds?
  /// Nothing more is played: it failed for a reason of its own.
  private(set) var hasFailed = false

  var attributes: BufferAttributes { buffer.attributes }

  /// Opens the buffer and checks that the waveform can be played; changes nothing.
  ///
  /// - Throws: ``OutputError`` when it cannot be, else a call's `DeviceError`.
  init(_ plan: OutputPlan, on circuit: any Circuit) throws {
    self.plan = plan
    do {
      buffer = OutputBuffer(try BufferAttributes(opening: plan.request, on: circuit), on: circuit)
    } catch let error as BufferError {
      throw OutputError(output: plan.name, message: error.message)
    }
    let source = try plan.waveform()
    if plan.mode == .epoch {
      do throws(BufferError) {
        try buffer.check(frames: source.samples.count / buffer.attributes.format.channels)
      } catch {
        throw OutputError(output: plan.name, message: "\(plan.source): \(error.message)")
      }
    }
    let rate = buffer.attributes.rate
    if let made = source.rate, abs(made / rate - 1) > 0.001 {
      throw OutputError(
        output: plan.name,
        message: "\(plan.source) has \(made) samples a second, but \(rate) are played; resample "
          + "it, or give a .npy file, which has no rate")
    }
    waveform = source.samples
    saturated = buffer.saturatedSamples(in: waveform)
  }

  /// Seconds that the ring lasts while it must be fed; nil when nothing is to be fed.
  var ringTime: Double? {
    plan.mode == .continuous && !isSilent && !hasFailed ? buffer.attributes.sampleTime : nil
  }

  /// Fills the idle store, before the circuit runs.
  mutating func prepare(_ context: AcquirerContext) throws {
    if saturated > 0 {
      let text =
        "\(saturated) samples of \(plan.source) are beyond "
        + "\(buffer.attributes.format.source.rawValue) and limited to it"
      report(.saturated, text, at: context.clock.seconds(atHost: context.now), context)
      context.warn("\(plan.name): \(text)")
      context.board.update { $0.outputs[plan.number].saturated = saturated }
    }
    switch plan.mode {
    case .epoch: try buffer.set(waveform)
    case .continuous: try buffer.clear()
    }
  }

  /// Starts it once everything is ready, and keeps a continuous output fed.
  mutating func poll(_ circuit: any Circuit, _ context: AcquirerContext) throws {
    if plan.mode == .continuous, !isSilent { try feed(context) }
    if !hasStarted {
      let fired = try plan.trigger.map { try circuit.fire($0, mode: .pulse) }
      hasStarted = true
      if let fired, plan.mode == .epoch { logEpoch(firedAt: fired, context) }
    } else if plan.mode == .epoch, !hasLogged {
      try buffer.look()
      logEpoch(context)
    }
  }

  /// Silence when the session ends.
  mutating func finish() throws {
    try buffer.clear()
  }

  /// Ends the output, with silence if that is possible.
  mutating func giveUp(_ error: any Error, _ context: AcquirerContext) {
    hasFailed = true
    let text = "\((error as? BufferError)?.message ?? "\(error)"): nothing more is played"
    report(.error, text, at: context.clock.seconds(atHost: context.now), context)
    context.warn("output \(plan.name): \(text)")
    context.board.update { $0.outputs[plan.number].failure = text }
    try? buffer.clear()
  }

  // MARK: - Continuous output

  private var channels: Int { buffer.attributes.format.channels }

  /// Whether the ring holds nothing but zeros.
  private var isSilent: Bool { silence >= buffer.attributes.size }

  private mutating func feed(_ context: AcquirerContext) throws {
    try queue()
    if buffer.underruns > underruns { noteUnderruns(context) }
    if let begun = beginning, buffer.playedOffset > begun.offset {
      let (time, uncertainty) = time(of: begun.offset, context)
      let what = hasLogged ? "" : self.what
      report(
        .output,
        "\(what)sample \(begun.sample) was put out at this time ± \(uncertainty), as frame "
          + "\(begun.offset) of the store", at: time, context)
      hasLogged = true
      beginning = nil
    }
    if let last = end, buffer.playedOffset >= last {
      let (time, uncertainty) = time(of: last - 1, context)
      report(
        .output, "its last sample was put out at this time ± \(uncertainty)", at: time, context)
      end = nil
    }
  }

  /// Queues what comes next, zeros after the waveform's end.
  private mutating func queue() throws {
    let (channels, count) = (channels, waveform.count)
    let first = next
    var (stop, zeros) = (first, 0)
    // Half a ring at a time where that is long, so that reading never waits long for a write.
    let most = max(buffer.attributes.size / 2, Int(buffer.attributes.rate / 10))
    let queued = try buffer.fill(most: most) { frames in
      stop = min(count, first + frames * channels)
      zeros = frames - (stop - first) / channels
      return waveform[first..<stop] + Array(repeating: 0, count: zeros * channels)
    }
    guard let offset = queued else { return }
    if first < count {
      if offset != queuedTo { beginning = (first / channels, offset) }
      if stop == count { end = offset + Int64((stop - first) / channels) }
    }
    // Behind the end an underrun plays what is left of the waveform once more.
    silence = offset == queuedTo ? silence + zeros : zeros
    queuedTo = offset + Int64((stop - first) / channels + zeros)
    next = stop
  }

  private mutating func noteUnderruns(_ context: AcquirerContext) {
    let text = "ran dry: \(buffer.underrunFrames) frames of stale data so far"
    report(.underrun, text, at: context.clock.seconds(atHost: context.now), context)
    if underruns == 0 { context.warn("\(plan.name): \(text); the report counts further ones") }
    underruns = buffer.underruns
    context.board.update {
      $0.outputs[plan.number].underruns = buffer.underruns
      $0.outputs[plan.number].staleFrames = buffer.underrunFrames
    }
  }

  // MARK: - What was output when

  private var what: String {
    "\(plan.mode.rawValue) of \(waveform.count / channels) samples from \(plan.source); "
  }

  private mutating func logEpoch(firedAt fired: Bracket? = nil, _ context: AcquirerContext) {
    hasLogged = true
    if let fired {
      let (time, uncertainty) = context.clock.bracketed(fired, slack: 1 / buffer.attributes.rate)
      report(
        .output, "\(what)triggered at this time ± \(microseconds(uncertainty))", at: time, context)
    } else {
      let frame = buffer.lastPosition?.frame ?? 0
      let (time, uncertainty) = time(of: frame, context)
      report(
        .output, "\(what)frame \(frame) of the store was put out at this time ± \(uncertainty)",
        at: time, context)
    }
  }

  /// When a frame of the store was put out, by the last position, and the half width in words.
  private func time(
    of frame: Int64, _ context: AcquirerContext
  ) -> (seconds: Double, uncertainty: String) {
    guard let (next, bracket) = buffer.lastPosition else { return (0, "?") }
    let rate = buffer.attributes.rate
    // The position moves by whole units.
    let unit = Double(buffer.attributes.format.framesPerUnit)
    let (now, uncertainty) = context.clock.bracketed(bracket, slack: unit / rate)
    return (now + Double(frame - next) / rate, microseconds(uncertainty))
  }

  private func microseconds(_ seconds: Double) -> String {
    "\(Int64((min(seconds, 1e6) * 1e6).rounded(.up))) µs"
  }

  private func report(
    _ kind: LogKind, _ text: String, at time: Double, _ context: AcquirerContext
  ) {
    context.inlet.log(kind, "\(plan.name): \(text)", at: time)
  }
}
