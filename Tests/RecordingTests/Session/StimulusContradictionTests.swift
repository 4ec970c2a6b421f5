import Samples
import Testing

@testable import Recording

@Suite struct StimulusContradictionTests {
  static let pulse = "amplitudes_in_mA: [0.1, -0.1, 0], durations_in_ms: [0.2, 0.2, 9.6]"

  @Test(arguments: [
    Wrong(
      "stimulus: ¦{ signals: [{ channel: 0, \(pulse) }] },",
      "stimulus: there is no stimulator; a section stimulator is required"),
    Wrong(
      "stimulator: {},\nstimulus: { signals: [{ channel: ¦8, \(pulse) }] },",
      "stimulus.signals.0.channel: 8 is not allowed; allowed: a channel from 0 to 7"),
    Wrong(
      "stimulator: {},\nstimulus: { signals: [¦{ \(pulse) }] },",
      "stimulus.signals.0.channel: is missing; its number is required"),
    Wrong(
      "stimulator: {},\nstimulus: { signals: [¦{ channel: 0 }] },",
      "stimulus.signals.0.amplitudes_in_mA: is missing; amplitudes_in_mA and durations_in_ms, pulse "
        + "or file is required"),
    Wrong(
      "stimulator: {},\nstimulus: { signals: [¦{ channel: 0, amplitudes_in_mA: [0] }] },",
      "stimulus.signals.0.durations_in_ms: is missing; one for each amplitude is required"),
    Wrong(
      "stimulator: {},\nstimulus: { signals: [{ channel: 0, \(pulse), pulse: ¦{} }] },",
      "stimulus.signals.0.pulse: amplitudes_in_mA says the signal already; one of them is allowed"),
    Wrong(
      """
      stimulator: {},
      stimulus: { signals: [{ channel: 0, durations_in_ms: ¦[1],
        pulse: { intensity_in_mA: 0.1, pulsewidth_in_ms: 0.2, isi_in_ms: 9.6 } }] },
      """,
      "stimulus.signals.0.durations_in_ms: goes with amplitudes_in_mA, not with pulse"),
    Wrong(
      """
      stimulator: { mode: "voltage" },
      stimulus: { signals: [¦{ channel: 0, ¦amplitudes_in_mA: [1, -1, 0], durations_in_ms: [1, 1, 8] }] },
      """,
      "stimulus.signals.0.amplitudes_in_mV: is missing; amplitudes_in_mV and durations_in_ms, pulse "
        + "or file is required",
      "stimulus.signals.0.amplitudes_in_mA: unknown key; did you mean amplitudes_in_mV?"),
    Wrong(
      "stimulator: {},\nstimulus: { signals: [{ channel: 0, \(pulse), repeat: ¦0 }] },",
      "stimulus.signals.0.repeat: 0 is not allowed; allowed: a whole number from 1 to 2147483647"),
    Wrong(
      """
      stimulator: {},
      stimulus: { signals: [{ channel: 0, amplitudes_in_mA: ¦[1, 0], durations_in_ms: [1] }] },
      """,
      "stimulus.signals.0.amplitudes_in_mA: channel 0: 2 amplitudes but 1 durations"),
    Wrong(
      """
      stimulator: {},
      stimulus: { signals: [{ channel: 1, amplitudes_in_mA: ¦[0, 20, -20], durations_in_ms: [1, 1, 1] }] },
      """,
      "stimulus.signals.0.amplitudes_in_mA: channel 1, element 1: 20.0 mA is beyond the device's "
        + "16.0 mA"),
    Wrong(
      """
      stimulator: { simulate: { range_nA: 160000, resolution_nA: 20 } },
      stimulus: { signals: [{ channel: 1, amplitudes_in_mA: ¦[0.2, -0.2, 0], durations_in_ms: [1, 1, 1] }] },
      """,
      "stimulus.signals.0.amplitudes_in_mA: channel 1, element 0: 0.2 mA is beyond the device's "
        + "0.16 mA"),
    Wrong(
      """
      stimulator: {},
      stimulus: { signals: [{ channel: 0, amplitudes_in_mA: [1, ¦NaN], durations_in_ms: [1, ¦-1] }] },
      """,
      "stimulus.signals.0.amplitudes_in_mA.1: NaN is not allowed; allowed: a finite number",
      "stimulus.signals.0.durations_in_ms.1: -1 is not allowed; allowed: a finite number from 0"),
    Wrong(
      """
      stimulator: { limits: [{ channels: [0], max_mA: 0.05, max_charge_nC: 100 }] },
      stimulus: { signals: [{ channel: 0, amplitudes_in_mA: ¦[0.1, -0.1, 0], durations_in_ms: [1, 1, 8] }] },
      """,
      "stimulus.signals.0.amplitudes_in_mA: channel 0, element 0: 0.1 mA is beyond the limit of "
        + "0.05 mA"),
    Wrong(
      """
      stimulator: { limits: [{ channels: [0], max_mA: 1, max_charge_nC: 50 }] },
      stimulus: { changes: [{ at_s: 1, channel: 0,
        pulse: ¦{ intensity_in_mA: 0.1, pulsewidth_in_ms: 1, isi_in_ms: 8 } }] },
      """,
      "stimulus.changes.0.pulse: channel 0: a phase of 100.0 nC is beyond the limit of 50.0 nC"),
    Wrong(
      """
      stimulator: { limits: [{ channels: [0], max_mA: 1, max_charge_nC: 500 }] },
      stimulus: { signals: [{ channel: 0,
        pulse: ¦{ intensity_in_mA: 0.1, mode: "monophasic", pulsewidth_in_ms: 1, isi_in_ms: 9 } }] },
      """,
      "stimulus.signals.0.pulse: channel 0: a period leaves 100.0 nC, beyond the limit of 1.0 nC"),
    Wrong(
      """
      stimulator: {},
      stimulus: { signals: [{ channel: 0, pulse: ¦{ ¦pulswidth_in_ms: 1, isi_in_ms: 1, intensity_in_mA: 1 } }] },
      """,
      "stimulus.signals.0.pulse.pulsewidth_in_ms: is missing; a number is required",
      "stimulus.signals.0.pulse.pulswidth_in_ms: unknown key; did you mean pulsewidth_in_ms?"),
  ])
  func `signals must fit the stimulator`(wrong: Wrong) { wrong.check() }

