import Devices
import NWB
import Samples

extension StimulatorPlan {
  init(_ settings: StimulatorSettings, _ openers: DeviceOpeners) {
    self.init(
      name: settings.name, open: { try openers.stimulator(settings, $0) }, mode: settings.mode,
      rate: settings.outputRate, buffer: settings.bufferSeconds,
      capacity: settings.capacitySeconds, callbackPercent: settings.callbackPercent,
      continuous: settings.isContinuous, limits: settings.limits,
      syncOutput: settings.sync?.output ?? 0)
  }

  /// How amplitudes become codes on a channel of the device that was found.
  func scale(of channel: Int, _ info: StimulatorInfo) throws(SignalError) -> CodeScale {
    guard (0..<info.channels).contains(channel) else {
      throw SignalError(
        channel: channel,
        message: "\(info.name) has the channels 0 … \(info.channels - 1)")
    }
    let isCurrent = mode == .current
    func entry(_ list: [Double]) -> Double { channel < list.count ? list[channel] : .nan }
    return try CodeScale(
      unit: isCurrent ? .milliamperes : .millivolts, rate: rate, dacBits: info.dacBits,
      resolution: entry(isCurrent ? info.resolutionNanoamperes : info.resolutionMicrovolts),
      range: entry(isCurrent ? info.rangeNanoamperes : info.rangeMicrovolts))
  }

  /// A signal as it will be put out, its codes checked against the limits of its channel.
  func compiled(
    _ signal: Signal, on channel: Int, _ info: StimulatorInfo, allowLongPhase: Bool = false
  ) throws(SignalError) -> CompiledSignal {
    guard signal.repeats <= Int32.max else {
      throw SignalError(
        channel: channel, message: "\(signal.repeats) repeats; at most \(Int32.max) are possible")
    }
    let compiled = try signal.compiled(
      on: try scale(of: channel, info), channel: channel, allowLongPhase: allowLongPhase)
    if let limits = limits[channel] { try compiled.check(limits, channel: channel) }
    return compiled
  }

  /// What is wrong with a signal that is about to be queued: its codes are held against the limits
  /// once more.
  func problem(of signal: CompiledSignal, on channel: Int) -> String? {
    guard let limits = limits[channel] else { return nil }
    do throws(SignalError) {
      try signal.check(limits, channel: channel)
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// How the device is to be set up: trigger i drives channel i and its sync output.
  func setup(for info: StimulatorInfo) throws(DeviceError) -> StimulatorSetup {
    let triggers = info.triggers
    func refuse(_ call: String, _ code: DeviceError.Code, _ message: String) -> DeviceError {
      DeviceError(device: name, call: call, code: code, message: message)
    }
    guard buffer > 0, capacity > 0, ringSamples > 0,
      buffer + capacity <= Double(Self.mostAheadMilliseconds) / 1000 + 1e-9
    else {
      throw refuse(
        "set capacity", .badArgument,
        "rings of \(buffer) s and \(capacity) s; together at most "
          + "\(Self.mostAheadMilliseconds) ms may be queued ahead")
    }
    let bytes = Int((2 * rate * capacity).rounded())
    let most = info.memoryBytes / max(1, triggers)
    guard bytes <= most else {
      throw refuse(
        "set capacity", .capacity,
        "\(bytes) bytes per trigger (capacity_in_s \(capacity)) are more than the \(most) bytes "
          + "that each of \(triggers) triggers can have")
    }
    let diagonal = (0..<triggers).map { UInt32(1) << UInt32($0) }
    return StimulatorSetup(
      mode: mode, rate: rate, capacityBytes: .init(repeating: bytes, count: triggers),
      ringSamples: ringSamples, channelMap: diagonal, syncMap: diagonal, digitalMap: diagonal,
      autostart: .init(repeating: 0, count: triggers), callbackPercent: callbackPercent,
      continuous: continuous)
  }
}

extension SessionPlan {
  /// Everything that will be put out, compiled for the device that was found, in order of time.
  ///
  /// - Throws: ``SignalError``, which names channel and element.
  func compileStimulus(for info: StimulatorInfo?) throws(SignalError) -> StimulusPlan {
    guard let stimulator, let info else { return StimulusPlan() }
    let schedule = StimulusSchedule(session.stimulus)
    var signals: [CompiledSignal] = []
    for entry in schedule.entries {
      signals.append(
        try stimulator.compiled(
          entry.signal, on: entry.channel, info, allowLongPhase: entry.allowsLongPhase))
    }
    let roundings = zip(schedule.entries, signals).filter { !$1.isExact }.map { entry, signal in
      "channel \(entry.channel): asked for \(entry.signal.summary), realised \(signal.summary)"
    }
    return StimulusPlan(
      changes: schedule.changes.map { change in
        StimulusPlan.Change(
          at: change.time, channel: schedule.entries[change.entry].channel,
          signal: signals[change.entry], trial: StimulusPlan.Trial(change))
      }, roundings: roundings)
  }
}

extension StimulusPlan.Trial {
  /// nil for a change that is not a trial's.
  fileprivate init?(_ change: StimulusSchedule.Change) {
    guard let condition = change.condition, let presentation = change.presentation else {
      return nil
    }
    values = ["condition": .text(condition), "repeat": .number(Double(presentation))]
    for (name, value) in change.columns { values[name] = value }
  }
}
