/// Text in a fixed number of bytes of UTF-8.
public enum FixedText {
  /// The longest beginning of `text` that fits into `bytes` bytes, cut between two Unicode scalars.
  ///
  /// It is empty, and the text is not, only if the first scalar alone is too long (4 bytes always
  /// suffice). What follows is `text[prefix.endIndex...]`.
  public static func prefix<Text: StringProtocol>(
    of text: Text, bytes: Int
  ) -> Text.SubSequence {
    var size = 0
    for index in text.unicodeScalars.indices {
      size += text.unicodeScalars[index].utf8.count
      if size > bytes { return text[..<index] }
    }
    return text[...]
  }

  /// Fills `buffer` with as much of `text` as fits, and with NULs.
  static func pad(
    _ text: some StringProtocol, _ encoding: TextEncoding, into buffer: inout [UInt8]
  ) {
    var end = 0
    for scalar in text.unicodeScalars {
      let stored: Unicode.Scalar =
        switch scalar.value {
        case 0: " "
        case 0x80... where encoding == .ascii: "?"
        default: scalar
        }
      guard end + stored.utf8.count <= buffer.count else { break }
      for byte in stored.utf8 {
        buffer[end] = byte
        end += 1
      }
    }
    for index in end..<buffer.count { buffer[index] = 0 }
  }
}
