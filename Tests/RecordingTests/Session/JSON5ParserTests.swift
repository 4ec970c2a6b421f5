import Samples
import Testing

@testable import Recording

@Suite struct JSON5ParserTests {
  private func json(_ text: String) -> String {
    let (root, problems) = JSON5Parser.parse(text)
    #expect(problems.map { $0.line(of: "s") } == [])
    return root.json.description
  }

  @Test(arguments: [
    ("0", "0"), ("-1", "-1"), ("+1", "1"), (".5", "0.5"), ("5.", "5"), ("-.25", "-0.25"),
    ("1e3", "1000"), ("1.5E-3", "0.0015"), ("2e+2", "200"), ("0x1F", "31"), ("-0Xa", "-10"),
    ("24414.0625", "24414.0625"), ("0.1", "0.1"),
  ])
  func `numbers of every form are read`(text: String, expected: String) {
    #expect(json(text) == expected)
  }

  @Test(arguments: ["Infinity", "-Infinity", "+Infinity", "NaN", "-NaN", "1e999"])
  func `numbers that are not finite are read as such`(text: String) {
    guard case .number(let number) = JSON5Parser.parse(text).root.content else {
      Issue.record("no number")
      return
    }
    #expect(!number.isFinite)
  }

  @Test(arguments: [
    (#""a""#, "a"), ("'a'", "a"), (#"'say "hi"'"#, #"say "hi""#), (#""it's""#, "it's"),
    (#""\b\f\n\r\t\v\0""#, "\u{8}\u{C}\n\r\t\u{B}\0"), (#""\x41\u00e9""#, "Aé"),
    (#""\uD83D\uDE00""#, "😀"), (#""\q\/\\\"""#, #"q/\""#), ("\"a\\\nb\"", "ab"),
    ("\"a\\\r\nb\"", "ab"), ("\"Zürich 😀\"", "Zürich 😀"), ("''", ""),
  ])
  func `texts are read with their escapes`(text: String, expected: String) {
    let (root, problems) = JSON5Parser.parse(text)
    #expect(problems == [])
    #expect(root.json == .text(expected))
  }

  @Test func `comments, bare keys and trailing commas are allowed`() {
    let text = """
      \u{FEFF}// first
      { a: 1, 'b c': [1, 2,], /* in
        between */ $d_1: { }, über: null, "e": [], true: true, // last
      }
      """
    #expect(json(text) == #"{"a":1,"b c":[1,2],"$d_1":{},"über":null,"e":[],"true":true}"#)
  }

  @Test func `places count lines and characters from 1`() throws {
    let (root, _) = JSON5Parser.parse("{\r\n  a: 1,\r  \"é😀\": [true,\n false] }")
    #expect(root.place == .text(line: 1, column: 1))
    #expect(root.place(of: ["a"]) == .text(line: 2, column: 6))
    #expect(root.place(of: ["é😀"]) == .text(line: 3, column: 9))
    #expect(root.place(of: ["é😀", "1"]) == .text(line: 4, column: 2))
    #expect(root.place(of: ["é😀", "7", "b"]) == .text(line: 3, column: 9))
    guard case .object(let members) = root.content else { return }
    #expect(members.map(\.place) == [.text(line: 2, column: 3), .text(line: 3, column: 3)])
  }

  @Test(arguments: [
    Wrong("{ a: { b: 1 ¦c: 2 } }", #"a.c: a comma is missing before c"#),
    Wrong("{ a: 1\n  ¦\"b\": 2 }", #"b: a comma is missing before "b""#),
    Wrong("{ a: [0.1 ¦-0.1] }", "a: a comma is missing before -0.1"),
    Wrong("[{ a: 1 } ¦{ a: 2 }]", "a comma is missing before {"),
    Wrong("{ a: 1,¦, b: 2 }", "a comma too many"),
    Wrong("{ ¦, a: 1 }", "a comma before anything"),
    Wrong("{ a ¦1 }", "a: a colon and a value are missing after a"),
    Wrong("{ a ¦= 1 }", "a: = stands where a colon is wanted"),
    Wrong("{ a: ¦, b: 1 }", "a: a value is missing before ,"),
    Wrong("{ a: ¦}", "a: a value is missing before }"),
    Wrong(
      "{ a: ¦simulator, b: 1 }",
      #"a: simulator is not a value; text needs quotes: "simulator""#),
    Wrong(
      "{ a: ¦Evoked LFP to it\n b: 1 }",
      #"a: Evoked is not a value; text needs quotes: "Evoked""#),
    Wrong("{ a: ¦10ms, b: 1 }", "a: 10ms is not a number"),
    Wrong("{ a: ¦007 }", "a: 007 is not a number"),
    Wrong("{ a: ¦0x }", "a: 0x is not a number"),
    Wrong("{ a: ¦1e }", "a: 1e is not a number"),
    Wrong("{ a: ¦. }", "a: . is not a number"),
    Wrong("{ a: ¦- 1 }", "a: - is not a number"),
    Wrong("{ a: ¦@, b: 1 }", "a: @ is not a value"),
    Wrong("{ a: ¦'open, b: 1\n  c: 2 }", "a: the text is not closed on its line"),
    Wrong(#"{ a: "x¦\u12" }"#, #"a: the escape is not a character; allowed: \xHH, \uHHHH"#),
    Wrong(#"{ a: "¦\uD83D" }"#, #"a: the escape is not a character; allowed: \xHH, \uHHHH"#),
    Wrong(#"{ a: "¦\1" }"#, #"a: an escape of digits is not allowed; \xHH or \uHHHH is"#),
    Wrong("{ ¦0: 1 }", #"the key 0 needs quotes: "0""#),
    Wrong("{ ¦+: 1, b: 2 }", "+ is not a key"),
    Wrong("{ a: 1,\n  ¦a: 2 }", "a: the key is given twice, first in line 1"),
    Wrong("¦{ a: 1,", "the { is never closed"),
    Wrong("{ a: [1, 2 ¦}", "a: } stands where ] should close what line 1 opened"),
    Wrong("{ a: 1 } ¦b", "b stands behind the end of the value"),
    Wrong("¦", "there is nothing here; an object { … } is wanted"),
    Wrong("{ a: 1 ¦/* b }", "the comment /* is never closed"),
  ])
  func `what breaks the grammar is named at its place`(wrong: Wrong) {
    let session = SessionText(whole: wrong.sections)
    let problems = JSON5Parser.parse(session.text).problems.map { $0.line(of: "s") }
    #expect(problems == zip(session.marks, wrong.messages).map { "s:\($0): \($1)" })
  }

  @Test func `several problems are found at once`() {
    let session = SessionText(
      whole: """
        {
          session: { id: "a" ¦description: "b" },
          file: { path: ¦recording.h5, flush_s: 1.0 },
          circuits: [{ name: "rz" }¦},
          run: { duration_s: ¦1o },
        }
        """)
    #expect(
      JSON5Parser.parse(session.text).problems.map { $0.line(of: "s") } == [
        "s:\(session.marks[0]): session.description: a comma is missing before description",
        "s:\(session.marks[1]): file.path: recording.h5 is not a value; text needs quotes: "
          + "\"recording.h5\"",
        "s:\(session.marks[2]): circuits: } stands where ] should close what line 4 opened",
        "s:\(session.marks[3]): run.duration_s: 1o is not a number",
      ])
  }

  @Test func `nesting is bounded`() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(
      JSON5Parser.parse(deep).problems.map { $0.line(of: "s") }
        .map { $0.split(separator: ": ").last } == ["more than 64 brackets are open"])
    let allowed = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(JSON5Parser.parse(allowed).problems == [])
  }

  @Test func `a text that is no session does not drown in problems`() {
    let lines = String(repeating: "a b c\n", count: 1000)
    #expect(JSON5Parser.parse("{" + lines).problems.count == JSON5Parser.maximumProblems)
  }

  /// Every text ends with a value or a problem, whatever was done to it.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func `mangled sessions are read to their end`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let alphabet = Array("{}[],:\"'\\/*\n ax0.-+e_é=".utf8)
    for _ in 0..<40 {
      var bytes = Array(SessionTemplate.text.utf8)
      for _ in 0...random.next(below: 8) {
        let place = random.next(below: bytes.count)
        switch random.next(below: 3) {
        case 0: bytes.remove(at: place)
        case 1: bytes.insert(alphabet[random.next(below: alphabet.count)], at: place)
        default: bytes[place] = alphabet[random.next(below: alphabet.count)]
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      let problems = SessionText(whole: text).problems()
      #expect(problems.count <= 500, "seed \(seed)")
    }
  }
}
