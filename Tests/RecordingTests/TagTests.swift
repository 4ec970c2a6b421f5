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

  @Test(arguments: [
    (#"tags: { gain: 1e300 },"#, "SetTagVal gain: 1e+300 is not allowed"),
    (#"tags: { on: 2 },"#, "SetTagVal on: 2.0 is not allowed: a logic tag takes 0 or 1"),
    (#"tags: { count: 1.5 },"#, "SetTagVal count: 1.5 is not allowed: an integer tag takes whole"),
    (#"tags: { x: 1 },"#, "SetTagVal x: x is no scalar but a buffer"),
    (#"tags: { x_n: 5.5 },"#, "SetTagVal x_n: 5.5 is not allowed: an integer tag takes whole"),
    (#"watch_tags: ["x"],"#, "watch_tags x: x is no scalar but a buffer"),
  ])
  func whatATagCannotTakeIsRefusedWithCircuitAndTag(circuit: String, says: String) throws {
    let types = #"tags: { on: { value: 1, type: "logic" }, count: { type: "integer" } }"#
    let error = try refusal(Self.text(simulate: types, circuit: circuit))
    #expect(error?.exitCode == 65)
    #expect(error?.description.hasPrefix("rz (simulated RZ2): \(says)") == true)
  }

  @Test(arguments: [
    (#"idx_tag: "x""#, "buffer x: tag x is a buffer; a scalar is wanted"),
    (#"idx_tag: "zz", cycle_tag: "zz""#, "buffer x: tag zz is both idx_tag and cycle_tag"),
  ])
  func aBufferWhoseTagsCannotBeIsRefused(buffer: String, says: String) throws {
    let error = try refusal(Self.text(buffer: buffer))
    #expect(error?.exitCode == 65)
    #expect(error?.description.hasPrefix(says) == true)
  }
}
