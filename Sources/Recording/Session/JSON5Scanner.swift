/// The bytes of a text, a place in them, and what JSON5 calls space.
struct JSON5Scanner {
  let bytes: [UInt8]
  private(set) var offset = 0
  /// Offset of the first byte of every line.
  private let lines: [Int]

  init(_ text: String) {
    bytes = Array(text.utf8)
    var lines = [0]
    for (index, byte) in bytes.enumerated() {
      let isReturn =
        byte == UInt8(ascii: "\r")
        && (index + 1 == bytes.count || bytes[index + 1] != UInt8(ascii: "\n"))
      if byte == UInt8(ascii: "\n") || isReturn { lines.append(index + 1) }
    }
    self.lines = lines
  }

  /// The byte here; nil at the end.
  var byte: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  func byte(ahead count: Int) -> UInt8? {
    offset + count < bytes.count ? bytes[offset + count] : nil
  }

  mutating func advance(_ count: Int = 1) { offset = min(bytes.count, offset + count) }

  mutating func skipToEnd() { offset = bytes.count }

  // MARK: - Places

  /// The line of an offset, from 1.
  func line(of offset: Int) -> Int {
    var (low, high) = (0, lines.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if lines[middle] <= offset { low = middle } else { high = middle }
    }
    return low + 1
  }

  func place(of offset: Int) -> Place {
    let line = line(of: offset)
    let scalars = bytes[lines[line - 1]..<offset].count { $0 & 0xC0 != 0x80 }
    return .text(line: line, column: scalars + 1)
  }

  // MARK: - Space

  /// Skips spaces and comments; returns the offset of a comment that is never closed.
  mutating func skipSpace() -> Int? {
    while let byte {
      if let width = spaceWidth {
        advance(width)
      } else if byte == UInt8(ascii: "/"), self.byte(ahead: 1) == UInt8(ascii: "/") {
        while let byte = self.byte, !Self.isLineEnd(byte) { advance() }
      } else if byte == UInt8(ascii: "/"), self.byte(ahead: 1) == UInt8(ascii: "*") {
        let start = offset
        advance(2)
        while self.byte != nil,
          !(self.byte == UInt8(ascii: "*") && self.byte(ahead: 1) == UInt8(ascii: "/"))
        {
          advance()
        }
        guard self.byte != nil else { return start }
        advance(2)
      } else {
        return nil
      }
    }
    return nil
  }

  /// Bytes of the space here: ASCII's, U+00A0, U+FEFF and Unicode's separators; nil if none.
  private var spaceWidth: Int? {
    switch byte {
    case 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20: 1
    case 0xC2: byte(ahead: 1) == 0xA0 ? 2 : nil
    case 0xE1, 0xE2, 0xE3, 0xEF:
      switch (byte, byte(ahead: 1), byte(ahead: 2)) {
      case (0xEF, 0xBB, 0xBF), (0xE1, 0x9A, 0x80), (0xE2, 0x80, 0xA8), (0xE2, 0x80, 0xA9),
        (0xE2, 0x80, 0xAF), (0xE2, 0x81, 0x9F), (0xE3, 0x80, 0x80):
        3
      case (0xE2, 0x80, .some(0x80...0x8A)): 3
      default: nil
      }
    default: nil
    }
  }

  static func isLineEnd(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
  }

  // MARK: - Words

  /// What stands here, as a message shows it: a word, or one character.
  var word: String {
    var copy = self
    var word = copy.takeWord()
    if let quote = byte, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
      var text = JSON5Text(self)
      word = "\"\(text.read())\""
    }
    if !word.isEmpty { return word.count > 40 ? word.prefix(40) + "…" : word }
    guard byte != nil else { return "the end" }
    let rest = bytes[offset..<min(bytes.count, offset + 16)]
    return String(decoding: rest, as: UTF8.self).prefix(1).description
  }

  /// Takes a number, a name, or what was meant as one.
  mutating func takeWord() -> String {
    let start = offset
    while let byte {
      let isExponentSign =
        offset > start && bytes[offset - 1] | 0x20 == UInt8(ascii: "e")
        && JSON5Number.mayStart(bytes[start])
      let isSign = byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
      guard
        Self.isNameByte(byte) || byte == UInt8(ascii: ".")
          || isSign && (offset == start || isExponentSign)
      else { break }
      guard spaceWidth == nil else { break }
      advance()
    }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }

  /// Takes an unquoted key.
  mutating func takeIdentifier() -> String {
    let start = offset
    while let byte, Self.isNameByte(byte), spaceWidth == nil { advance() }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
      true
    default: false
    }
  }

  /// Skips to the next comma or closing bracket of this depth, or to the line's end.
  mutating func skipToDelimiter(endingAtLine: Bool = false) {
    var depth = 0
    while let byte {
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0 { return }
        depth -= 1
      case UInt8(ascii: ",") where depth == 0: return
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        var text = JSON5Text(self)
        _ = text.read()
        self = text.scanner
        continue
      case UInt8(ascii: "/")
      where self.byte(ahead: 1) == UInt8(ascii: "/") || self.byte(ahead: 1) == UInt8(ascii: "*"):
        if endingAtLine, depth == 0 { return }
        guard skipSpace() == nil else { return }
        continue
      default:
        if endingAtLine, depth == 0, Self.isLineEnd(byte) { return }
      }
      advance()
    }
  }
}
