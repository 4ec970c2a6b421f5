/// Reads one quoted text with its escapes.
struct JSON5Text {
  private(set) var scanner: JSON5Scanner
  private(set) var problems: [(message: String, offset: Int)] = []
  private(set) var isUnclosed = false

  /// Stands at the opening quote.
  init(_ scanner: JSON5Scanner) { self.scanner = scanner }

  /// Reads up to and with the closing quote, or to the end of the line.
  mutating func read() -> String {
    let start = scanner.offset
    let quote = scanner.byte
    scanner.advance()
    var bytes: [UInt8] = []
    while let byte = scanner.byte, !JSON5Scanner.isLineEnd(byte) {
      scanner.advance()
      if byte == quote { return String(decoding: bytes, as: UTF8.self) }
      if byte == UInt8(ascii: "\\") {
        escape(into: &bytes)
      } else {
        bytes.append(byte)
      }
    }
    problems.append(("the text is not closed on its line", start))
    isUnclosed = true
    return String(decoding: bytes, as: UTF8.self)
  }

  private mutating func escape(into bytes: inout [UInt8]) {
    let start = scanner.offset - 1
    guard let byte = scanner.byte else { return }
    scanner.advance()
    switch byte {
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "v"): bytes.append(0x0B)
    case UInt8(ascii: "0") where scanner.byte.map(JSON5Number.isDigit) != true: bytes.append(0)
    case UInt8(ascii: "x"): append(hexadecimal(2), start, &bytes)
    case UInt8(ascii: "u"): append(utf16(start), start, &bytes)
    case UInt8(ascii: "\r"):
      if scanner.byte == UInt8(ascii: "\n") { scanner.advance() }
    case UInt8(ascii: "\n"): break
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      problems.append(("an escape of digits is not allowed; \\xHH or \\uHHHH is", start))
    case 0xE2 where isSeparator: scanner.advance(2)
    default: bytes.append(byte)
    }
  }

  /// U+2028 and U+2029 continue a line too.
  private var isSeparator: Bool {
    scanner.byte == 0x80 && (scanner.byte(ahead: 1) == 0xA8 || scanner.byte(ahead: 1) == 0xA9)
  }

  private mutating func append(_ code: UInt32?, _ start: Int, _ bytes: inout [UInt8]) {
    guard let code, let scalar = Unicode.Scalar(code) else {
      problems.append(("the escape is not a character; allowed: \\xHH, \\uHHHH", start))
      return
    }
    bytes.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
  }

  /// The character of `\uHHHH`, or of two of them that are a surrogate pair.
  private mutating func utf16(_ start: Int) -> UInt32? {
    guard let high = hexadecimal(4) else { return nil }
    guard 0xD800..<0xDC00 ~= high, scanner.byte == UInt8(ascii: "\\"),
      scanner.byte(ahead: 1) == UInt8(ascii: "u")
    else { return high }
    scanner.advance(2)
    guard let low = hexadecimal(4), 0xDC00..<0xE000 ~= low else { return nil }
    return 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
  }

  private mutating func hexadecimal(_ count: Int) -> UInt32? {
    var code: UInt32 = 0
    for _ in 0..<count {
      guard let byte = scanner.byte, let digit = JSON5Number.hexadecimal(byte) else { return nil }
      code = code << 4 | UInt32(digit)
      scanner.advance()
    }
    return code
  }
}
