import Clocks
import Devices
import Samples

/// One call of a simulated circuit: the time it has reached.
struct Call {
  let name: String
  /// Host time at which the call's parts so far are over.
  var time: Nanoseconds

  /// Adds one exchange with the device.
  ///
  /// - Returns: the moment at which the device is touched.
  mutating func takes(_ ways: Latency.Ways) -> Nanoseconds {
    let moment = time + ways.there
    time = moment + ways.back
    return moment
  }
}

/// Something that a circuit does by itself at a host time.
struct Happening {
  enum Kind {
    case fault(CircuitFault.Kind)
    case stallEnds
    case change(tag: String, TagProgram.Change)
  }

  var time: Nanoseconds
  var kind: Kind
}

/// Faults that wait for the call they befall.
struct PendingFaults {
  var delay: Nanoseconds = 0
  var isError = false
  var isTorn = false
  var laps: Double?
}

extension SimulatedCircuit {
  func error(_ call: String, _ code: DeviceError.Code, _ message: String) -> DeviceError {
    DeviceError(device: deviceDescription, call: call, code: code, message: message)
  }

  /// Begins a call: faults that are due befall it. A scripted error has the code `failing`; a poll
  /// draws the faults that come by chance.
  func begin(
    _ name: String, failing code: DeviceError.Code = .driver, isPoll: Bool = false
  ) throws(DeviceError) -> Call {
    guard !isClosed else { throw error(name, .notOpen, "the circuit was closed") }
    var call = Call(name: name, time: timekeeper.now)
    advance(to: call.time)
    if isPoll, isRunning {
      for fault in settings.faults where fault.at == nil && fault.probability > 0 {
        if random.nextUnit() < fault.probability { befall(fault.kind, at: call.time) }
      }
    }
    call.time += pending.delay
    pending.delay = 0
    let isError = pending.isError
    pending.isError = false
    guard !isError, call.time >= downUntil else {
      _ = call.takes(latency.scalar())
      timekeeper.sleep(until: call.time)
      throw isError
        ? error(name, code, "the driver reported an error (scripted)")
        : error(name, .disconnected, "the device does not answer")
    }
    return call
  }

  /// Ends a call: the owner sleeps until it is over.
  func end(_ call: Call) throws(DeviceError) {
    timekeeper.sleep(until: call.time)
    advance(to: call.time)
    if call.time < downUntil { throw error(call.name, .disconnected, "the device went away") }
  }

  // MARK: - What happens by itself

  /// Lets everything happen that is due by a host time.
  func advance(to time: Nanoseconds) {
    while let next = agenda.first, next.time <= time {
      agenda.removeFirst()
      let tick = oscillator?.tick(at: next.time)
      keepPlayed(to: tick)
      switch next.kind {
      case .fault(let fault): befall(fault, at: next.time)
      case .stallEnds:
        if let tick, isRunning { for store in stores { store.timeline.pause(false, at: tick) } }
      case .change(let tag, let change): apply(change, to: tag, at: next.time)
      }
    }
    keepPlayed(to: oscillator?.tick(at: time))
  }

  /// Notes what the output stores played before a tick, ahead of a change.
  func keepPlayed(to tick: Int64?) {
    guard let tick else { return }
    for store in stores { store.player?.advance(to: tick, store.timeline) }
  }

  private func schedule(_ kind: Happening.Kind, at time: Nanoseconds) {
    let place = agenda.firstIndex { $0.time > time } ?? agenda.endIndex
    agenda.insert(Happening(time: time, kind: kind), at: place)
  }

  private func befall(_ fault: CircuitFault.Kind, at time: Nanoseconds) {
    switch fault {
    case .latency(let seconds): pending.delay += nanoseconds(seconds)
    case .error: pending.isError = true
    case .disconnect(let seconds):
      downUntil = seconds == .infinity ? .max : max(downUntil, time + nanoseconds(seconds))
    case .torn: pending.isTorn = true
    case .lap(let times): pending.laps = times
    case .halt: stop(at: time)
    case .setTag(let name, let value): write(name, value, at: time)
    case .stall(let seconds):
      guard let oscillator, isRunning else { return }
      let tick = oscillator.tick(at: time)
      for store in stores { store.timeline.pause(true, at: tick) }
      if seconds < 1e9 { schedule(.stallEnds, at: time + nanoseconds(seconds)) }
    case .reset:
      guard let oscillator, isRunning else { return }
      for store in stores { store.timeline.reset(at: oscillator.tick(at: time)) }
    }
  }

  private func nanoseconds(_ seconds: Double) -> Nanoseconds {
    Nanoseconds(min(max(0, seconds), 1e9) * 1e9)
  }

  // MARK: - Running

  func start(at moment: Nanoseconds) {
    if oscillator == nil {
      oscillator = Oscillator(
        rate: rate, partsPerMillion: settings.partsPerMillion,
        driftPerHour: settings.driftPerHour, wander: settings.wander, origin: moment,
        seed: seed(settings.seed, for: "oscillator"))
      for fault in settings.faults {
        guard let at = fault.at else { continue }
        schedule(.fault(fault.kind), at: moment + nanoseconds(at))
      }
    }
    guard let oscillator else { return }
    isRunning = true
    let tick = oscillator.tick(at: moment)
    for store in stores {
      store.timeline.begin(at: tick, isEnabled: store.store.gate == nil)
      store.latched = RingPosition(cycle: 0, index: 0)
    }
  }

  func stop(at moment: Nanoseconds) {
    guard isRunning, let oscillator else { return }
    let tick = oscillator.tick(at: moment)
    keepPlayed(to: tick)
    for store in stores { store.timeline.end(at: tick) }
    isRunning = false
  }

  // MARK: - Triggers

  func fire(_ trigger: Trigger, _ mode: TriggerMode, at moment: Nanoseconds) {
    let wasHigh = highLines.contains(trigger.line)
    if mode == .high { highLines.insert(trigger.line) } else { highLines.remove(trigger.line) }
    guard mode != .low, !wasHigh, isRunning, let oscillator else { return }
    let tick = oscillator.tick(at: moment)
    if case .software(let number) = trigger, number == latchTrigger {
      for store in stores { store.latched = store.timeline.position(at: tick) }
    }
    keepPlayed(to: tick)
    // A circuit acts on a trigger at its next tick.
    for store in stores {
      guard let gate = store.store.gate, gate.trigger == trigger else { continue }
      let ticks: Int64? =
        switch gate.length {
        case .ticks(let ticks): Int64(ticks)
        case .unlimited: nil
        case .ring:
          store.store.format.frames(inSlots: Int64(store.timeline.size))
            * Int64(store.timeline.decimation)
        }
      store.timeline.enable(at: tick + 1, ticks: ticks, resetsPosition: gate.resetsPosition)
    }
    for program in programs where program.trigger == trigger {
      apply(program.atTrigger, to: program.tag, at: oscillator.time(ofTick: tick + 1))
      schedule(
        .change(tag: program.tag, program.afterwards),
        at: oscillator.time(ofTick: tick + 1 + Int64(program.ticks)))
    }
  }

  private func apply(_ change: TagProgram.Change, to tag: String, at time: Nanoseconds) {
    switch change {
    case .none: break
    case .value(let value): scalars[tag] = value
    case .toggle: scalars[tag] = scalars[tag] == 0 ? 1 : 0
    case .tick: scalars[tag] = Float(oscillator?.tick(at: time) ?? 0)
    }
  }
}
