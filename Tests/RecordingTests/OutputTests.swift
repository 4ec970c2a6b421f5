import Clocks
import Devices
import Foundation
import NWB
import Samples
import Testing

@testable import Recording

/// Outputs of whole sessions in virtual time. What is heard of them is in tools/readers.
@Suite struct OutputTests {
  private static let ends: [(StatusBoard.Output, Int32)] = [
    (.init(name: "spk"), 0),
    (.init(name: "spk", saturated: 5), 0),
    (.init(name: "spk", underruns: 1, staleFrames: 3), 75),
    (.init(name: "spk", failure: "the ring is gone"), 75),
  ]

  @Test(arguments: ends)
  func `an output that ran dry or failed makes the exit code 75`(
    output: StatusBoard.Output, code: Int32
  ) {
    var final = StatusBoard.Snapshot()
    final.outputs = [output]
    let report = Report(
      path: nil, duration: 1, reason: .duration, final: final, stimulatorFault: nil,
      deviceFailures: [], fileFailure: nil, remarks: [], epochs: [], processorSeconds: [])
    #expect(report.exitCode == code)
  }

  @Test func `an output that cannot be loaded stops the session before there is a file`() throws {
    let folder = try TemporaryFolder(["tone.npy": npy(frames: 200, channels: 1)])
    let test = try TestSession(
      """
      {
        session: { id: "test", description: "a test" },
        circuits: [{
          name: "rz",
          simulate: { rate: 1000, speed: "max", stores: { spk: { size_max: 100 } } },
        }],
        buffers: [{ name: "lfp", circuit: "rz", channels: 1 }],
        outputs: [{ name: "spk", circuit: "rz", source: "\(folder.path)/tone.npy" }],
        run: { duration_s: 1 },
      }
      """)
    defer { test.remove() }
    let error = #expect(throws: Recorder.StartError.self) {
      try test.recorder().run { _ in }
    }
    #expect(error?.exitCode == 65)
    #expect(error?.place == "spk")
    #expect(!FileManager.default.fileExists(atPath: test.path))
  }
  @Test func `an output that the device refuses is given up, and recording goes on`() throws {
    let folder = try TemporaryFolder(["tone.npy": npy(frames: 10_000, channels: 1)])
    let test = try TestSession(
      """
      {
        session: { id: "test", description: "a test" },
        circuits: [{
          name: "rz", latch_trigger: 1,
          simulate: { rate: 1000, speed: "max", signals: { lfp: { counter: true } } },
        }],
        buffers: [{ name: "lfp", circuit: "rz", channels: 1 }],
        outputs: [
          { name: "spk", circuit: "rz", source: "\(folder.path)/tone.npy", mode: "continuous" },
        ],
        run: { duration_s: 5 },
      }
      """)
    defer { test.remove() }
    let simulated = DeviceOpeners.simulated(test.session, in: test.world)
    let openers = DeviceOpeners(
      circuit: { CountedCircuit(try simulated.circuit($0, $1), refusing: ["write"]) },
      stimulator: simulated.stimulator)
    let plan = SessionPlan(
      test.session, openers: openers, output: test.path, software: [("daqrec", "test")])
    let report = try Recorder(plan, timekeeper: test.timekeeper, warn: { _ in }).run { _ in }
    #expect(report.exitCode == 75)
    #expect(report.lost == 0)
    #expect(report.deviceFailures == [])
    #expect(
      report.final.outputs.map(\.failure) == [
        "rz (simulated RZ2): write: refused (driver): nothing more is played"
      ])
    #expect(report.final.buffers.map { $0.samples >= 5000 } == [true])
  }
}
