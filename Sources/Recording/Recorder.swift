public import Clocks
import Devices
import Glibc
import NWB
import Samples
import Synchronization

/// Runs one session from opened devices to a closed file.
///
/// The calling thread must be an owner of the timekeeper; it starts the others and waits for them.
/// The order is that of session.md: devices opened, file made, circuits run, first latch, stimulus,
/// stimulator silent, last poll, file closed.
public final class Recorder: Sendable {
  /// Why a session did not begin: nothing was recorded, and no file is left behind.
  public struct StartError: Error, Sendable, CustomStringConvertible {
    /// 65 session, 69 device, 73 output, 1 anything else.
    public let exitCode: Int32
    /// What it is about: a device, a buffer, a path.
    public let place: String
    public let description: String

    init(exitCode: Int32, place: String, description: String) {
      self.exitCode = exitCode
      self.place = place
      self.description = description
    }

    init(_ error: any Error) {
      switch error {
      case let error as StartError: self = error
      case let error as DeviceError where error.code == .noSuchTag || error.code == .badArgument:
        // The device is well; what the session asks of it is not.
        self.init(exitCode: 65, place: error.device, description: "\(error)")
      case let error as DeviceError:
        self.init(exitCode: 69, place: error.device, description: "\(error)")
      case let error as BufferError:
        self.init(exitCode: 65, place: error.buffer, description: "\(error)")
      case let error as OutputError:
        self.init(exitCode: 65, place: error.output, description: "\(error)")
      case let error as SignalError:
        self.init(exitCode: 65, place: "stimulus", description: "stimulus: \(error)")
      default:
        self.init(exitCode: 1, place: "record", description: "\(error)")
      }
    }
  }

  public let board = StatusBoard()
  /// Ends the session when it is requested.
  public let stop: StopSignal
  let plan: SessionPlan
  let timekeeper: any Timekeeper
  let clock: SessionClock
  let inlet: Inlet
  /// The signals of the session's stimulator; nil without one.
  public let stimulus: StimulusControl?
  let warnings: @Sendable (String) -> Void
  let acquisitionStop: StopSignal
  let closing: StopSignal
  let stimulatorStop: StopSignal
  let writerState = WriterState()
  private let outcome = Mutex(Outcome())
  let sampleZero: Exchange<Double>
  let compiled: Exchange<StimulusPlan>
  /// In the order of the plan's circuits.
  let circuitInboxes: [CircuitInbox]
  let openTrial = Mutex<OpenTrial?>(nil)
  /// nil once the recording has begun.
  let waitingToBegin = Mutex<[@Sendable () -> Void]?>([])

  private struct Outcome {
    var stimulatorFault: String?
    var deviceFailures: [String] = []
    var fileFailure: String?
    var remarks: [String] = []
    var epochs: [Epoch] = []
  }

  /// `warn`: a line for the person at the rig, from any thread.
  public init(
    _ plan: SessionPlan, timekeeper: any Timekeeper, warn: @escaping @Sendable (String) -> Void
  ) {
    self.plan = plan
    self.timekeeper = timekeeper
    warnings = warn
    let stop = StopSignal(timekeeper)
    self.stop = stop
    acquisitionStop = StopSignal(timekeeper)
    stimulatorStop = StopSignal(timekeeper)
    closing = StopSignal(timekeeper)
    let clock = SessionClock(origin: timekeeper.now)
    self.clock = clock
    let inlet = Inlet(timekeeper: timekeeper) {
      stop.request(.fault("more than \(Inlet.mostRecords) records wait for the file"))
    }
    self.inlet = inlet
    stimulus = plan.stimulator.map { stimulator in
      StimulusControl(
        stimulator, timekeeper: timekeeper, now: { clock.seconds(atHost: timekeeper.now) },
        post: { inlet.post($0) })
    }
    circuitInboxes = plan.circuits.map { CircuitInbox(name: $0.name) }
    sampleZero = Exchange(timekeeper)
    compiled = Exchange(timekeeper)
  }

