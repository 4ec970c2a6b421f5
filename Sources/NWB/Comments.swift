/// Keys and values as a text that readers show as it is: `key=value; key=value`.
///
/// Pairs without a value are left out; a semicolon or line break inside one becomes a comma, so that
/// the text can be taken apart again.
func comments(_ pairs: [(key: String, value: String)]) -> String {
  pairs.filter { !$0.value.isEmpty }
    .map { pair in
      "\(pair.key)=" + String(pair.value.map { $0 == ";" || $0.isNewline ? "," : $0 })
    }
    .joined(separator: "; ")
}

/// The pairs of a text made by ``comments(_:)``; what has no `=` is left out.
func pairs(inComments text: String) -> [String: String] {
  var pairs: [String: String] = [:]
  for part in text.split(separator: ";") {
    guard let equals = part.firstIndex(of: "=") else { continue }
    let key = part[..<equals].drop { $0 == " " }
    pairs[String(key)] = String(part[part.index(after: equals)...])
  }
  return pairs
}
