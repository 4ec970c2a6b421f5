public import Clocks
public import Devices
public import NWB
public import Samples
import Synchronization

/// One stimulator without a session: what a program that only stimulates needs.
///
/// The device is opened and used on a thread of its own; the calling thread must be an owner of the
/// timekeeper. Problems of opening, setting up and starting reach the caller. Nothing restarts by
/// itself: after a fault or an emergency stop, ``start(capacity:buffer:callbackPercent:)`` arms anew.
public final class Streamer: Sendable {
  public struct Settings: Sendable {
    public var name = "stg"
    public var mode = StimulusMode.current
    /// Output samples a second and channel: 50 000 or 10 000.
    public var rate = 50_000.0
    /// By channel.
    public var limits: [Int: SignalLimits] = [:]
    /// The sync output on which every change and the second pulses stand.
    public var syncOutput = 0
    /// true: a starved output is zero; false: its trigger stops, which is a fault.
    public var continuous = true

    public init() {}
  }

  /// A wrong use.
  public struct UsageError: Error, Sendable, CustomStringConvertible {
    public let description: String
  }

  private enum Command: Sendable {
    case stream(StimulatorPlan, StopSignal, started: Exchange<Result<Void, DeviceError>>)
    case call(
      @Sendable (any Stimulator) throws -> Void, done: Exchange<Result<Void, any Error>>)
    case close
  }

  private struct State {
    var commands: [Command] = []
    var signals: [Int: Signal] = [:]
    var stop: StopSignal?
    var ended: Exchange<Void>?
  }

  /// Signals while streaming, the state, and the emergency stop.
  public let control: StimulusControl
  public let info: StimulatorInfo
  private let plan: StimulatorPlan
  private let timekeeper: any Timekeeper
  private let clock: SessionClock
  private let board = StatusBoard()
  private let thread: Mutex<(any OwnerThread)?>
  private let mailbox: Mailbox
  private let ledger: @Sendable (SignalChange) -> Void
  private let log: @Sendable (String) -> Void

  private final class Mailbox: Sendable {
    let state = Mutex(State())
    let work: any Gate
    init(_ timekeeper: any Timekeeper) { work = timekeeper.makeGate() }
  }

  /// Opens a stimulator.
  ///
  /// `ledger` gets every change that reaches the output and `log` what else happens, both on the
  /// thread of the device: they must not block. Times are seconds since this call.
  public init(
    _ settings: Settings = Settings(), timekeeper: any Timekeeper,
    open: @escaping @Sendable () throws -> any Stimulator,
    ledger: @escaping @Sendable (SignalChange) -> Void = { _ in },
    log: @escaping @Sendable (String) -> Void = { _ in }
  ) throws {
    let plan = StimulatorPlan(
      name: settings.name, open: { _ in try open() }, mode: settings.mode, rate: settings.rate,
      buffer: 0.05,
      capacity: 0.1, callbackPercent: 10, continuous: settings.continuous,
      limits: settings.limits, syncOutput: settings.syncOutput)
    let clock = SessionClock(origin: timekeeper.now)
    let control = StimulusControl(
      plan, timekeeper: timekeeper, now: { clock.seconds(atHost: timekeeper.now) },
      post: { record in if case .log(_, let text, _) = record { log(text) } })
    let mailbox = Mailbox(timekeeper)
    let opened = Exchange<Result<StimulatorInfo, any Error>>(timekeeper)
    self.plan = plan
    self.timekeeper = timekeeper
    self.clock = clock
    self.control = control
    self.mailbox = mailbox
    self.ledger = ledger
    self.log = log
    let owner = DeviceOwner(
      timekeeper: timekeeper, clock: clock, control: control, mailbox: mailbox, board: board,
      ledger: ledger, log: log)
    let thread = timekeeper.startOwner(plan.name) {
      do {
        let device = try open()
        defer { device.close() }
        opened.give(.success(device.info))
        owner.serve(device)
      } catch {
        opened.give(.failure(error))
      }
    }
    self.thread = Mutex(thread)
    info = try opened.take().get()
    control.opened(info)
  }

  public var state: StreamerState { control.state }

  /// Sets the signal of a channel: from the start on, or while streaming from the next period
  /// boundary (or rest) on.
  public func setSignal(
    _ signal: Signal, on channel: Int, immediate: Bool = false,
    outcome: @escaping @Sendable (ChangeOutcome) -> Void = { _ in }
  ) throws(SignalError) {
    if state == .streaming {
      try control.setSignal(signal, on: channel, immediate: immediate, outcome: outcome)
    } else {
      _ = try plan.compiled(signal, on: channel, info)
    }
    mailbox.state.withLock { $0.signals[channel] = signal }
  }

  /// Sets the device up and streams; returns when every trigger runs.
  ///
  /// `capacity` and `buffer` are the seconds that the rings of device and host hold, and
  /// `callbackPercent` the fill below which the device asks for more.
  public func start(
    capacity: Double = 0.1, buffer: Double = 0.05, callbackPercent: Int = 10
  ) throws {
    let signals = mailbox.state.withLock { $0.signals }
    guard !signals.isEmpty else {
      throw UsageError(description: "no signal is defined: use set_signal first")
    }
    try requireIdle("start")
    var plan = plan
    (plan.capacity, plan.buffer, plan.callbackPercent) = (capacity, buffer, callbackPercent)
    control.inbox.open()
    for (channel, signal) in signals.sorted(by: { $0.key < $1.key }) {
      try control.setSignal(signal, on: channel)
    }
    let stop = StopSignal(timekeeper)
    let started = Exchange<Result<Void, DeviceError>>(timekeeper)
    let ended = Exchange<Void>(timekeeper)
    mailbox.state.withLock { state in
      state.stop = stop
      state.ended = ended
    }
    post(.stream(plan, stop, started: started))
    try started.take().get()
  }

