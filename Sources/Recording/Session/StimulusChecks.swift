import Devices
import Samples

/// Compiles the whole plan of a session's stimulus, without a device, and finds what cannot be.
struct StimulusChecks {
  private let checks: SessionChecks
  private var session: Session { checks.session }

  init(_ checks: SessionChecks) { self.checks = checks }

  func run() {
    guard let stimulator = session.stimulator else {
      if !session.stimulus.isEmpty {
        report("there is no stimulator; a section stimulator is required", at: ["stimulus"])
      }
      return
    }
    checkChannels(of: stimulator)
    checkSync(of: stimulator)
    checkLimits(of: stimulator)
    checkSignals(on: stimulator)
    checkTimes()
    checkTrials()
    checks.checkTrialColumns()
  }

  private func report(_ message: String, at path: [String]) { checks.report(message, at: path) }

  // MARK: - The stimulator

  /// Channels of the device: what the simulator is to have, or the most there are.
  private func channels(of stimulator: StimulatorSettings) -> Int {
    stimulator.driver == .simulator ? stimulator.simulation.channels : 8
  }

  private func checkChannels(of stimulator: StimulatorSettings) {
    let count = channels(of: stimulator)
    func check(_ channel: Int, at path: [String]) {
      guard channel >= count else { return }
      report("\(channel) is not allowed; allowed: a channel from 0 to \(count - 1)", at: path)
    }
    for entry in entries { check(entry.channel, at: entry.path + ["channel"]) }
    if let sync = stimulator.sync { check(sync.output, at: ["stimulator", "sync", "output"]) }
    guard case .list(let limits)? = checks.root.child("stimulator")?.child("limits")?.content
    else { return }
    for (index, limit) in limits.enumerated() {
      guard case .list(let nodes)? = limit.child("channels")?.content else { continue }
      for (place, node) in nodes.enumerated() {
        guard case .number(let channel) = node.content, channel >= Double(count) else { continue }
        check(
          Int(channel), at: ["stimulator", "limits", "\(index)", "channels", "\(place)"])
      }
    }
  }

  private func checkSync(of stimulator: StimulatorSettings) {
    guard let sync = stimulator.sync, !sync.buffer.isEmpty else { return }
    let path = ["stimulator", "sync"]
    guard let buffer = session.buffers.first(where: { $0.name == sync.buffer }) else {
      let names = session.buffers.map(\.name)
      let hint =
        names.nearest(to: sync.buffer).map { "did you mean \"\($0)\"?" }
        ?? (names.isEmpty ? "there are none" : "allowed: \(names.joined(separator: ", "))")
      report("there is no buffer \"\(sync.buffer)\"; \(hint)", at: path + ["buffer"])
      return
    }
    if buffer.kind == .events {
      report(
        "\"\(sync.buffer)\" holds tick stamps; a buffer of samples is wanted",
        at: path + ["buffer"])
    } else if sync.channel >= buffer.format.channels {
      report(
        "\(sync.channel) is not allowed; allowed: a channel of \(sync.buffer), from 0 to "
          + "\(buffer.format.channels - 1)",
        at: path + ["channel"])
    }
  }

  /// Real stimulators refuse to start without limits; the simulator needs none.
  private func checkLimits(of stimulator: StimulatorSettings) {
    guard stimulator.driver == .bridge else { return }
    let path = ["stimulator", "limits"]
    var isEmpty = !checks.isGiven(path)
    if case .list(let entries)? = checks.root.child("stimulator")?.child("limits")?.content {
      isEmpty = entries.isEmpty
    }
    guard !isEmpty else {
      report("are missing; a real stimulator does not start without", at: path)
      return
    }
    for channel in Set(entries.map(\.channel)).sorted() where stimulator.limits[channel] == nil {
      report("there are none for channel \(channel), which the stimulus uses", at: path)
    }
  }

  // MARK: - Signals

  private struct Entry {
    var path: [String]
    var channel: Int
    var signal: Signal
    var allowsLongPhase: Bool
  }

  private var entries: [Entry] {
    let stimulus = session.stimulus
    let path = ["stimulus", "protocol", "conditions"]
    let signals = checks.numbered(stimulus.signals, "stimulus", "signals").map {
      Entry(
        path: ["stimulus", "signals", "\($0)"], channel: $1.channel, signal: $1.signal,
        allowsLongPhase: $1.allowsLongPhase)
    }
    let changes = checks.numbered(stimulus.changes, "stimulus", "changes").map {
      Entry(
        path: ["stimulus", "changes", "\($0)"], channel: $1.channel, signal: $1.signal,
        allowsLongPhase: $1.allowsLongPhase)
    }
    let conditions = checks.numbered(
      stimulus.plan?.conditions ?? [], "stimulus", "protocol", "conditions"
    ).map {
      Entry(
        path: path + ["\($0)"], channel: $1.channel, signal: $1.signal,
        allowsLongPhase: $1.allowsLongPhase)
    }
    return signals + changes + conditions
  }

