import Clocks
import Foundation
import NWB
import Recording
import Simulator
import Testing

/// A session on the simulator in virtual time, recorded into a folder of its own.
struct TestSession {
  let folder: URL
  let session: Session
  let timekeeper = VirtualTimekeeper()
  let world: SimulatedWorld

  /// Reads and checks the session's text. The folder is made; ``remove()`` it.
  init(_ text: String) throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("daqrec-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    session = try Session.load(text: text, folder: folder.path)
    world = SimulatedWorld(timekeeper: timekeeper, keepsTruth: true)
  }

  var path: String { folder.appendingPathComponent("test.nwb.h5").path }

  func recorder(
    warn: @escaping @Sendable (String) -> Void = { _ in }
  ) -> Recorder {
    let plan = SessionPlan(
      session, openers: .simulated(session, in: world), output: path,
      software: [("daqrec", "test")])
    return Recorder(plan, timekeeper: timekeeper, warn: warn)
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }
}
