import NWB
import Samples
import Testing

@testable import Recording

@Suite struct SessionOverrideTests {
  @Test func `settings go before what the session says`() throws {
    let session = try SessionText("run: { duration_s: 60 },").load(settings: [
      "run.duration_s=5", "file.path=out/{id}.nwb", "session.description=two words = one",
      "circuits.0.simulate.speed=max", "circuits.rz.latch_trigger=3",
      "buffers.lfp.channels=4", "stimulator.name=stg2", "buffers.0.electrodes={location: 'SSp'}",
    ])
    #expect(session.run.duration == 5)
    #expect(session.file.path == "out/{id}.nwb")
    #expect(session.texts.description == "two words = one")
    #expect(session.speed == .infinity)
    #expect(session.circuits.first?.latchTrigger == 3)
    #expect(session.buffers.first?.format.channels == 4)
    #expect(session.stimulator?.name == "stg2")
    #expect(session.buffers.first?.unit == "volts")
    #expect(session.settings.count == 8)
  }

  @Test func `null takes a section away`() throws {
    let session = try SessionText("stimulator: { name: \"x\" },").load(settings: [
      "stimulator=null"
    ])
    #expect(session.stimulator == nil)
  }

  @Test func `the text stays as it was`() throws {
    let text = SessionText("run: { duration_s: 60 },")
    #expect(try text.load(settings: ["run.duration_s=5"]).text == text.text)
  }

  @Test(arguments: [
    ("run.durtion_s=5", "run.durtion_s: unknown key; did you mean duration_s?"),
    ("runn.duration_s=5", "runn: unknown key; did you mean run?"),
    (
      "run.duration_s=long",
      #"run.duration_s: "long" is not allowed; allowed: a finite number above 0"#
    ),
    (
      "circuits.rx.index=2",
      "circuits.rx.index: there is no element rx; allowed: 0 to 0, or a name: rz"
    ),
    (
      "circuits.1.index=2",
      "circuits.1.index: there is no element 1; allowed: 0 to 0, or a name: rz"
    ),
    ("session.id.x=2", #"session.id.x: "a" has no key x"#),
    ("buffers.lfp.circuit=rx", #"buffers.0.circuit: there is no circuit "rx"; did you mean "rz"?"#),
    ("run", "is not a setting; allowed: key.path=value"),
    ("=5", "is not a setting; allowed: key.path=value"),
    ("run..duration_s=5", "is not a setting; allowed: key.path=value"),
  ])
  func `a setting that is wrong is its own place`(setting: String, message: String) {
    #expect(SessionText("").problems(settings: [setting]) == ["--set \(setting): \(message)"])
  }

  @Test func `problems of the text come before those of settings`() {
    let session = SessionText("file: { flush_s: ¦0 },")
    #expect(
      session.problems(settings: ["run.duration_s=0"]) == [
        "s:\(session.marks[0]): file.flush_s: 0 is not allowed; allowed: a finite number from 0.05 "
          + "to 60",
        "--set run.duration_s=0: run.duration_s: 0 is not allowed; allowed: a finite number above 0",
      ])
  }
}