  /// Ends the streaming after what is queued; returns when the stimulator is silent.
  public func stop() {
    let (stop, ended) = mailbox.state.withLock { ($0.stop, $0.ended) }
    stop?.request(.control)
    control.inbox.wake()
    ended?.take()
  }

  /// Stores a signal in the idle device, to run from its own memory by
  /// ``startStimulation(triggers:)``: at least one repeat. The signal survives this program.
  public func download(_ signal: Signal, to channel: Int) throws {
    try requireIdle("download")
    guard signal.repeats >= 1 else {
      throw SignalError(channel: channel, message: "a download needs a number of repeats")
    }
    let compiled = try plan.compiled(signal, on: channel, info)
    let elements = compiled.counts.indices.filter { compiled.counts[$0] > 0 }
    let limits = (0..<info.channels).map { plan.limits[$0] }
    try call { device in
      // Nobody feeds a stored signal: the longest time that a device grants.
      try device.arm(
        limits: limits, queueMilliseconds: StimulatorPlan.mostAheadMilliseconds,
        timeToLiveMilliseconds: 86_399_999)
      try device.download(
        channel: channel, amplitudes: elements.map { compiled.deviceAmplitudes[$0] },
        durations: elements.map { compiled.deviceDurations[$0] }, repeats: compiled.repeats)
    }
  }

  /// Starts the downloaded signals of some triggers.
  public func startStimulation(triggers: [Int]) throws {
    try requireIdle("start")
    let bits = try bits(triggers)
    try call { _ = try $0.start(triggers: bits) }
  }

  /// Stops some triggers: at once, or after the present period.
  public func stopStimulation(triggers: [Int], gracefully: Bool = false) throws {
    let bits = try bits(triggers)
    try call { try $0.stop(triggers: bits, gracefully: gracefully) }
  }

  /// Stops, and lets go of the device.
  public func close() {
    stop()
    post(.close)
    thread.withLock { thread in
      defer { thread = nil }
      return thread
    }?.join()
  }

  // MARK: - The device's thread

  private func post(_ command: Command) {
    mailbox.state.withLock { $0.commands.append(command) }
    mailbox.work.signal()
  }

  private func call(_ body: @escaping @Sendable (any Stimulator) throws -> Void) throws {
    let done = Exchange<Result<Void, any Error>>(timekeeper)
    post(.call(body, done: done))
    try done.take().get()
  }

  private func requireIdle(_ call: String) throws {
    switch state {
    case .idle, .faulted: break
    case .arming, .streaming, .stopping:
      throw UsageError(description: "\(call): the stimulator is \(state)")
    }
  }

  private func bits(_ triggers: [Int]) throws -> UInt32 {
    guard !triggers.isEmpty, triggers.allSatisfy({ (0..<info.triggers).contains($0) }) else {
      throw UsageError(description: "triggers \(triggers); there are 0 … \(info.triggers - 1)")
    }
    return triggers.reduce(0) { $0 | UInt32(1) << UInt32($1) }
  }

  private struct DeviceOwner: Sendable {
    let timekeeper: any Timekeeper
    let clock: SessionClock
    let control: StimulusControl
    let mailbox: Mailbox
    let board: StatusBoard
    let ledger: @Sendable (SignalChange) -> Void
    let log: @Sendable (String) -> Void

    /// Does what is asked, one after the other, until closed.
    func serve(_ device: some Stimulator) {
      while true {
        let ticket = mailbox.work.ticket
        let command = mailbox.state.withLock { state in
          state.commands.isEmpty ? nil : state.commands.removeFirst()
        }
        switch command {
        case .stream(let plan, let stop, let started): stream(device, plan, stop, started)
        case .call(let body, let done): done.give(Result { try body(device) })
        case .close: return
        case nil: mailbox.work.wait(since: ticket, until: nil)
        }
      }
    }

    private func stream<Device: Stimulator>(
      _ device: Device, _ plan: StimulatorPlan, _ stop: StopSignal,
      _ started: Exchange<Result<Void, DeviceError>>
    ) {
      let context = FeederContext(
        stop: stop, control: control,
        post: { record in
          switch record {
          case .change(let change): ledger(change)
          case .log(_, let text, _): log(text)
          default: break
          }
        },
        board: board, clock: clock, sampleZero: Exchange(timekeeper),
        changes: Exchange(timekeeper), frames: { _ in 0..<0 }, warn: { _ in },
        faulted: { _ in })
      var feeder = StimulusFeeder(
        plan: plan, device: device, timekeeper: timekeeper, context: context)
      do throws(DeviceError) {
        try feeder.start()
        started.give(.success(()))
        feeder.run()
      } catch {
        started.give(.failure(error))
      }
      mailbox.state.withLock { state in
        defer { (state.stop, state.ended) = (nil, nil) }
        return state.ended
      }?.give(())
    }
  }
}
