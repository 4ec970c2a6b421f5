import Clocks
import NWB
import Recording
import Synchronization
import Testing

/// The control channel on a whole session in virtual time.
@Suite struct ControlTests {
  static let text = """
    {
      session: { id: "control", description: "a test" },
      circuits: [{
        name: "rz", latch_trigger: 1, tags: { gain: 1 }, watch_tags: ["gain"],
        simulate: { rate: 6103.515625, speed: "max", signals: { x: { counter: true } } },
      }],
      buffers: [{ name: "x", circuit: "rz", channels: 1, src_type: "int32", dest_type: "int32" }],
      stimulator: { simulate: { speed: "max" } },
      control: { trial_columns: { level: "number", stim: "text" } },
    }
    """

  /// Lines, each given so many seconds after the one before, and what the session left.
  struct Outcome {
    var replies: [JSONValue]
    var report: Report
    var changes: [SignalChange]
    var log: [LogEntry]
    var trials: TableContent?
    var tags: [Double]
    var start: Double

    /// The replies that carry an id.
    func replies(_ id: JSONValue) -> [JSONValue] { replies.filter { $0["id"] == id } }
  }

  private func record(
    _ lines: [(wait: Double, line: String)], ends: Bool = false
  ) throws -> Outcome {
    let test = try TestSession(Self.text)
    defer { test.remove() }
    let recorder = test.recorder()
    let replies = Mutex<[JSONValue]>([])
    let control = Control(
      recorder, status: { .text(recorder.status().state) },
      reply: { reply in replies.withLock { $0.append(reply) } })
    let timekeeper = test.timekeeper
    let driver = timekeeper.startOwner("driver") {
      for (wait, line) in lines {
        timekeeper.sleep(until: timekeeper.now + Nanoseconds(wait * 1e9))
        control.take(line)
      }
      if ends { control.end() }
      timekeeper.sleep(until: timekeeper.now + 1_000_000_000)
      control.take(#"{"id": "end", "stop": {}}"#)
    }
    let report = try recorder.run { _ in }
    driver.join()
    let reader = try RecordingReader(reading: test.path)
    let outcome = Outcome(
      replies: replies.withLock { $0 }, report: report,
      changes: try reader.ledger()?.changes ?? [], log: try reader.log(),
      trials: try reader.table("/intervals/trials"),
      tags: try reader.table("/events/tags")?.numbers("value") ?? [],
      start: try reader.series().first?.startingTime ?? .nan)
    try reader.close()
    return outcome
  }

  @Test func aSignalIsAcceptedAtOnceAndAnsweredAgainWhenItIsQueued() throws {
    let outcome = try record([
      (
        3,
        #"{"id": 7, "set_signal": {"channel": 4, "amplitudes_in_mA": [0.1, -0.1, 0], "durations_in_ms": [0.2, 0.2, 9.6], "repeat": 5}}"#
      )
    ])
    let replies = outcome.replies(7)
    #expect(replies.count == 2)
    #expect(replies[0]["type"] == "reply" && replies[0]["accepted"] == true)
    let change = try #require(outcome.changes.first)
    #expect(change.channel == 4 && change.repeats == 5)
    #expect(replies[1]["onset"] == .number(change.onset))
    #expect(replies[1]["uncertainty"] == .number(change.uncertainty))
    #expect(replies[1]["requested"] == .number(change.requested))
    #expect(replies[1]["queued"] == .number(change.queued))
    #expect(change.requested < change.queued && change.queued < change.onset)
    #expect(change.onset - change.requested < 0.15)
    #expect(outcome.changes.count == 1 && outcome.report.exitCode == 0)
  }

  @Test func requestsBeforeTheBeginningWaitForIt() throws {
    let outcome = try record([
      (0, #"{"id": 1, "note": "early"}"#), (0, #"{"id": 2, "status": {}}"#),
      (2, #"{"id": 3, "status": {}}"#),
    ])
    // Status does not wait.
    #expect(outcome.replies.map { $0["id"] } == [2, 1, 3, "end"])
    #expect(outcome.replies(2).first?["status"] == "opening")
    let note = try #require(outcome.log.first { $0.text == "early" })
    #expect(note.kind == .note && note.time >= outcome.start)
  }

  /// Lines that cannot be done, and what the answer says.
  static let badLines: [(line: String, says: String)] = [
    ("nonsense", "not JSON"), ("[1]", "an object is wanted"), ("{}", "there is no request"),
    (#"{"notes": "x"}"#, "did you mean note?"), (#"{"note": 5}"#, "a text"),
    (#"{"note": "a", "stop": {}}"#, "one request"),
    (#"{"set_signal": {"channel": 0}}"#, "is missing"),
    (
      #"{"set_signal": {"channel": 8, "amplitudes_in_mA": [0], "durations_in_ms": [1]}}"#,
      "channel 8"
    ),
    (
      #"{"set_signal": {"channel": 1, "amplitudes_in_mA": [0, null], "durations_in_ms": [1, 1]}}"#,
      "channel 1, element 1"
    ),
    (
      #"{"set_signal": {"channel": 1, "amplitudes_in_mA": [0], "durations_in_ms": [-1]}}"#,
      "channel 1, element 0"
    ),
    (#"{"trial": {"start": {"colour": 3}}}"#, "no such column"),
    (#"{"trial": {"start": {"level": "x"}}}"#, "a number is wanted"),
    (#"{"trial": {"stop": {}}}"#, "no trial is under way"), (#"{"trial": {}}"#, "start"),
    (#"{"set_tag": {"circuit": "rz", "tag": "gian", "value": 1}}"#, "did you mean gain?"),
    (#"{"set_tag": {"circuit": "rx", "tag": "gain", "value": 1}}"#, "no such circuit"),
    (#"{"trigger": {"circuit": "rz", "trigger": 11}}"#, "from 1 to 10"),
  ]

  @Test func badLinesAreAnsweredAndEndNothing() throws {
    let lines = Self.badLines.map { (wait: 0.01, line: $0.line) }
    let outcome = try record(
      [(2, #"{"id": 8, "note": "before"}"#)] + lines + [(0.1, #"{"id": 9, "note": "after"}"#)])
    let answers = outcome.replies.dropFirst()
    #expect(outcome.replies.count == lines.count + 3)
    for (answer, expected) in zip(answers, Self.badLines) {
      #expect(answer["id"] == .null)
      guard case .text(let message)? = answer["error"]?["message"] else {
        Issue.record("no message: \(answer)")
        continue
      }
      let place = answer["error"]?["where"]?.description ?? ""
      #expect((place + message).contains(expected.says), "\(answer)")
    }
    #expect(outcome.replies(9).first?["accepted"] == true)
    #expect(outcome.report.exitCode == 0 && outcome.changes.isEmpty)
  }

  @Test func aRefusedSignalIsInTheLog() throws {
    let outcome = try record([
      (2, #"{"set_signal": {"channel": 1, "amplitudes_in_mA": [20], "durations_in_ms": [1]}}"#)
    ])
    let rows = outcome.log.filter { $0.kind == .refused }
    #expect(rows.count == 1)
    #expect(rows.first?.text.hasPrefix("channel 1, element 0: 20.0 mA is beyond") == true)
  }

  @Test func aTrialHasItsColumnsAndItsFrames() throws {
    let outcome = try record([
      (2, #"{"trial": {"start": {"level": 3, "stim": "left"}}}"#),
      (0.1, #"{"id": 5, "trial": {"start": {}}}"#), (0.4, #"{"trial": {"stop": {}}}"#),
      (0.1, #"{"trial": {"start": {"level": 4}}}"#),
    ])
    #expect(outcome.replies(5).first?["error"] != nil)
    let trials = try #require(outcome.trials)
    // The second is still open when the session ends.
    #expect(trials.rows == 2)
    #expect(trials.numbers("level") == [3, 4])
    #expect(trials.texts("stim") == ["left", "n/a"])
    let starts = trials.numbers("start_time")
    let stops = trials.numbers("stop_time")
    // As the clock is known at either end: the first seconds' maps are good to a bracket.
    #expect(abs(stops[0] - starts[0] - 0.5) < 1e-3)
    // The first frame at or after the start; 0.5 s are 3051.76 frames.
    let first = ((starts[0] - outcome.start) * 6103.515625).rounded(.up)
    #expect(trials.integers("first_sample")[0] == Int64(first))
    #expect([3051, 3052].contains(trials.integers("n_samples")[0]))
  }

  @Test func aTagIsSetAndATriggerFiredByTheCircuitsOwner() throws {
    let outcome = try record([
      (2, #"{"id": 1, "set_tag": {"circuit": "rz", "tag": "gain", "value": 2.5}}"#),
      (0.2, #"{"id": 2, "trigger": {"circuit": "rz", "trigger": 3}}"#),
    ])
    #expect(outcome.replies(1) == [["type": "reply", "id": 1, "accepted": true]])
    #expect(outcome.tags == [1, 2.5])
    #expect(outcome.log.contains { $0.text == "rz.gain set to 2.5" })
    #expect(outcome.log.contains { $0.text == "rz: trigger 3 fired" })
  }

  @Test func atTheEndOfInputItsSignalsGoSilentAndTheRecordingGoesOn() throws {
    let outcome = try record(
      [
        (
          2,
          #"{"set_signal": {"channel": 2, "amplitudes_in_mA": [0.1, -0.1, 0], "durations_in_ms": [0.2, 0.2, 9.6]}}"#
        ), (0.5, #"{"note": "last"}"#),
      ], ends: true)
    // Pulses, then zeros at a boundary of 500 samples.
    #expect(outcome.changes.map(\.amplitudes) == [[0.1, -0.1, 0], [0]])
    #expect((outcome.changes[1].streamSample - outcome.changes[0].streamSample) % 500 == 0)
    let stop = try #require(outcome.log.last { $0.kind == .stop })
    #expect(stop.time - outcome.changes[1].onset > 0.7)
    #expect(stop.text == "asked to stop")
  }

  @Test func anEmergencyStopEndsTheStimulationAndNotTheRecording() throws {
    let outcome = try record([
      (
        2,
        #"{"set_signal": {"channel": 2, "amplitudes_in_mA": [0.1, -0.1, 0], "durations_in_ms": [0.2, 0.2, 9.6]}}"#
      ), (0.5, #"{"id": 1, "estop": {}}"#),
      (
        0.2,
        #"{"id": 2, "set_signal": {"channel": 2, "amplitudes_in_mA": [0], "durations_in_ms": [1]}}"#
      ),
    ])
    #expect(outcome.replies(1).first?["accepted"] == true)
    #expect(outcome.replies(2).first?["error"] != nil)
    #expect(outcome.report.exitCode == 75)
    #expect(outcome.report.stimulatorFault == "emergency stop")
  }
}
