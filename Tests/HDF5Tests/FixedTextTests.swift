import HDF5
import Testing

@Suite struct FixedTextTests {
  @Test(
    "A text is cut where the next scalar would not fit",
    arguments: [
      ("abc", 3, "abc"), ("abc", 2, "ab"), ("abc", 0, ""), ("", 4, ""), ("aµ", 2, "a"),
      ("aµ", 3, "aµ"), ("😀", 3, ""), ("😀x", 4, "😀"),
    ])
  func prefix(text: String, bytes: Int, expected: String) {
    #expect(String(FixedText.prefix(of: text, bytes: bytes)) == expected)
  }

  @Test("A long text is continued from where it was cut until nothing is left")
  func continuation() {
    var rest: Substring = "zażółć gęślą jaźń"
    var parts: [String] = []
    while !rest.isEmpty {
      let part = FixedText.prefix(of: rest, bytes: 8)
      parts.append(String(part))
      rest = rest[part.endIndex...]
    }
    #expect(parts == ["zażół", "ć gęś", "lą jaź", "ń"])
  }
}