  @Test(arguments: [
    Wrong(
      "stimulator: {},\nstimulus: { start_after_s: 2, changes: [{ at_s: ¦1, channel: 0, \(pulse) }] },",
      "stimulus.changes.0.at_s: 1 is before start_after_s; allowed: from 2"),
    Wrong(
      """
      stimulator: {},
      stimulus: { changes: [{ at_s: 1, channel: 0, \(pulse) }, { at_s: 1, channel: 1, \(pulse) },
        { at_s: ¦1, channel: 0, \(pulse) }] },
      """,
      "stimulus.changes.2.at_s: stimulus.changes.0 changes channel 0 at the same time"),
    Wrong(
      """
      stimulator: {},
      stimulus: { changes: [{ at_s: ¦10, channel: 0, \(pulse) }] },
      run: { duration_s: 10 },
      """,
      "stimulus.changes.0.at_s: 10 is not before run.duration_s, 10"),
    Wrong(
      """
      stimulator: {},
      stimulus: { start_after_s: ¦20, signals: [{ channel: 0, \(pulse) }] },
      run: { duration_s: 10 },
      """,
      "stimulus.start_after_s: 20 is not before run.duration_s, 10"),
    Wrong(
      "stimulator: {},\nstimulus: { changes: [¦{ channel: 0, \(pulse) }] },",
      "stimulus.changes.0.at_s: is missing; a time is required"),
  ])
  func `changes must have their time`(wrong: Wrong) { wrong.check() }

  /// A protocol of one condition, every second from second 2 on.
  static func plan(_ keys: String, _ condition: String = "repeat: 10") -> String {
    """
    stimulator: {},
    stimulus: { start_after_s: 2, protocol: { \(keys), order: "fixed",
      conditions: [{ name: "x", channel: 0, \(pulse), \(condition) }] } },
    """
  }

