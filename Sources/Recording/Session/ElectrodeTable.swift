import NWB

/// A table of electrodes: CSV with a header, a row for each channel in their order.
///
/// Columns `location`, `group`, `name`, `reference`, `filtering` (texts), `x`, `y`, `z`, `rel_x`,
/// `rel_y`, `rel_z` (micrometres), `imp` (ohms), and `bad` (true or false, 1 or 0). Cells may be
/// quoted, a quote within is doubled; lines that begin with # are comments.
struct ElectrodeTable {
  private(set) var rows = 0
  /// Those besides location, group and name.
  private(set) var columns: [ElectrodesDescription.Column] = []
  private var cells: [String: [String]] = [:]

  func texts(_ column: String) -> [String]? { cells[column] }

  /// nil when it cannot be used, which has been reported then.
  init?(reading value: ValueReader, in folder: SessionFolder) {
    guard let (path, bytes) = folder.bytes(of: value) else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self)
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
      .map { (number: $0.offset + 1, cells: Self.cells(of: $0.element)) }
      .filter { $0.cells != [""] && !$0.cells[0].hasPrefix("#") }
    guard let header = lines.first else {
      value.report("\(path) is empty; a header and a row for each channel are wanted")
      return nil
    }
    var isUsable = true
    func report(_ line: Int, _ message: String) {
      isUsable = false
      value.report("\(path) line \(line): \(message)")
    }
    let known = Self.described.map(\.name)
    for (place, name) in header.cells.enumerated() {
      if !known.contains(name) {
        let hint = known.nearest(to: name).map { "did you mean \($0)?" }
        report(
          header.number,
          "unknown column \"\(name)\"; \(hint ?? "allowed: " + known.joined(separator: ", "))")
      } else if header.cells[..<place].contains(name) {
        report(header.number, "column \(name) is there twice")
      }
    }
    for line in lines.dropFirst() where line.cells.count != header.cells.count {
      report(
        line.number, "\(line.cells.count) cells, but the header has \(header.cells.count)")
    }
    guard isUsable else { return nil }
    rows = lines.count - 1
    for (place, name) in header.cells.enumerated() {
      let texts = lines.dropFirst().map { $0.cells[place] }
      cells[name] = texts
      guard let column = Self.described.first(where: { $0.name == name }), let kind = column.kind
      else { continue }
      let numbers = lines.dropFirst().map(\.number)
      let values = Self.values(kind, texts) { row, wanted in
        report(numbers[row], "\(name) is \"\(texts[row])\"; allowed: \(wanted)")
      }
      columns.append(.init(name: name, description: column.description, values: values))
    }
    guard isUsable else { return nil }
  }

  // MARK: - Columns

  private enum Kind {
    case number
    case text
    case flag
  }

  /// Columns with their meaning; without a kind, they are what every electrode has.
  private static let described: [(name: String, kind: Kind?, description: String)] = [
    ("location", nil, ""), ("group", nil, ""), ("name", nil, ""),
    ("x", .number, "Position towards posterior, micrometres."),
    ("y", .number, "Position towards inferior, micrometres."),
    ("z", .number, "Position towards right, micrometres."),
    ("rel_x", .number, "Position within the group, micrometres."),
    ("rel_y", .number, "Position within the group, micrometres."),
    ("rel_z", .number, "Position within the group, micrometres."),
    ("imp", .number, "Impedance, ohms."),
    ("filtering", .text, "Hardware filters."),
    ("reference", .text, "What the electrode is measured against."),
    ("bad", .flag, "Whether the electrode is known to be bad."),
  ]

  private static func values(
    _ kind: Kind, _ texts: [String], _ refuse: (Int, String) -> Void
  ) -> ElectrodesDescription.Column.Values {
    switch kind {
    case .text: return .texts(texts.map { $0.isEmpty ? "unknown" : $0 })
    case .number:
      return .numbers(
        texts.enumerated().map { row, text in
          if text.isEmpty { return .nan }
          guard let number = Double(text), number.isFinite else {
            refuse(row, "a finite number, or nothing")
            return .nan
          }
          return number
        })
    case .flag:
      return .flags(
        texts.enumerated().map { row, text in
          switch text.lowercased() {
          case "true", "1", "yes": return true
          case "false", "0", "no", "": return false
          default:
            refuse(row, "true, false, 1, 0")
            return false
          }
        })
    }
  }

  // MARK: - CSV

  /// Takes a line apart at its commas; spaces around cells are left out.
  private static func cells(of line: Substring) -> [String] {
    var cells: [String] = []
    var cell = ""
    var isQuoted = false
    var wasQuote = false
    for character in line {
      switch character {
      case "\"":
        // A quote right after a closing one is a quote within the cell.
        if !isQuoted, wasQuote { cell.append("\"") }
        isQuoted.toggle()
        wasQuote = !isQuoted
        continue
      case "," where !isQuoted:
        cells.append(cell.trimmed)
        cell = ""
      default: cell.append(character)
      }
      wasQuote = false
    }
    return cells + [cell.trimmed]
  }
}

extension String {
  fileprivate var trimmed: String {
    let rest = drop(while: \.isWhitespace)
    return String(rest.reversed().drop(while: \.isWhitespace).reversed())
  }
}
