import NWB
import Testing

@testable import Recording

@Suite struct ElectrodesReadingTests {
  private func buffer(_ electrodes: String) -> String {
    """
    buffers: [{ name: "lfp", circuit: "rz", channels: 2,
      electrodes: \(electrodes) }],
    """
  }

  @Test(arguments: [
    ("¦{ group: \"a\" }", "location: is missing; a text, or a table with this column, is required"),
    (
      #"{ location: "SSp", names: ¦["a"] }"#,
      "names: 1 names for 2 channels; one for each is wanted"
    ),
    (
      #"{ location: "SSp", names: ¦["a", "a"] }"#,
      #"names: the name "a" is there twice in group "lfp"; an electrode records on one channel"#
    ),
    (
      #"{ location: "SSp", group: ¦"a/b" }"#,
      #"group: "a/b" is not allowed; allowed: a name without / and :"#
    ),
    (
      #"{ location: "SSp", group: ¦"electrodes" }"#,
      #"group: "electrodes" is taken in the file; choose another name"#
    ),
    (#"{ location: "SSp", ¦name: ["a", "b"] }"#, "name: unknown key; did you mean names?"),
  ])
  func `electrodes must fit the channels`(electrodes: String, message: String) {
    Wrong(buffer(electrodes), "buffers.0.electrodes.\(message)").check()
  }

  @Test func `electrodes are in volts`() {
    Wrong(
      """
      buffers: [{ name: "lfp", circuit: "rz", channels: 1, unit: ¦"mV",
        electrodes: { location: "SSp" } }],
      """,
      #"buffers.0.unit: "mV" is not allowed with electrodes; allowed: "volts" (and a gain)"#
    ).check()
  }

  private func load(_ table: String, _ rest: String = "") throws -> ElectrodesDescription {
    let folder = try TemporaryFolder(["map.csv": Array(table.utf8)])
    let session = try SessionText(buffer(#"{ table: "map.csv", \#(rest) }"#))
      .load(folder: folder.path)
    return try #require(session.buffers.first?.electrodes)
  }

  @Test func `a table gives every electrode its row`() throws {
    let electrodes = try load(
      """
      # probe 1
      location, group,name,rel_x,rel_y,reference,bad

      SSp,p1,"A ""1"", left",0,-20.5,screw,false\r
      "VISp",p1,A2,,20,,1
      """)
    #expect(
      electrodes.electrodes == [
        .init(name: #"A "1", left"#, group: "p1", location: "SSp"),
        .init(name: "A2", group: "p1", location: "VISp"),
      ])
    #expect(electrodes.columns.map(\.name) == ["rel_x", "rel_y", "reference", "bad"])
    guard case .numbers(let x) = electrodes.columns[0].values,
      case .numbers(let y) = electrodes.columns[1].values,
      case .texts(let references) = electrodes.columns[2].values,
      case .flags(let bad) = electrodes.columns[3].values
    else {
      Issue.record("columns of other kinds")
      return
    }
    #expect(x[0] == 0 && x[1].isNaN)
    #expect(y == [-20.5, 20])
    #expect(references == ["screw", "unknown"])
    #expect(bad == [false, true])
  }

  @Test func `what a table does not say is taken from the section`() throws {
    let electrodes = try load("rel_x\n1\n2\n", #"location: "SSp", group: "g", names: ["a", "b"]"#)
    #expect(
      electrodes.electrodes == [
        .init(name: "a", group: "g", location: "SSp"),
        .init(name: "b", group: "g", location: "SSp"),
      ])
  }

  @Test(arguments: [
    ("location,rel_X2\nA,1\nB,2\n", #"line 1: unknown column "rel_X2"; did you mean rel_x?"#),
    ("location,location\nA,1\nB,2\n", "line 1: column location is there twice"),
    ("location,bad\nA,1\nB\n", "line 3: 1 cells, but the header has 2"),
    (
      "location,rel_x\nA,1\nB,left\n",
      #"line 3: rel_x is "left"; allowed: a finite number, or nothing"#
    ),
    ("location,bad\nA,maybe\nB,0\n", #"line 2: bad is "maybe"; allowed: true, false, 1, 0"#),
  ])
  func `a table that is wrong is reported with its line`(table: String, message: String) throws {
    let folder = try TemporaryFolder(["map.csv": Array(table.utf8)])
    Wrong(
      buffer(#"{ table: ¦"map.csv" }"#),
      "buffers.0.electrodes.table: \(folder.path)/map.csv \(message)"
    ).check(folder: folder.path)
  }

  @Test(arguments: [
    ("location\nA\n", "the table has 1 rows for 2 channels; one for each is wanted"),
    (
      "location,name\nA,x\nA,x\n",
      #"the name "x" is there twice in group "lfp"; an electrode records on one channel"#
    ),
    ("location,group\nA,a:b\nA,a\n", #""a:b" is not allowed; allowed: a name without / and :"#),
  ])
  func `a table must fit the channels`(table: String, message: String) throws {
    let folder = try TemporaryFolder(["map.csv": Array(table.utf8)])
    Wrong(buffer(#"{ table: ¦"map.csv" }"#), "buffers.0.electrodes.table: \(message)")
      .check(folder: folder.path)
  }

  @Test func `an empty table and a missing one are reported`() throws {
    let folder = try TemporaryFolder(["empty.csv": Array("# nothing\n".utf8)])
    Wrong(
      buffer(#"{ table: ¦"empty.csv" }"#),
      "buffers.0.electrodes.table: \(folder.path)/empty.csv is empty; a header and a row for each "
        + "channel are wanted"
    ).check(folder: folder.path)
    Wrong(
      buffer(#"{ table: ¦"none.csv" }"#),
      "buffers.0.electrodes.table: there is no file \(folder.path)/none.csv; a path relative to "
        + "the session file is wanted"
    ).check(folder: folder.path)
  }

  @Test func `names of a table and of the section must not differ`() throws {
    let folder = try TemporaryFolder(["map.csv": Array("location,name\nA,a\nA,b\n".utf8)])
    Wrong(
      buffer(#"{ table: "map.csv", names: ¦["a", "c"] }"#),
      "buffers.0.electrodes.names: the table has other names; leave names out, or the column name"
    ).check(folder: folder.path)
  }
}