  @Test(arguments: [
    Wrong(
      "stimulator: {},\nstimulus: { protocol: ¦{ isi_s: 1 } },",
      "stimulus.protocol.conditions: is missing; a list is required"),
    Wrong(
      "stimulator: {},\nstimulus: { protocol: { isi_s: 1, conditions: ¦[] } },",
      "stimulus.protocol.conditions: there are none; at least one is wanted"),
    Wrong(
      plan("isi_s: ¦0"),
      "stimulus.protocol.isi_s: 0 is not allowed; allowed: a finite number above 0"),
    Wrong(
      plan("isi_s: ¦{ gamma: 1 }").replacing("¦{ gamma", with: "¦{ ¦gamma"),
      "stimulus.protocol.isi_s: a number, { uniform: [low, high] } or { exponential: { mean, min, "
        + "max } } is wanted",
      "stimulus.protocol.isi_s.gamma: unknown key; allowed: uniform, exponential"),
    Wrong(
      plan("isi_s: { uniform: ¦[2, 1] }"),
      "stimulus.protocol.isi_s.uniform: two numbers, the least and the most, are wanted"),
    Wrong(
      plan("isi_s: { exponential: ¦{ mean: 1, min: 2, max: 3 } }"),
      "stimulus.protocol.isi_s.exponential: min < mean < max is wanted"),
    Wrong(
      plan(#"isi_s: 1, repeats: ¦0"#),
      "stimulus.protocol.repeats: 0 is not allowed; allowed: a whole number from 1 to 1000000"),
    // Ten periods of 10 ms are 0.1 s, twice what is between the trials.
    Wrong(
      plan("isi_s: ¦0.05, repeats: 3"),
      "stimulus.protocol.isi_s: trial 2, at 2.05 s, begins while \"x\" of trial 1 is still running; "
        + "it would need 0.05 s more"),
    // Onsets at 2, 3, 4 s; the last stimulus ends at 4.1 s.
    Wrong(
      plan("isi_s: 1, repeats: ¦3") + "\nrun: { duration_s: 4 },",
      "stimulus.protocol.repeats: the last trial ends at 4.1 s, after run.duration_s, 4"),
    Wrong(
      plan("isi_s: 1", "repeat: 1, columns: { level: ¦[] }"),
      "stimulus.protocol.conditions.0.columns.level: a list is not allowed; allowed: a number or a "
        + "text"),
    Wrong(
      plan("isi_s: 1", "repeat: 1, columns: { condition: ¦1 }"),
      "stimulus.protocol.conditions.0.columns.condition: every trial has a column condition of its "
        + "own; choose another name"),
    Wrong(
      plan("isi_s: 1", #"repeat: 1, columns: { level: ¦"high" }"#)
        + #"\#ncontrol: { trial_columns: { level: "number" } },"#,
      "stimulus.protocol.conditions.0.columns.level: is a number in control.trial_columns"),
    Wrong(
      plan("isi_s: 1", #"repeat: 1, columns: { note: ¦"\#(String(repeating: "é", count: 17))" }"#),
      "stimulus.protocol.conditions.0.columns.note: \"\(String(repeating: "é", count: 17))\" is not "
        + "allowed; allowed: a text of up to 32 bytes"),
  ])
  func `protocols must fit`(wrong: Wrong) { wrong.check() }

  @Test func `every condition has the columns of the others and a name of its own`() {
    Wrong(
      """
      stimulator: {},
      stimulus: { protocol: { isi_s: 1, conditions: [
        { name: "x", channel: 0, \(Self.pulse), columns: { level: 1, side: "left" } },
        { name: ¦"x", channel: 0, \(Self.pulse), columns: ¦{ level: ¦"2" } },
      ] } },
      """,
      #"stimulus.protocol.conditions.1.name: "x" is the name of an earlier condition; names must differ"#,
      "stimulus.protocol.conditions.1.columns: has no column side, which other conditions have; "
        + "every one needs it",
      "stimulus.protocol.conditions.1.columns.level: is a text here and another kind in an earlier "
        + "condition"
    ).check()
  }

  @Test(arguments: [
    // Trials at 2, 3, 4 s of 0.1 s each.
    (2.95, "repeat: 10", 3.0), (2.0, "", 2.0), (3.05, "", 3.0), (3.95, "repeat: 10", 4.0),
    (2.5, "repeat: 100", 3.0),
  ])
  func `a change that meets a trial on its channel is refused`(
    time: Double, end: String, trial: Double
  ) {
    let change = "{ at_s: ¦\(time), channel: 0, \(Self.pulse), \(end) }"
    Wrong(
      Self.plan("isi_s: 1, repeats: 3")
        .replacing("protocol:", with: "changes: [\(change)], protocol:"),
      "stimulus.changes.0.at_s: the change meets trial \(Int(trial) - 1) of the protocol, at "
        + "\(Int(trial)) s on the same channel; choose another time or channel"
    ).check()
  }

  @Test(arguments: ["channel: 1, at_s: 3", "channel: 0, at_s: 2.5", "channel: 0, at_s: 4.2"])
  func `a change beside the trials is allowed`(change: String) throws {
    let text = Self.plan("isi_s: 1, repeats: 3")
      .replacing("protocol:", with: "changes: [{ \(change), \(Self.pulse), repeat: 5 }], protocol:")
    #expect(try SessionText(text).load().stimulus.changes.count == 1)
  }

  @Test func `a duration from the command line may cut the plan short`() throws {
    let text = SessionText(Self.plan("isi_s: 1, repeats: 3"))
    #expect(text.problems(settings: ["run.duration_s=3"]) == [])
  }

  @Test func `control and protocol do not share a column by accident`() {
    Wrong(
      Self.plan("isi_s: 1", "repeat: 1") + "\ncontrol: { trial_columns: { repeat: ¦\"number\" } },",
      "control.trial_columns.repeat: the protocol gives its trials a column repeat; choose another "
        + "name"
    ).check()
    #expect(SessionText("control: { trial_columns: { repeat: \"number\" } },").problems() == [])
  }
}
