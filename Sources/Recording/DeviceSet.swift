import Clocks
import Devices
import Samples

/// The devices of a session, each opened and used on a thread of its own, as the recorder sees
/// them: started, waited for, stopped.
final class DeviceSet {
  private struct CircuitThread {
    let opened: Exchange<Result<OpenedCircuit, any Error>>
    /// The lanes of the circuit's series; nil: there will be no run.
    let go: Exchange<[SampleLane]?>
    let latched: Exchange<Result<Bracket, DeviceError>>
    let thread: any OwnerThread
  }

  private struct StimulatorThread {
    let opened: Exchange<Result<StimulatorInfo, any Error>>
    let go: Exchange<Bool>
    let started: Exchange<Result<Void, DeviceError>>
    let thread: any OwnerThread
  }

  private let recorder: Recorder
  private let live: LiveCount
  private var circuitThreads: [CircuitThread] = []
  private var stimulatorThread: StimulatorThread?
  /// In the order of the session, once open.
  private(set) var circuits: [OpenedCircuit] = []
  private(set) var stimulatorInfo: StimulatorInfo?

  init(_ recorder: Recorder) {
    self.recorder = recorder
    live = LiveCount(recorder.plan.circuits.count)
  }

  /// Opens every device, all at once; the first problem of the session's order is thrown.
  func open() throws {
    circuitThreads = recorder.plan.circuits.map(start)
    stimulatorThread = recorder.plan.stimulator.map(start)
    // Every answer is waited for, so that no device is left half open.
    let answers = circuitThreads.map { $0.opened.take() }
    let stimulator = stimulatorThread?.opened.take()
    circuits = try answers.map { try $0.get() }
    stimulatorInfo = try stimulator?.get()
    if let stimulatorInfo { recorder.stimulus?.opened(stimulatorInfo) }
  }

  /// Sets the stimulator streaming silence.
  func startStimulator() throws {
    guard let stimulatorThread else { return }
    stimulatorThread.go.give(true)
    try stimulatorThread.started.take().get()
  }

  /// Runs every circuit and waits for its first latch: sample 0.
  func startCircuits(lanes: [SampleLane]) throws {
    for (plan, thread) in zip(recorder.plan.circuits, circuitThreads) {
      let own = plan.buffers.compactMap { buffer -> SampleLane? in
        if case .samples(let series) = buffer.kind { lanes[series] } else { nil }
      }
      thread.go.give(own)
    }
    for thread in circuitThreads { _ = try thread.latched.take().get() }
  }

  func stopStimulator() {
    recorder.stimulatorStop.request(.duration)
    recorder.stimulus?.inbox.wake()
    stimulatorThread?.go.give(false)
    stimulatorThread?.thread.join()
  }

  func stopCircuits() {
    recorder.acquisitionStop.request(.duration)
    for thread in circuitThreads { thread.go.give(nil) }
    for thread in circuitThreads { thread.thread.join() }
  }

  /// Lets go of devices that were opened for a session that does not begin.
  func abandon() {
    stopStimulator()
    stopCircuits()
  }

  var processorSeconds: [(thread: String, seconds: Double)] {
    zip(recorder.plan.circuits, circuitThreads).map { ($0.name, $1.thread.processorSeconds) }
      + (stimulatorThread.map { [("stimulator", $0.thread.processorSeconds)] } ?? [])
  }

  // MARK: - Threads

  private func start(_ plan: CircuitPlan) -> CircuitThread {
    let timekeeper = recorder.timekeeper
    let opened = Exchange<Result<OpenedCircuit, any Error>>(timekeeper)
    let go = Exchange<[SampleLane]?>(timekeeper)
    let latched = Exchange<Result<Bracket, DeviceError>>(timekeeper)
    let thread = timekeeper.startOwner(plan.name) { [recorder, live] in
      do {
        let circuit = try plan.open(recorder.linkReports(of: plan.name))
        defer { circuit.close() }
        var found = try Acquisition.look(at: circuit, plan)
        let outputs = try plan.outputs.map { try OutputPlayer($0, on: circuit) }
        found.outputs = outputs.map(\.attributes)
        opened.give(.success(found))
        guard let lanes = go.take() else { return }
        let inbox = recorder.circuitInboxes[plan.number]
        inbox.opened(found.tags)
        defer { inbox.close() }
        let context = recorder.acquirerContext(latched, inbox)
        let failure = Acquisition.run(
          circuit, plan, found, outputs, lanes, recorder.timekeeper, context)
        let left = live.leave()
        if let failure { recorder.noteCircuitFailure(failure, left: left) }
      } catch {
        opened.give(.failure(error))
      }
    }
    return CircuitThread(opened: opened, go: go, latched: latched, thread: thread)
  }

  private func start(_ plan: StimulatorPlan) -> StimulatorThread {
    let timekeeper = recorder.timekeeper
    let opened = Exchange<Result<StimulatorInfo, any Error>>(timekeeper)
    let go = Exchange<Bool>(timekeeper)
    let started = Exchange<Result<Void, DeviceError>>(timekeeper)
    let thread = timekeeper.startOwner(plan.name) { [recorder] in
      do {
        let device = try plan.open(recorder.linkReports(of: plan.name))
        defer { device.close() }
        opened.give(.success(device.info))
        guard go.take() else { return }
        stream(device, plan, recorder, started)
      } catch {
        opened.give(.failure(error))
      }
    }
    return StimulatorThread(opened: opened, go: go, started: started, thread: thread)
  }
}

/// Opens the existential once: the loop itself is generic.
private func stream<Device: Stimulator>(
  _ device: Device, _ plan: StimulatorPlan, _ recorder: Recorder,
  _ started: Exchange<Result<Void, DeviceError>>
) {
  guard let context = recorder.feederContext else { return }
  var feeder = StimulusFeeder(
    plan: plan, device: device, timekeeper: recorder.timekeeper, context: context)
  do throws(DeviceError) {
    try feeder.start()
    started.give(.success(()))
  } catch {
    started.give(.failure(error))
    return
  }
  feeder.run()
}
