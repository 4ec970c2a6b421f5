/// Reads one value of a session; what is wrong with it goes to the problems, and nil is returned.
struct ValueReader {
  let node: JSON5Node
  let path: [String]
  let problems: SessionProblems

  func report(_ message: String) { problems.add(message, at: node.place, path: path) }

  /// Reports that the value is not what is allowed.
  func refuse(allowed: String) {
    guard !node.isUnreadable else { return }
    report("\(node.shown) is not allowed; allowed: \(allowed)")
  }

  // MARK: - Scalars

  func number(in bounds: Bounds = .any) -> Double? {
    guard case .number(let value) = node.content, value.isFinite, bounds.contains(value) else {
      refuse(allowed: "a finite number\(bounds.description)")
      return nil
    }
    return value
  }

  func integer(in range: ClosedRange<Int>) -> Int? {
    guard case .number(let value) = node.content, let whole = Int(exactly: value),
      range.contains(whole)
    else {
      let bounds =
        range.upperBound == .max
        ? " from \(range.lowerBound)"
        : " from \(range.lowerBound) to \(range.upperBound)"
      refuse(allowed: "a whole number\(bounds)")
      return nil
    }
    return whole
  }

  /// A text that is not empty.
  func text() -> String? {
    guard case .text(let value) = node.content, !value.isEmpty else {
      refuse(allowed: "a text that is not empty")
      return nil
    }
    return value
  }

  func flag() -> Bool? {
    guard case .bool(let value) = node.content else {
      refuse(allowed: "true or false")
      return nil
    }
    return value
  }

  func choice<Choice: RawRepresentable<String> & CaseIterable>(of type: Choice.Type) -> Choice? {
    guard case .text(let name) = node.content, let choice = Choice(rawValue: name) else {
      refuse(allowed: Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))
      return nil
    }
    return choice
  }

  // MARK: - Values of values

  /// The elements of a list.
  func elements() -> [ValueReader]? {
    guard case .list(let nodes) = node.content else {
      refuse(allowed: "a list […]")
      return nil
    }
    return nodes.enumerated().map { child($0.element, "\($0.offset)") }
  }

  /// The entries of an object whose keys are names of the user's own.
  func entries() -> [(key: String, value: ValueReader)]? {
    guard case .object(let members) = node.content else {
      refuse(allowed: "an object {…}")
      return nil
    }
    return members.filter { !$0.value.isNull }.map { ($0.key, child($0.value, $0.key)) }
  }

  /// Reads an object; keys that `body` did not ask for are reported.
  func object<Result>(_ body: (ObjectReader) -> Result) -> Result? {
    guard let reader = objectReader() else { return nil }
    let result = body(reader)
    reader.finish()
    return result
  }

  private func objectReader() -> ObjectReader? {
    guard case .object(let members) = node.content else {
      refuse(allowed: "an object {…}")
      return nil
    }
    return ObjectReader(members: members, place: node.place, path: path, problems: problems)
  }

  private func child(_ node: JSON5Node, _ key: String) -> ValueReader {
    ValueReader(node: node, path: path + [key], problems: problems)
  }

  /// The numbers of a list; nil if any is none.
  func numbers(in bounds: Bounds = .any) -> [Double]? {
    guard let elements = elements() else { return nil }
    let numbers = elements.compactMap { $0.number(in: bounds) }
    return numbers.count == elements.count ? numbers : nil
  }

  /// The readable elements of a list, by a closure; nil elements have been reported.
  func list<Element>(_ read: (ValueReader) -> Element?) -> [Element]? {
    elements()?.compactMap(read)
  }
}

extension JSON5Node {
  var isNull: Bool { if case .null = content { true } else { false } }

  var isUnreadable: Bool { if case .unreadable = content { true } else { false } }

  /// The value as a message shows it.
  var shown: String {
    switch content {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .number(let value):
      value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : value.short
    case .text(let value): "\"\(value.count > 40 ? value.prefix(40) + "…" : value)\""
    case .list: "a list"
    case .object: "an object"
    case .unreadable: "this"
    }
  }
}
