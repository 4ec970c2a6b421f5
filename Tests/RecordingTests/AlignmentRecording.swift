import Foundation
import NWB
import Recording
import Simulator
import Synchronization
import Testing

/// Recordings to be aligned, made once each in virtual time and copied for every test.
enum AlignmentRecording {
  /// 16 s of a stimulator whose sync line a circuit records, beside a sine; both clocks are off.
  case synced
  /// The same without a line, a stimulator that is silent, or no stimulator at all.
  case unsynced
  case silent
  case unstimulated
  /// Two circuits that both record the line.
  case twoCircuits
  /// The circuit begins anew in the middle.
  case reset

  private static func circuit(
    _ name: String, ppm: Double, seed: Int, signals: String = "", faults: String = ""
  ) -> String {
    """
    { name: "\(name)", latch_trigger: 1, poll_ms: 40,
      simulate: { rate: 6103.515625, ppm: \(ppm), seed: \(seed), speed: "max",
        faults: [\(faults)],
        signals: { sync: { sync: { output: 0, level: 100 } }, \(signals) } } }
    """
  }

  private static let changes = """
    stimulus: { changes: [
      { at_s: 4, channel: 0, amplitudes_in_mA: [0.1, -0.1, 0], durations_in_ms: [0.2, 0.2, 9.6], repeat: 2 },
      { at_s: 8.37, channel: 0, amplitudes_in_mA: [0.1, -0.1, 0], durations_in_ms: [0.2, 0.2, 9.6], repeat: 2 },
      { at_s: 13.81, channel: 0, amplitudes_in_mA: [0.1, -0.1, 0], durations_in_ms: [0.2, 0.2, 9.6], repeat: 2 },
    ] },
    """

  private var text: String {
    let stimulator = """
      stimulator: { name: "stg", simulate: { speed: "max", ppm: -70, channels: 1 },
        \(self == .unsynced ? "" : "sync: { output: 0, buffer: \"sync\", channel: 0 },") },
      """
    let rz = Self.circuit(
      "rz", ppm: 60, seed: 3, signals: "sine: { sine: { amplitude: 50, frequency: 2 } }",
      faults: self == .reset ? "{ kind: \"reset\", at_s: 8.05 }" : "")
    let second = Self.circuit("rx", ppm: -45, seed: 4)
    return """
      {
        session: { id: "align", description: "a recording to be aligned" },
        circuits: [\(rz),
          \(self == .twoCircuits ? second : "")],
        buffers: [
          { name: "sync", circuit: "rz", channels: 1, src_type: "int16", dest_type: "int16" },
          { name: "sine", circuit: "rz", channels: 2 },
          \(self == .twoCircuits
            ? "{ name: \"other\", circuit: \"rx\", channels: 1, data_tag: \"sync\" }," : "")
        ],
        \(self == .unstimulated ? "" : stimulator)
        \(self == .unstimulated || self == .silent ? "" : Self.changes)
        run: { duration_s: \(self == .reset ? 20 : 16) },
      }
      """
  }

  private static let made = RecordingCache()

  /// A copy of the recording in `folder`.
  func copied(to folder: TestFolder) throws -> String {
    let path = folder.path("recording.nwb.h5")
    try Self.made.bytes(of: self) {
      let test = try TestSession(text)
      defer { test.remove() }
      let report = try test.recorder().run { _ in }
      // What the reset took is a loss.
      #expect(report.exitCode == (self == .reset ? 75 : 0))
      return try Data(contentsOf: URL(fileURLWithPath: test.path))
    }.write(to: URL(fileURLWithPath: path))
    return path
  }
}

/// Files made once for all tests.
private final class RecordingCache: Sendable {
  private let made = Mutex<[AlignmentRecording: Data]>([:])

  func bytes(of recording: AlignmentRecording, make: () throws -> Data) throws -> Data {
    try made.withLock { made in
      if let bytes = made[recording] { return bytes }
      let bytes = try make()
      made[recording] = bytes
      return bytes
    }
  }
}

/// A folder of one test, removed with everything in it.
final class TestFolder {
  private let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("daqrec-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}

/// The bytes of a file.
func bytes(of path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

/// When the rising edges of a recorded line were, by its starting time and rate alone: half a frame
/// before the first frame that shows them.
func shownEdges(
  in series: String, of path: String
) throws -> [(frame: Int64, seconds: Double)] {
  let reader = try RecordingReader(reading: path)
  let line = try #require(try reader.series().first { $0.name == series })
  let samples = try reader.samples(of: series, frames: 0..<line.frames, as: Float.self)
  try reader.close()
  return samples.indices.dropFirst().filter { samples[$0] > 50 && samples[$0 - 1] < 50 }.map {
    (Int64($0), line.startingTime + (Double($0) - 0.5) / line.rate)
  }
}
