/// The numbers of JSON5: decimal with a leading or trailing point, hexadecimal, signed, and the
/// three that are not finite.
enum JSON5Number {
  /// nil if the word is no number.
  static func value(of word: String) -> Double? {
    var rest = Substring(word)
    let isNegative = rest.first == "-"
    if rest.first == "-" || rest.first == "+" { rest.removeFirst() }
    guard let magnitude = magnitude(of: rest) else { return nil }
    return isNegative ? -magnitude : magnitude
  }

  private static func magnitude(of word: Substring) -> Double? {
    if word == "Infinity" { return .infinity }
    if word == "NaN" { return .nan }
    if word.hasPrefix("0x") || word.hasPrefix("0X") {
      let digits = word.dropFirst(2).utf8.map(hexadecimal)
      guard !digits.isEmpty, !digits.contains(nil) else { return nil }
      return digits.reduce(0) { $0 * 16 + Double($1 ?? 0) }
    }
    return isDecimal(Array(word.utf8)) ? Double(word) : nil
  }

  /// digits [. digits] [e ± digits], with a digit before the exponent and no useless leading zero.
  private static func isDecimal(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    func digits() -> Int {
      let count = rest.prefix(while: isDigit).count
      rest = rest.dropFirst(count)
      return count
    }
    let whole = digits()
    if whole > 1, bytes[0] == UInt8(ascii: "0") { return false }
    var fraction = 0
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      fraction = digits()
    }
    guard whole + fraction > 0 else { return false }
    if let mark = rest.first, mark | 0x20 == UInt8(ascii: "e") {
      rest = rest.dropFirst()
      if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
        rest = rest.dropFirst()
      }
      guard digits() > 0 else { return false }
    }
    return rest.isEmpty
  }

  static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

  /// Whether a value that begins so was meant to be a number.
  static func mayStart(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
      || byte == UInt8(ascii: ".")
  }

  static func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
}
