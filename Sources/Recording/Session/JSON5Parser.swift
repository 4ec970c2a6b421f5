/// Reads JSON5 (spec.json5.org) with the place of every key and value.
///
/// Goes on after a problem, so that as many as are sensible are found at once.
struct JSON5Parser {
  static let maximumDepth = 64
  static let maximumProblems = 50

  var scanner: JSON5Scanner
  private var path: [String] = []
  private(set) var problems: [SessionProblem] = []
  /// The end of the last value is uncertain: what follows it is not worth a word.
  private var isRecovering = false
  /// Nothing more is read, and so nothing that is missing is worth a word.
  private var isStopped = false
  /// Brackets that closed the wrong thing: what they should have closed may stay open.
  private var misplacedClosers = 0

  private init(_ text: String) { scanner = JSON5Scanner(text) }

  static func parse(_ text: String) -> (root: JSON5Node, problems: [SessionProblem]) {
    var parser = JSON5Parser(text)
    parser.skipSpace()
    guard parser.scanner.byte != nil else {
      let empty = JSON5Node(content: .unreadable, place: .text(line: 1, column: 1))
      parser.report("there is nothing here; an object { … } is wanted", at: 0)
      return (empty, parser.problems)
    }
    let root = parser.value()
    parser.skipSpace()
    if parser.scanner.byte != nil, !parser.isRecovering {
      parser.report("\(parser.scanner.word) stands behind the end of the value")
    }
    return (root, parser.problems)
  }

  // MARK: - Values

  private mutating func value() -> JSON5Node {
    skipSpace()
    let start = scanner.offset
    guard let byte = scanner.byte else {
      report("a value is missing at the end of the text")
      return unreadable(start)
    }
    switch byte {
    case UInt8(ascii: "{"): return nested { $0.object() }
    case UInt8(ascii: "["): return nested { $0.list() }
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return node(.text(text()), start)
    case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"):
      report("a value is missing before \(scanner.word)")
      return unreadable(start)
    default: break
    }
    let word = scanner.takeWord()
    switch word {
    case "null": return node(.null, start)
    case "true": return node(.bool(true), start)
    case "false": return node(.bool(false), start)
    case "": report("\(scanner.word) is not a value", at: start)
    default:
      if let number = JSON5Number.value(of: word) { return node(.number(number), start) }
      report(
        JSON5Number.mayStart(byte)
          ? "\(word) is not a number" : "\(word) is not a value; text needs quotes: \"\(word)\"",
        at: start)
    }
    scanner.skipToDelimiter(endingAtLine: true)
    isRecovering = true
    return unreadable(start)
  }

  /// Reads an object or a list unless they are nested too deeply.
  private mutating func nested(_ read: (inout JSON5Parser) -> JSON5Node) -> JSON5Node {
    let start = scanner.offset
    guard path.count < Self.maximumDepth else {
      report("more than \(Self.maximumDepth) brackets are open")
      stop()
      return unreadable(start)
    }
    return read(&self)
  }

  private mutating func object() -> JSON5Node {
    let start = scanner.offset
    scanner.advance()
    var members: [JSON5Node.Member] = []
    while next(closing: "}", opened: start) {
      let keyStart = scanner.offset
      guard let key = key() else {
        report("\(scanner.word) is not a key", at: keyStart)
        scanner.skipToDelimiter()
        isRecovering = true
        continue
      }
      path.append(key)
      let colon = skipColon(after: key)
      let value = colon ? value() : unreadable(keyStart)
      if let first = members.first(where: { $0.key == key }) {
        let line = if case .text(let line, _) = first.place { " in line \(line)" } else { "" }
        report("the key is given twice, first\(line)", at: keyStart)
      } else {
        members.append(.init(key: key, place: scanner.place(of: keyStart), value: value))
      }
      path.removeLast()
    }
    return node(.object(members), start)
  }

  private mutating func list() -> JSON5Node {
    let start = scanner.offset
    scanner.advance()
    var values: [JSON5Node] = []
    while next(closing: "]", opened: start) {
      path.append("\(values.count)")
      values.append(value())
      path.removeLast()
    }
    return node(.list(values), start)
  }

  // MARK: - Between values

  /// Moves to the next element of an object or list; false at its end.
  private mutating func next(closing: Character, opened: Int) -> Bool {
    let closer = closing.asciiValue
    let wrongCloser = UInt8(ascii: closing == "}" ? "]" : "}")
    // The first call for a value stands right behind its opening bracket.
    var isSeparated = opened == scanner.offset - 1
    var isFirst = isSeparated
    while true {
      skipSpace()
      switch scanner.byte {
      case nil:
        if misplacedClosers == 0 {
          report("the \(closing == "}" ? "{" : "[") is never closed", at: opened)
        } else {
          misplacedClosers -= 1
        }
        scanner.skipToEnd()
        return false
      case closer:
        scanner.advance()
        isRecovering = false
        return false
      case wrongCloser:
        let line = scanner.line(of: opened)
        report("\(scanner.word) stands where \(closing) should close what line \(line) opened")
        misplacedClosers += 1
        scanner.advance()
        return false
      case UInt8(ascii: ","):
        if isSeparated { report(isFirst ? "a comma before anything" : "a comma too many") }
        scanner.advance()
        isRecovering = false
        isSeparated = true
        isFirst = false
      default:
        if !isSeparated, !isRecovering {
          let place = scanner.offset
          let word = scanner.word
          let key = word.hasPrefix("\"") ? String(word.dropFirst().dropLast()) : word
          report("a comma is missing before \(word)", at: place, key: closing == "}" ? key : nil)
        }
        isRecovering = false
        return true
      }
    }
  }

  private mutating func key() -> String? {
    switch scanner.byte {
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return text()
    default:
      let start = scanner.offset
      let word = scanner.takeIdentifier()
      guard !word.isEmpty else { return nil }
      if let first = word.utf8.first, JSON5Number.isDigit(first) {
        report("the key \(word) needs quotes: \"\(word)\"", at: start)
      }
      return word
    }
  }

  private mutating func skipColon(after key: String) -> Bool {
    skipSpace()
    switch scanner.byte {
    case UInt8(ascii: ":"):
      scanner.advance()
      return true
    case UInt8(ascii: "="):
      report("= stands where a colon is wanted")
      scanner.advance()
      return true
    default:
      report("a colon and a value are missing after \(key)")
      scanner.skipToDelimiter(endingAtLine: true)
      isRecovering = true
      return false
    }
  }

  private mutating func text() -> String {
    var text = JSON5Text(scanner)
    let value = text.read()
    scanner = text.scanner
    for problem in text.problems { report(problem.message, at: problem.offset) }
    if text.isUnclosed { isRecovering = true }
    return value
  }

  private mutating func skipSpace() {
    if let unclosed = scanner.skipSpace() {
      report("the comment /* is never closed", at: unclosed)
      stop()
    }
  }

  // MARK: - Results

  private func node(_ content: JSON5Node.Content, _ start: Int) -> JSON5Node {
    JSON5Node(content: content, place: scanner.place(of: start))
  }

  private func unreadable(_ start: Int) -> JSON5Node { node(.unreadable, start) }

  private mutating func report(_ message: String, at offset: Int? = nil, key: String? = nil) {
    guard !isStopped else { return }
    problems.append(
      SessionProblem(
        place: scanner.place(of: offset ?? scanner.offset),
        path: (path + (key.map { [$0] } ?? [])).joined(separator: "."), message: message))
    if problems.count == Self.maximumProblems { stop() }
  }

  private mutating func stop() {
    isStopped = true
    scanner.skipToEnd()
  }
}
