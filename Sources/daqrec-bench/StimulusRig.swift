import Clocks
import Devices
import Foundation
import NWB
import Recording
import Samples
import Simulator
import Synchronization

/// A session on simulated devices whose stimulator is probed and whose truth is kept.
final class StimulusRig: Sendable {
  /// What a finished session left.
  struct Outcome {
    var report: Report
    var changes: [SignalChange]
    var log: [LogEntry]
    var trials: Int
    /// Of sample 0 of the first series, and that sample; nil without one.
    var start: Double?
    var firstSample: Int32?
  }

  let session: Session
  let timekeeper: any Timekeeper
  let world: SimulatedWorld
  let notes = StimulusProbe.Notes()
  /// The host's clock at the recording clock's zero.
  let origin: Nanoseconds
  let recorder: Recorder
  private let folder: URL
  private let shared: Shared

  /// The circuit, whose truth may be asked for when the session is over.
  var circuit: SimulatedCircuit? { shared.circuit }

  /// The circuit belongs to its thread, and is looked at when that has ended.
  private final class Shared: @unchecked Sendable {  // one thread after the other uses it
    private(set) var circuit: SimulatedCircuit?
    func keep(_ circuit: SimulatedCircuit) { self.circuit = circuit }
  }

  /// `beforeFlush` runs on the writer's thread.
  init(
    _ text: String, timekeeper: any Timekeeper = VirtualTimekeeper(), keepsTruth: Bool = true,
    beforeFlush: (@Sendable () -> Void)? = nil
  ) throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("daqrec-stimulus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let session = try Session.load(text: text, folder: folder.path)
    self.session = session
    self.timekeeper = timekeeper
    let world = SimulatedWorld(timekeeper: timekeeper, keepsTruth: keepsTruth)
    self.world = world
    origin = timekeeper.now
    let notes = notes
    let shared = Shared()
    self.shared = shared
    let openers = DeviceOpeners(
      circuit: { settings, _ in
        let circuit = try SimulatedCircuit(settings, of: session, in: world)
        shared.keep(circuit)
        return circuit
      },
      stimulator: { settings, _ in
        StimulusProbe(
          SimulatedStimulator(
            name: settings.name, serial: "SIM", settings: settings.simulation, world: world),
          timekeeper: timekeeper, notes: notes)
      })
    var plan = SessionPlan(
      session, openers: openers, output: folder.appendingPathComponent("s.nwb.h5").path,
      software: [("daqrec", "campaign")])
    if let beforeFlush { plan.beforeFlush(beforeFlush) }
    recorder = Recorder(plan, timekeeper: timekeeper) { _ in }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Runs the session to its end while `driver` runs as an owner beside it, and reads the file back.
  func run(_ driver: (@Sendable (StimulusRig) -> Void)? = nil) throws -> Outcome {
    let thread = driver.map { driver in
      timekeeper.startOwner("driver") { driver(self) }
    }
    let report = try recorder.run { _ in }
    thread?.join()
    let reader = try RecordingReader(reading: folder.appendingPathComponent("s.nwb.h5").path)
    let series = try reader.series().first
    let outcome = Outcome(
      report: report, changes: try reader.ledger()?.changes ?? [], log: try reader.log(),
      trials: try reader.rowCount(of: "/intervals/trials"), start: series?.startingTime,
      firstSample: try series.flatMap {
        try reader.samples(of: $0.name, frames: 0..<1, as: Int32.self).first
      })
    try reader.close()
    return outcome
  }

  func wait(_ seconds: Double) {
    timekeeper.sleep(until: timekeeper.now + Nanoseconds(seconds * 1e9))
  }

  /// Waits until the stimulator streams and the recording has begun.
  func waitForStream() {
    while recorder.stimulus?.state != .streaming || recorder.status().state != "recording" {
      guard !recorder.stop.isRequested else { return }
      wait(0.005)
    }
  }

  /// What is wrong between what left a channel and what the ledger says left; nil: nothing, for
  /// every sample.
  func difference(on channel: Int, _ changes: [SignalChange]) -> String? {
    let own = changes.filter { Int($0.channel) == channel }
    let truth = world.runs(of: .channel(channel))
    let end = (notes.feeds.last?.to[channel] ?? 0) + 1
    let expected = StimulusRebuild.steps(of: own, until: end)
    let left = truth.map { StimulusRebuild.Step(sample: $0.streamFrame, code: $0.code) }
    if let index = zip(expected, left).enumerated().first(where: { $1.0 != $1.1 })?.offset {
      return "channel \(channel), step \(index): expected \(expected[index]), left \(left[index])"
    }
    guard expected.count == left.count else {
      return "channel \(channel): expected \(expected.count) steps, \(left.count) left; "
        + "the next is \(expected.dropFirst(left.count).first ?? left[expected.count])"
    }
    return nil
  }

  /// Device frame minus stream sample of everything that left: one number where nothing starved.
  func shifts() -> Set<Int64> {
    var shifts: Set<Int64> = []
    for channel in 0..<8 {
      for run in world.runs(of: .channel(channel)) where run.code != 0 {
        shifts.insert(run.deviceFrame - run.streamFrame)
      }
    }
    return shifts
  }
}
