public import Clocks
public import Devices
import Glibc
import NWB
import Samples

/// What `daqrec acquire` is to do with one buffer (buffers.md, "Epochs").
public struct EpochRequest: Sendable {
  public enum Goal: Sendable, Equatable {
    /// So many samples per channel, a multiple of the block size.
    case samples(Int)
    /// Until a scalar tag does something.
    case tag(String, EndCondition)
  }

  public var buffer: String
  /// Fired for each trial; nil: none.
  public var trigger: Trigger?
  public var goal: Goal
  public var trials = 1
  /// Seconds between a trial's end and the next trigger, between reads, and without a new sample.
  public var interval = 0.0
  public var poll = 0.1
  public var timeout = 10.0

  public init(buffer: String, trigger: Trigger?, goal: Goal) {
    self.buffer = buffer
    self.trigger = trigger
    self.goal = goal
  }
}

/// What became of the trials.
public struct EpochReport: Sendable {
  public var path: String
  public var epochs: [Epoch] = []
  /// Why it ended early.
  public var failure: String?
  /// The signal that ended it.
  public var signal: Int32?

  /// Frames lost in all trials.
  public var lost: Int64 { epochs.reduce(0) { $0 + $1.losses.reduce(0) { $0 + $1.count } } }

  public var exitCode: Int32 {
    if failure != nil { return 69 }
    if lost > 0 { return 75 }
    return signal.map { 128 + $0 } ?? 0
  }
}

extension SessionPlan {
  /// The part of a session that acquiring from one of its buffers needs; nil without that buffer.
  public static func forEpochs(
    of buffer: String, _ session: Session, openers: DeviceOpeners, output: String?,
    software: [(name: String, version: String)]
  ) -> SessionPlan? {
    guard let found = session.buffers.first(where: { $0.name == buffer && $0.kind == .samples })
    else { return nil }
    var part = session
    part.buffers = [found]
    part.circuits = session.circuits.filter { $0.name == found.circuit }
    part.outputs = []
    part.stimulator = nil
    part.stimulus = StimulusSettings()
    return SessionPlan(part, openers: openers, output: output, software: software)
  }

  /// Acquires trials into a file: the usual series, unwritten between the trials, and a row of the
  /// trials' table for each. Runs on the calling thread, which owns the device and the file.
  ///
  /// `warn`: a line for the person at the rig.
  ///
  /// - Throws: ``Recorder/StartError`` when nothing could be acquired; no file is left behind then.
  public func acquire(
    _ request: EpochRequest, _ timekeeper: any Timekeeper, stop: StopSignal,
    warn: (String) -> Void = { _ in }
  ) throws(Recorder.StartError) -> EpochReport {
    do {
      let plan = circuits[0]
      let circuit = try plan.open(LinkReports(log: { _ in }, exchange: { _ in }))
      defer { circuit.close() }
      let found = try Acquisition.look(at: circuit, plan)
      let buffer = InputBuffer(found.buffers[0], on: circuit, latch: plan.latch)
      let block = buffer.attributes.blockSize
      if case .samples(let count) = request.goal, count % block != 0 {
        throw BufferError(
          buffer: request.buffer, kind: .badBlockSize,
          message: "\(count) samples are not allowed: a multiple of the block size, \(block)")
      }
      if let weaker = buffer.attributes.weakerPromise { warn("\(request.buffer): \(weaker)") }
      let run = EpochRun(
        request: request, buffer: buffer, timekeeper: timekeeper, stop: stop,
        settings: file, clock: SessionClock(origin: timekeeper.now))
      return try run.record(circuit, description([found], nil, origin: run.clock.origin))
    } catch {
      throw Recorder.StartError(error)
    }
  }
}

/// One `daqrec acquire` under way.
private final class EpochRun {
  /// Thrown through the acquisition when a stop is requested.
  private struct Stopped: Error {}

  let request: EpochRequest
  let buffer: InputBuffer
  let timekeeper: any Timekeeper
  let stop: StopSignal
  let settings: FilePlan
  let clock: SessionClock
  private var map: LiveClockMap
  private var file: RecordingFile?
  private var nextFlush: Nanoseconds = 0
  private var trial = 0

  init(
    request: EpochRequest, buffer: InputBuffer, timekeeper: any Timekeeper, stop: StopSignal,
    settings: FilePlan, clock: SessionClock
  ) {
    self.request = request
    self.buffer = buffer
    self.timekeeper = timekeeper
    self.stop = stop
    self.settings = settings
    self.clock = clock
    map = LiveClockMap(rate: buffer.attributes.rate)
  }

