import Clocks
import Devices
import NWB
import Samples

/// The way from the lanes to the file: what runs it.
struct Pipeline {
  let lanes: [SampleLane]
  let writer: any OwnerThread
  let syncer: Syncer?
  let syncThread: (any OwnerThread)?
  /// nil for a preview.
  let path: String?
}

/// What the file's promises and bounds are.
struct FilePlan: Sendable {
  var path: String
  /// Within which a frame is in a completed flush, and how often a sync is due, nanoseconds.
  var flushInterval: Nanoseconds
  var syncInterval: Nanoseconds
  /// Bytes of the disk that stay free.
  var reserve: Int64
  /// Called before every flush: tests hold the writer with it.
  var beforeFlush: (@Sendable () -> Void)?
}

extension Recorder {
  /// Bytes that wait in all lanes together at most: 64 MiB, or five seconds where that is less.
  private static let mostWaiting = 64 << 20

  /// Makes the lanes, the file on the thread that will own it, and the threads that write it.
  ///
  /// - Throws: ``StartError`` when the file cannot be made; nothing is left behind then.
  func makePipeline(_ devices: DeviceSet) throws -> Pipeline {
    let attributes = plan.seriesAttributes(devices.circuits)
    let pace = attributes.reduce(0) { $0 + $1.slotRate * 4 }
    let lanes = attributes.map { attributes in
      // A share of what may wait, by pace, and room for four polls of a quarter of the ring.
      let share = min(5, Double(Self.mostWaiting) / max(1, pace)) * attributes.slotRate
      let words = max(Int(share), attributes.slots, 4 * attributes.format.slotsPerUnit)
      return SampleLane(capacity: words, timekeeper: timekeeper, work: inlet.work)
    }
    board.update { $0 = plan.statusBoard(devices.circuits, devices.stimulatorInfo) }

    let path = plan.isPreview ? nil : plan.file.path
    let description = path.map { _ in
      plan.description(devices.circuits, devices.stimulatorInfo, origin: clock.origin)
    }
    let made = Exchange<Result<CInt, NWBError>>(timekeeper)
    let ready = Exchange<Syncer?>(timekeeper)
    let writer = timekeeper.startOwner("writer") { [self] in
      let inlets = zip(attributes, lanes).map { SeriesInlet($0, lane: $1) }
      write(description, inlets, pace: pace, made: made, ready: ready)
    }
    switch made.take() {
    case .failure(let error):
      writer.join()
      throw StartError(
        exitCode: 73, place: plan.file.path,
        description: "cannot create \(plan.file.path): \(error)")
    case .success(let descriptor):
      let syncer = path.map { _ in
        Syncer(descriptor: descriptor, timekeeper: timekeeper, work: inlet.work)
      }
      let thread = syncer.map { syncer in timekeeper.startOwner("syncer") { syncer.run() } }
      ready.give(syncer)
      return Pipeline(lanes: lanes, writer: writer, syncer: syncer, syncThread: thread, path: path)
    }
  }

  /// The body of the writer's thread.
  private func write(
    _ description: RecordingDescription?, _ inlets: [SeriesInlet], pace: Double,
    made: Exchange<Result<CInt, NWBError>>, ready: Exchange<Syncer?>
  ) {
    defer {
      writerState.end()
      for inlet in inlets { inlet.lane.close() }
    }
    do throws(NWBError) {
      var file: RecordingFile?
      var space: DiskSpace?
      if let description {
        let new = try RecordingFile(creating: plan.file.path, description)
        space = DiskSpace(
          path: plan.file.path, descriptor: new.descriptor, reserve: plan.file.reserve,
          bytesPerSecond: pace)
        made.give(.success(new.descriptor))
        file = consume new
      } else {
        made.give(.success(-1))
      }
      let writer = FileWriter(
        file: file.take(), series: inlets, inlet: inlet, settings: plan.file,
        timekeeper: timekeeper, clock: clock, board: board, syncer: ready.take(), space: space,
        warn: warnings, stopAll: { [stop] in stop.request($0) })
      try writer.run(until: closing)
      if let rest = try writer.close() {
        remark("empty tables could not be removed from the file: \(rest)")
      }
    } catch {
      if made.present == nil {
        made.give(.failure(error))
      } else {
        noteFileFailure(error)
      }
    }
  }

  // MARK: - What the owners share

  func acquirerContext(
    _ latched: Exchange<Result<Bracket, DeviceError>>, _ requests: CircuitInbox
  ) -> AcquirerContext {
    AcquirerContext(
      stop: acquisitionStop, stopAll: { [stop] in stop.request($0) }, inlet: inlet, board: board,
      clock: clock, latched: latched, warn: warnings,
      remark: { self.remark($0) }, acquired: { self.acquired($0) }, writerEnded: writerState,
      longestPoll: plan.file.flushInterval / 8, patience: 10,
      timekeeper: timekeeper, requests: requests)
  }

  /// What the link of a device reports: its exchanges are stored, its log lines shown and logged.
  func linkReports(of device: String) -> LinkReports {
    let number = plan.links.firstIndex(of: device)
    return LinkReports(
      log: { [inlet, clock, timekeeper, warnings] line in
        inlet.log(.note, "\(device): \(line)", at: clock.seconds(atHost: timekeeper.now))
        warnings("\(device): \(line)")
      },
      exchange: { [inlet, clock] exchange in
        guard let number else { return }
        inlet.post(
          .exchange(
            link: number, exchange, time: clock.seconds(atHost: exchange.hostReceive)))
      })
  }

  /// nil without a stimulator.
  var feederContext: FeederContext? {
    guard let stimulus else { return nil }
    return FeederContext(
      stop: stimulatorStop, control: stimulus, post: { [inlet] in inlet.post($0) }, board: board,
      clock: clock, sampleZero: sampleZero, changes: compiled,
      frames: { [clock] in clock.view.frames(during: $0) }, warn: warnings,
      faulted: { [self] in noteStimulatorFault($0) })
  }
}
