import Clocks
import Devices

/// How a simulated stimulator's outputs move on. The device pulls samples in slices of 1 ms and
/// keeps its own ring half full; what it lacks is silence, or stops the trigger.
extension StimulatorCore {
  /// Plays every frame that begins by a host time.
  mutating func play(to target: Nanoseconds, _ truth: inout OutputTruth) {
    let end = oscillator.tick(at: target) + 1
    let wasRunning = isRunning
    for channel in lanes.indices {
      onLane(channel) { core, lane in
        while lane.isRunning, lane.clock < end {
          if lane.program != nil {
            core.playProgram(&lane, channel, to: end, &truth)
          } else {
            core.playStream(&lane, channel, to: end, &truth)
          }
        }
      }
      pull(channel)
    }
    if wasRunning, !isRunning { isLooping = false }
  }

  /// Takes a lane out while it is worked on: neither a copy nor an overlapping access.
  private mutating func onLane(
    _ channel: Int, _ body: (inout StimulatorCore, inout OutputLane) -> Void
  ) {
    var lane = OutputLane()
    swap(&lane, &lanes[channel])
    body(&self, &lane)
    swap(&lane, &lanes[channel])
  }

  private mutating func playStream(
    _ lane: inout OutputLane, _ channel: Int, to end: Int64, _ truth: inout OutputTruth
  ) {
    let limit = isLinked ? lane.signal.end : lane.pulled
    guard lane.played < limit, let run = lane.signal.run(at: lane.played) else {
      starve(&lane, channel, to: end, &truth)
      return
    }
    if lane.isStarved || lane.segments.isEmpty {
      lane.segments.append((lane.played, lane.clock))
      lane.isStarved = false
    }
    let count = min(run.end - lane.played, limit - lane.played, end - lane.clock)
    put(run.code, &lane, channel, &truth)
    playSync(&lane, channel, count: count, &truth)
    lane.played += count
    lane.clock += count
  }

  private func playSync(
    _ lane: inout OutputLane, _ channel: Int, count: Int64, _ truth: inout OutputTruth
  ) {
    guard lane.drivesSync else { return }
    var sample = lane.played
    while sample < lane.played + count {
      // A sync stream that was fed less than the signal is low.
      let run = lane.sync.run(at: sample) ?? (0, .max)
      putSync(run.code, &lane, channel, at: lane.clock + sample - lane.played, sample, &truth)
      sample = run.end
    }
  }

  private func playProgram(
    _ lane: inout OutputLane, _ channel: Int, to end: Int64, _ truth: inout OutputTruth
  ) {
    guard let program = lane.program, let run = program.run(at: program.position) else {
      stop(&lane, channel, &truth)
      return
    }
    let count = min(run.end - program.position, end - lane.clock)
    put(run.code, &lane, channel, &truth)
    lane.program?.position += count
    lane.clock += count
  }

  private mutating func starve(
    _ lane: inout OutputLane, _ channel: Int, to end: Int64, _ truth: inout OutputTruth
  ) {
    if lane.isDraining {
      stop(&lane, channel, &truth)
      return
    }
    hadUnderrun = true
    guard setup?.continuous == true else {
      stop(&lane, channel, &truth)
      return
    }
    lane.isStarved = true
    put(0, &lane, channel, &truth)
    putSync(0, &lane, channel, at: lane.clock, lane.played, &truth)
    lane.clock = end
  }

  /// A scripted underrun: 20 ms of nothing, whatever is queued.
  mutating func starve(_ truth: inout OutputTruth) {
    for channel in lanes.indices
    where lanes[channel].isRunning && lanes[channel].program == nil {
      onLane(channel) { core, lane in
        core.starve(&lane, channel, to: lane.clock + 20 * core.slice, &truth)
      }
    }
  }

  /// The device takes what keeps its ring half full.
  private mutating func pull(_ channel: Int) {
    guard isLooping, isLinked else { return }
    let lane = lanes[channel]
    let target = lane.done / slice * slice + lane.capacity / 2
    lanes[channel].pulled = max(lane.pulled, lane.played, min(lane.signal.end, target))
  }

  // MARK: - Start and stop

  /// Starts channels at the next frame.
  mutating func start(channels: some Sequence<Int>) {
    let frame = oscillator.tick(at: time) + 1
    for channel in channels where !lanes[channel].isRunning {
      lanes[channel].clock = frame
      lanes[channel].isRunning = true
      lanes[channel].isDraining = false
      lanes[channel].hasStarted = true
      lanes[channel].isStarved = true
      lanes[channel].program?.rewind()
    }
  }

  /// Silence after what is queued; a stored signal ends with its period, if that is soon (500 ms).
  mutating func drain(channels: some Sequence<Int>, _ truth: inout OutputTruth) {
    for channel in channels where lanes[channel].isRunning {
      lanes[channel].isDraining = true
      guard var program = lanes[channel].program else { continue }
      program.repeats = Int(program.position / program.period) + 1
      if program.length - program.position > 500 * slice {
        silence(channels: CollectionOfOne(channel), &truth)
      } else {
        lanes[channel].program = program
      }
    }
  }

  /// Silence at once: the rings are emptied.
  mutating func silence(channels: some Sequence<Int>, _ truth: inout OutputTruth) {
    for channel in channels where lanes[channel].isRunning {
      onLane(channel) { core, lane in core.stop(&lane, channel, &truth) }
    }
    if !isRunning { isLooping = false }
  }

  private func stop(_ lane: inout OutputLane, _ channel: Int, _ truth: inout OutputTruth) {
    put(0, &lane, channel, &truth)
    putSync(0, &lane, channel, at: lane.clock, lane.played, &truth)
    lane.isRunning = false
    lane.isDraining = false
    lane.pulled = lane.played
    lane.signal.clear(next: lane.played)
    lane.sync.clear(next: lane.played)
    lane.phase = PhaseCharge()
  }

  // MARK: - Outputs

  private func put(
    _ code: Int16, _ lane: inout OutputLane, _ channel: Int, _ truth: inout OutputTruth
  ) {
    let code = truncated(code)
    guard code != lane.code else { return }
    lane.code = code
    truth.append(
      OutputRun(
        time: oscillator.time(ofTick: lane.clock), deviceFrame: lane.clock,
        streamFrame: lane.program?.position ?? lane.played, code: code,
        level: Double(code) / codesPerUnit),
      to: .channel(channel))
  }

  private func putSync(
    _ level: Int16, _ lane: inout OutputLane, _ channel: Int, at frame: Int64, _ sample: Int64,
    _ truth: inout OutputTruth
  ) {
    guard level != lane.syncLevel else { return }
    lane.syncLevel = level
    truth.append(
      OutputRun(
        time: oscillator.time(ofTick: frame), deviceFrame: frame, streamFrame: sample,
        code: level, level: Double(level)),
      to: .sync(channel))
  }
}
