import NWB
import Testing

@testable import Recording

@Suite struct SessionReadingTests {
  @Test(arguments: [
    // Keys.
    Wrong("file: { ¦flsh_s: 1 },", "file.flsh_s: unknown key; did you mean flush_s?"),
    Wrong(
      "file: { ¦colour: 1 },",
      "file.colour: unknown key; allowed: path, flush_s, sync_s, compression, compression_level, "
        + "reserve_MB"),
    Wrong("¦cirucits: [],", "cirucits: unknown key; did you mean circuits?"),
    Wrong(#"session: ¦{ id: "a" },"#, "session.description: is missing; a text is required"),
    Wrong(
      #"session: { id: ¦"", description: "b" },"#,
      #"session.id: "" is not allowed; allowed: a text that is not empty"#),
    // Types.
    Wrong(
      #"file: { flush_s: ¦"1" },"#,
      #"file.flush_s: "1" is not allowed; allowed: a finite number from 0.05 to 60"#),
    Wrong("file: { path: ¦7 },", "file.path: 7 is not allowed; allowed: a text that is not empty"),
    Wrong(
      "file: { compression_level: ¦1.5 },",
      "file.compression_level: 1.5 is not allowed; allowed: a whole number from 1 to 9"),
    Wrong("file: ¦[],", "file: a list is not allowed; allowed: an object {…}"),
    Wrong(
      "outputs: ¦{},",
      "outputs: an object is not allowed; allowed: a list […]"),
    Wrong("buffers: [¦true],", "buffers.0: true is not allowed; allowed: an object {…}"),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", channels: 1, gated: ¦1 }],"#,
      "buffers.0.gated: 1 is not allowed; allowed: true or false"),
    // Ranges.
    Wrong(
      "file: { flush_s: ¦0 },",
      "file.flush_s: 0 is not allowed; allowed: a finite number from 0.05 to 60"),
    Wrong(
      "file: { sync_s: ¦0.01 },",
      "file.sync_s: 0.01 is not allowed; allowed: a finite number from 0.1 to 3600"),
    Wrong(
      "file: { reserve_MB: ¦-1 },",
      "file.reserve_MB: -1 is not allowed; allowed: a finite number from 0"),
    Wrong(
      "run: { duration_s: ¦0 },",
      "run.duration_s: 0 is not allowed; allowed: a finite number above 0"),
    Wrong(
      "run: { duration_s: ¦Infinity },",
      "run.duration_s: Infinity is not allowed; allowed: a finite number above 0"),
    Wrong(
      "run: { duration_s: ¦NaN },",
      "run.duration_s: NaN is not allowed; allowed: a finite number above 0"),
    // Choices.
    Wrong(
      #"file: { compression: ¦"zip" },"#,
      #"file.compression: "zip" is not allowed; allowed: "none", "gzip""#),
    Wrong(
      #"file: { compression: ¦"gzip" },"#,
      #"file.compression: "gzip" is not in this version; allowed: "none""#),
    Wrong(
      #"file: { path: ¦"{id}_{day}.nwb" },"#,
      "file.path: {day} is not allowed; allowed: {id}, {date}, {time}"),
    Wrong(
      #"session: { id: ¦"a/b", description: "b" },"#,
      #"session.id: "a/b" is not allowed; allowed: an id without / (file.path contains {id})"#),
    Wrong(
      #"session: { id: "a", description: "b", subject: { id: "m", sex: ¦"m" } },"#,
      #"session.subject.sex: "m" is not allowed; allowed: "F", "M", "O", "U""#),
    Wrong(
      #"session: { id: "a", description: "b", subject: { id: "m", age: ¦"90 days" } },"#,
      #"session.subject.age: "90 days" is not allowed; allowed: an ISO 8601 duration as "P90D""#),
    // Control.
    Wrong(
      #"control: { trial_columns: { level: ¦"int" } },"#,
      #"control.trial_columns.level: "int" is not allowed; allowed: "number", "text""#),
    Wrong(
      #"control: { trial_columns: { start_time: ¦"number" } },"#,
      "control.trial_columns.start_time: every trial has a column start_time of its own; choose "
        + "another name"),
  ])
  func `a key that is wrong says what is allowed`(wrong: Wrong) { wrong.check() }

  @Test func `syntax, keys, types and contradictions are reported together`() {
    Wrong(
      """
      file: { flush_s: 1 ¦sync_s: 5, ¦pth: "x" },
      run: { duration_s: ¦"60" },
      stimulator: { sync: { buffer: ¦"snc" } },
      """,
      "file.sync_s: a comma is missing before sync_s",
      "file.pth: unknown key; did you mean path?",
      #"run.duration_s: "60" is not allowed; allowed: a finite number above 0"#,
      #"stimulator.sync.buffer: there is no buffer "snc"; allowed: lfp"#
    ).check()
  }

  @Test func `a session without anything to do is refused`() {
    let nothing = #"{ session: { id: "a", description: "b" } }"#
    let message = "there is nothing to do; buffers, a stimulator, or both are wanted"
    #expect(SessionText(whole: nothing).problems() == ["s:1:1: \(message)"])
    #expect(SessionText("buffers: [],").problems() == ["s:1:1: \(message)"])
  }

  @Test func `a stimulator alone is enough`() throws {
    let text = #"{ session: { id: "a", description: "b" }, stimulator: {} }"#
    #expect(try Session.load(text: text).stimulator != nil)
  }

  @Test func `a text that is no object is refused`() {
    #expect(
      SessionText(whole: "[]").problems().first
        == "s:1:1: a list is not allowed; allowed: an object {…}")
    #expect(
      SessionText(whole: "").problems().first
        == "s:1:1: there is nothing here; an object { … } is wanted")
  }

  @Test func `a file that is not there is its own error`() throws {
    let folder = try TemporaryFolder(["latin1.json5": [0x7B, 0xE9, 0x7D]])
    let missing = #expect(throws: SessionError.self) {
      try Session.load(path: folder.path + "/none.json5")
    }
    #expect(missing?.isUnreadable == true)
    let foreign = #expect(throws: SessionError.self) {
      try Session.load(path: folder.path + "/latin1.json5")
    }
    #expect(foreign?.isUnreadable == false)
    #expect(
      foreign?.description == folder.path + "/latin1.json5:1:1: the file is not UTF-8")
  }

  @Test(
    arguments: [
      ("flsh_s", "flush_s"), ("cirucits", "circuits"), ("Path", "path"), ("amplitudes_in_ma", nil),
      ("x", nil), ("isi", "isi_s"),
    ] as [(String, String?)])
  func `the nearest name is one that was probably meant`(given: String, nearest: String?) {
    let known = ["flush_s", "circuits", "path", "isi_s", "sync_s"]
    #expect(known.nearest(to: given) == nearest)
  }
}