  /// Records until the planned duration, a stop, or a failure.
  ///
  /// `tick`: called on this thread once a second with the state of things.
  /// - Throws: ``StartError`` when the session could not begin.
  public func run(
    tick: (StatusBoard.Snapshot) -> Void
  ) throws(StartError) -> Report {
    let devices = DeviceSet(self)
    do {
      try devices.open()
      let stimulus = try plan.compileStimulus(for: devices.stimulatorInfo)
      let pipeline = try makePipeline(devices)
      compiled.give(stimulus)
      return try record(devices, pipeline, tick)
    } catch {
      devices.abandon()
      throw StartError(error)
    }
  }

  // MARK: - Phases

  private func record(
    _ devices: DeviceSet, _ pipeline: Pipeline, _ tick: (StatusBoard.Snapshot) -> Void
  ) throws -> Report {
    board.update { $0.state = "starting" }
    do {
      try devices.startStimulator()
      try devices.startCircuits(lanes: pipeline.lanes)
    } catch {
      // The file is there already, with nothing in it: it goes again.
      stop.request(.device("\(error)"))
      _ = finish(devices, pipeline, duration: 0)
      if let path = pipeline.path { unlink(path) }
      throw error
    }
    let zero = clock.start ?? clock.seconds(atHost: timekeeper.now)
    sampleZero.give(zero)
    inlet.log(.start, "\(plan.session.texts.id): sample 0", at: zero)
    for buffer in devices.circuits.flatMap(\.buffers) {
      guard let weaker = buffer.weakerPromise else { continue }
      inlet.log(.note, "\(buffer.name): \(weaker)", at: zero)
      warnings("\(buffer.name): \(weaker)")
    }
    board.update { $0.state = "recording" }
    begin()

    var next = timekeeper.now
    while !stop.isRequested {
      // Anew each time: the clock's map gets better.
      let deadline = plan.duration.map { clock.host(atSeconds: zero + $0) }
      if let deadline, timekeeper.now >= deadline {
        stop.request(.duration)
        break
      }
      next = max(next + 1_000_000_000, timekeeper.now)
      stop.wait(until: deadline.map { min($0, next) } ?? next)
      tick(status())
    }
    let ended = clock.seconds(atHost: timekeeper.now)
    return finish(devices, pipeline, duration: ended - zero)
  }

  /// Stimulator silent, last poll, file closed.
  private func finish(_ devices: DeviceSet, _ pipeline: Pipeline, duration: Double) -> Report {
    board.update { $0.state = "stopping" }
    endOpenTrial()
    devices.stopStimulator()
    devices.stopCircuits()
    inlet.log(
      .stop, stop.reason?.description ?? "", at: clock.seconds(atHost: timekeeper.now))
    closing.request(.duration)
    inlet.work.signal()
    pipeline.writer.join()
    pipeline.syncer?.end()
    pipeline.syncThread?.join()
    board.update { $0.state = "ended" }
    let outcome = outcome.withLock { $0 }
    return Report(
      path: pipeline.path, duration: duration, reason: stop.reason ?? .duration, final: status(),
      stimulatorFault: outcome.stimulatorFault, deviceFailures: outcome.deviceFailures,
      fileFailure: outcome.fileFailure, remarks: outcome.remarks, epochs: outcome.epochs,
      processorSeconds: devices.processorSeconds
        + [("writer", pipeline.writer.processorSeconds)])
  }

  /// The state of things, with its time.
  public func status() -> StatusBoard.Snapshot {
    var snapshot = board.snapshot
    snapshot.time = clock.seconds(atHost: timekeeper.now)
    return snapshot
  }

  // MARK: - What goes wrong

  func noteStimulatorFault(_ reason: String) {
    outcome.withLock { if $0.stimulatorFault == nil { $0.stimulatorFault = reason } }
  }

  /// A circuit has failed for good; without any left the session ends.
  func noteCircuitFailure(_ error: DeviceError, left: Int) {
    outcome.withLock { $0.deviceFailures.append("\(error)") }
    warnings("\(error): gave up")
    if left == 0 { stop.request(.device("\(error)")) }
  }

  func noteFileFailure(_ error: any Error) {
    outcome.withLock { if $0.fileFailure == nil { $0.fileFailure = "\(error)" } }
    warnings("\(error)")
    stop.request(.disk("\(error)"))
  }

  func acquired(_ epoch: Epoch) { outcome.withLock { $0.epochs.append(epoch) } }

  func remark(_ text: String) { outcome.withLock { $0.remarks.append(text) } }
}
