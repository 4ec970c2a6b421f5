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
      circuit: { DeafCircuit(try simulated.circuit($0, $1)) }, stimulator: simulated.stimulator)
    let plan = SessionPlan(
      test.session, openers: openers, output: test.path, software: [("daqrec", "test")])
    let report = try Recorder(plan, timekeeper: test.timekeeper, warn: { _ in }).run { _ in }
    #expect(report.exitCode == 75)
    #expect(report.lost == 0)
    #expect(report.deviceFailures == [])
    #expect(
      report.final.outputs.map(\.failure) == [
        "deaf: write: refused (driver): nothing more is played"
      ])
    #expect(report.final.buffers.map { $0.samples >= 5000 } == [true])
  }
}

/// Refuses every write once it runs.
private final class DeafCircuit: Circuit {
  private let circuit: any Circuit
  private var isRunning = false

  init(_ circuit: any Circuit) { self.circuit = circuit }

  var deviceDescription: String { circuit.deviceDescription }
  var rate: Double { circuit.rate }
  var tags: [TagInfo] { circuit.tags }

  func run() throws(DeviceError) {
    try circuit.run()
    isRunning = true
  }

  func halt() throws(DeviceError) { try circuit.halt() }

  func health() throws(DeviceError) -> (status: CircuitStatus, cycleUsage: Int) {
    try circuit.health()
  }

  func values(of tags: [String]) throws(DeviceError) -> [Float] { try circuit.values(of: tags) }

  func set(_ tag: String, to value: Float) throws(DeviceError) { try circuit.set(tag, to: value) }

  func fire(_ trigger: Trigger, mode: TriggerMode) throws(DeviceError) -> Bracket {
    try circuit.fire(trigger, mode: mode)
  }

  func poll(_ poll: inout Poll) throws(DeviceError) { try circuit.poll(&poll) }

  func write(
    _ words: UnsafeBufferPointer<UInt32>, to ring: RingTags, size: Int, from: Int64
  ) throws(DeviceError) -> (position: RingPosition, bracket: Bracket) {
    guard !isRunning else {
      throw DeviceError(device: "deaf", call: "write", code: .driver, message: "refused")
    }
    return try circuit.write(words, to: ring, size: size, from: from)
  }

  func reconnect() throws(DeviceError) { try circuit.reconnect() }

  func close() { circuit.close() }
}