  func record(_ circuit: any Circuit, _ description: RecordingDescription) throws -> EpochReport {
    var report = EpochReport(path: settings.path)
    do throws(NWBError) {
      file = try RecordingFile(creating: settings.path, description)
    } catch {
      throw Recorder.StartError(
        exitCode: 73, place: settings.path,
        description: "cannot create \(settings.path): \(error)")
    }
    do {
      try circuit.run()
      defer { try? circuit.halt() }
      for _ in 0..<request.trials {
        let epoch = try acquireOne()
        report.epochs.append(epoch)
        note(epoch)
      }
    } catch is Stopped {
      if case .signal(let number)? = stop.reason { report.signal = number }
    } catch {
      guard let rows = file?.series[0].rows, rows > 0 else {
        unlink(settings.path)
        throw error
      }
      file?.log.append(at: now, .error, "\(error)")
      report.failure = "\(error)"
    }
    file?.log.append(at: now, .stop, report.failure ?? "\(report.epochs.count) trials")
    do throws(NWBError) {
      _ = try file.take()?.close()
    } catch {
      throw Recorder.StartError(exitCode: 74, place: settings.path, description: "\(error)")
    }
    return report
  }

  private func acquireOne() throws -> Epoch {
    let epochs = Epochs(buffer, timekeeper: timekeeper)
    if trial > 0 {
      timekeeper.sleep(until: timekeeper.now + Int64(min(request.interval, 1e6) * 1e9))
    }
    trial += 1
    let each: (Int, SampleBlock) throws -> Void = { [self] _, block in try take(block) }
    let found: [Epoch]
    switch request.goal {
    case .samples(let samples):
      found = try epochs.acquireSamples(
        trigger: request.trigger, samples: samples, poll: request.poll, timeout: request.timeout,
        each: each)
    case .tag(let tag, let end):
      found = try epochs.acquire(
        trigger: request.trigger, handshake: tag, until: end, poll: request.poll,
        timeout: request.timeout, each: each)
    }
    try file?.flush()
    return found[0]
  }

  /// Writes a block where it belongs; flushes in time; ends when a stop is requested.
  private func take(_ block: SampleBlock) throws {
    try noteReading()
    if block.frameCount > 0, let series = file?.series[0] {
      try series.skip(rows: max(0, Int(block.firstFrame) - series.rows))
      try block.bytes.withUnsafeBytes { try series.append($0) }
    }
    if timekeeper.now >= nextFlush {
      try file?.series[0].exposeOpenChunk()
      try file?.flush()
      nextFlush = timekeeper.now + settings.flushInterval / 2
    }
    if stop.isRequested { throw Stopped() }
  }

  /// Writes a trial's row, and what was lost in it.
  private func note(_ epoch: Epoch) {
    let frames = epoch.firstFrame..<epoch.firstFrame + epoch.frameCount
    try? file?.trials.append(
      start: seconds(of: frames.lowerBound), stop: seconds(of: frames.upperBound), frames: frames,
      [:])
    for loss in epoch.losses {
      let lost = loss.first..<loss.first + loss.count
      file?.invalidTimes.append(
        start: seconds(of: lost.lowerBound), stop: seconds(of: lost.upperBound),
        series: buffer.attributes.name, frames: lost, reason: loss.reason.rawValue)
      file?.log.append(
        at: now, .gap,
        "\(buffer.attributes.name): \(loss.count) samples from \(loss.first) are missing "
          + "(\(loss.reason.rawValue))")
    }
  }

  private func noteReading() throws {
    guard let reading = buffer.lastReading else { return }
    if reading.sample >= 0 {
      let together = buffer.attributes.format.framesPerUnit
      map.add(ClockReading(stored: reading.sample, together: together, in: reading.bracket))
      if let map = map.map {
        if clock.start == nil {
          let host = reading.bracket.middle
          let start = clock.seconds(atHost: host) - map.sample(at: host) / map.rate
          clock.follow(start: start, map: map)
          try file?.series[0].setStartingTime(start)
        } else {
          clock.update(map)
        }
      }
    }
    try file?.circuits[0].append(
      time: clock.seconds(atHost: reading.bracket.middle),
      host: Double(reading.bracket.middle - clock.origin) * 1e-9, sample: reading.sample,
      bracket: (reading.bracket.before, reading.bracket.after), positions: [reading.position])
  }

  private var now: Double { clock.seconds(atHost: timekeeper.now) }

  private func seconds(of frame: Int64) -> Double {
    (clock.start ?? 0) + Double(frame) / buffer.attributes.rate
  }
}