  private func checkSignals(on stimulator: StimulatorSettings) {
    do throws(SignalError) {
      let scale = try stimulator.nominalScale()
      for entry in entries { check(entry, on: stimulator, scale) }
    } catch {
      report("\(error)", at: ["stimulator", "simulate"])
    }
  }

  /// Quantises a signal as the device will, and holds it against device and limits.
  private func check(_ entry: Entry, on stimulator: StimulatorSettings, _ scale: CodeScale) {
    guard entry.channel < channels(of: stimulator) else { return }
    let forms = [stimulator.mode.amplitudesKey, "pulse", "file"]
    let form = forms.first { checks.isGiven(entry.path + [$0]) } ?? forms[0]
    do throws(SignalError) {
      let compiled = try entry.signal.compiled(
        on: scale, channel: entry.channel, allowLongPhase: entry.allowsLongPhase)
      if let limits = stimulator.limits[entry.channel] {
        try compiled.check(limits, channel: entry.channel)
      }
    } catch {
      report("\(error)", at: entry.path + [form])
    }
  }

  // MARK: - Times

  private func checkTimes() {
    let stimulus = session.stimulus
    struct Moment: Hashable {
      var channel: Int
      var time: Double
    }
    var moments: [Moment: Int] = [:]
    for (index, change) in checks.numbered(stimulus.changes, "stimulus", "changes") {
      let path = ["stimulus", "changes", "\(index)", "at_s"]
      if change.time < stimulus.startAfter {
        report(
          "\(change.time.short) is before start_after_s; allowed: from "
            + "\(stimulus.startAfter.short)",
          at: path)
      }
      let moment = Moment(channel: change.channel, time: change.time)
      if let first = moments.updateValue(index, forKey: moment) {
        report(
          "stimulus.changes.\(first) changes channel \(change.channel) at the same time",
          at: path)
      }
      if let end = sessionEnd, change.time >= end {
        report("\(change.time.short) is not before run.duration_s, \(end.short)", at: path)
      }
    }
    if let end = sessionEnd, !stimulus.isEmpty, stimulus.startAfter >= end {
      report(
        "\(stimulus.startAfter.short) is not before run.duration_s, \(end.short)",
        at: ["stimulus", "start_after_s"])
    }
  }

  /// The end of the recording, if the session itself says it. A duration that was set on the
  /// command line cuts the plan short on purpose.
  private var sessionEnd: Double? {
    guard case .text = checks.root.place(of: ["run", "duration_s"]) else { return nil }
    return session.run.duration
  }

  /// Every trial has its signal to itself.
  private func checkTrials() {
    let stimulus = session.stimulus
    let path = ["stimulus", "protocol"]
    guard let plan = stimulus.plan, plan.schedule.problem == nil,
      plan.conditions.count == plan.schedule.conditions
    else { return }
    let trials = plan.schedule.trials(from: stimulus.startAfter)
    let durations = plan.conditions.map(\.signal.finiteDuration)
    if let first = StimulusProtocol.overlaps(of: trials, durations: durations).first {
      let running = plan.conditions[trials[first.running].condition]
      report(
        "trial \(first.starting + 1), at \(trials[first.starting].time.inMicroseconds) s, begins while "
          + "\"\(running.name)\" of trial \(first.running + 1) is still running; it would need "
          + "\(first.excess.inMicroseconds) s more",
        at: path + ["isi_s"])
    }
    checkChanges(against: plan, trials)
    if let end = sessionEnd, let last = trials.last {
      let finish = last.time + (durations[last.condition] ?? 0)
      if finish > end {
        report(
          "the last trial ends at \(finish.inMicroseconds) s, after run.duration_s, \(end.short)",
          at: path + ["repeats"])
      }
    }
  }

  /// A change within a trial, or a trial within a change that has an end, on the same channel.
  private func checkChanges(against plan: ProtocolSettings, _ trials: [StimulusProtocol.Trial]) {
    for (index, change) in checks.numbered(session.stimulus.changes, "stimulus", "changes") {
      let changeEnd = change.time + (change.signal.finiteDuration ?? 0)
      let clash = trials.enumerated().first { _, trial in
        let condition = plan.conditions[trial.condition]
        guard condition.channel == change.channel else { return false }
        let trialEnd = trial.time + (condition.signal.finiteDuration ?? 0)
        return change.time <= trial.time
          ? trial.time < changeEnd || trial.time == change.time : change.time < trialEnd
      }
      guard let (number, trial) = clash else { continue }
      report(
        "the change meets trial \(number + 1) of the protocol, at \(trial.time.inMicroseconds) s on the "
          + "same channel; choose another time or channel",
        at: ["stimulus", "changes", "\(index)", "at_s"])
    }
  }
}

extension Signal {
  /// Seconds until the signal is over; nil if it lasts until it is replaced.
  fileprivate var finiteDuration: Double? {
    repeats > 0 ? duration * Double(repeats) / 1000 : nil
  }
}

extension Double {
  /// Seconds without what is below a microsecond.
  fileprivate var inMicroseconds: String { ((self * 1e6).rounded() / 1e6).short }
}
