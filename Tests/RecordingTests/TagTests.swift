import Foundation
import NWB
import Recording
import Testing

/// Tags that a session names, sets or watches, and what the circuit's do by themselves.
@Suite struct TagTests {
  /// One buffer `x` of int16, and parts of its circuit and of itself.
  private static func text(
    simulate: String = "", circuit: String = "", buffer: String = "", buffers: String = ""
  ) -> String {
    """
    {
      session: { id: "tags", description: "a test" },
      circuits: [{
        name: "rz", latch_trigger: 1, \(circuit)
        simulate: { rate: 6103.515625, speed: "max", signals: { x: { counter: true } }, \(simulate) },
      }],
      buffers: [{ name: "x", circuit: "rz", channels: 2, src_type: "int16", \(buffer) }\(buffers)],
      run: { duration_s: 2 },
    }
    """
  }

  /// Why a session does not begin.
  private func refusal(_ text: String) throws -> Recorder.StartError? {
    let test = try TestSession(text)
    defer { test.remove() }
    return #expect(throws: Recorder.StartError.self) { try test.recorder().run { _ in } }
  }

  @Test func aScalingFactorThatBecomesZeroEndsTheSeries() throws {
    let test = try TestSession(
      Self.text(simulate: #"faults: [{ kind: "set_tag", at_s: 1, tag: "x_sf", value: 0 }]"#))
    defer { test.remove() }
    let report = try test.recorder().run { _ in }
    #expect(report.exitCode == 75)
    let reader = try RecordingReader(reading: test.path)
    let frames = try #require(try reader.series().first).frames
    // It is sampled from 0.25 s after `run` on.
    #expect((4000...4600).contains(frames))
    #expect(
      try reader.log().contains {
        $0.kind == .error && $0.text == "x: x_sf changed to 0.0: the series ends here"
      })
    try reader.close()
  }

  @Test func anIndexTagThatTheCircuitDoesNotHaveIsMissed() throws {
    let error = try refusal(Self.text(simulate: #"stores: { x: { tags_absent: ["x_i"] } }"#))
    #expect(error?.exitCode == 65)
    #expect(error?.description.contains("the circuit has no index tag x_i") == true)
  }
}
