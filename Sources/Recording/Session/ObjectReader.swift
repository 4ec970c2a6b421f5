/// Reads the keys of one object. A key that is null counts as missing.
final class ObjectReader {
  let path: [String]
  let problems: SessionProblems
  let place: Place
  private let members: [JSON5Node.Member]
  /// Every key that was asked for: what is allowed here.
  private(set) var known: [String] = []

  init(members: [JSON5Node.Member], place: Place, path: [String], problems: SessionProblems) {
    self.members = members
    self.place = place
    self.path = path
    self.problems = problems
  }

  /// Reports keys that nobody asked for.
  func finish() {
    for member in members where !known.contains(member.key) {
      let hint =
        known.nearest(to: member.key).map { "did you mean \($0)?" }
        ?? "allowed: \(known.joined(separator: ", "))"
      problems.add("unknown key; \(hint)", at: member.place, path: path + [member.key])
    }
  }

  // MARK: - Values

  /// The value of a key; nil if it is missing.
  subscript(key: String) -> ValueReader? {
    if !known.contains(key) { known.append(key) }
    guard let member = members.first(where: { $0.key == key }), !member.value.isNull else {
      return nil
    }
    return ValueReader(node: member.value, path: path + [key], problems: problems)
  }

  var isEmpty: Bool { members.isEmpty }

  func has(_ key: String) -> Bool { self[key] != nil }

  /// The value of a key that must be there.
  func required(_ key: String, _ wanted: String) -> ValueReader? {
    if let value = self[key] { return value }
    report("is missing; \(wanted) is required", at: key)
    return nil
  }

  /// Reports something at a key, or at the object where the key is missing.
  func report(_ message: String, at key: String) {
    let place = members.first { $0.key == key && !$0.value.isNull }?.value.place ?? self.place
    problems.add(message, at: place, path: path + [key])
  }

  // MARK: - Scalars

  func text(_ key: String) -> String? { self[key]?.text() }

  func text(_ key: String, default value: String) -> String { text(key) ?? value }

  func requiredText(_ key: String) -> String { required(key, "a text")?.text() ?? "" }

  func number(_ key: String, in bounds: Bounds = .any) -> Double? { self[key]?.number(in: bounds) }

  func number(_ key: String, in bounds: Bounds = .any, default value: Double) -> Double {
    number(key, in: bounds) ?? value
  }

  func integer(_ key: String, in range: ClosedRange<Int>) -> Int? { self[key]?.integer(in: range) }

  func integer(_ key: String, in range: ClosedRange<Int>, default value: Int) -> Int {
    integer(key, in: range) ?? value
  }

  func flag(_ key: String, default value: Bool) -> Bool { self[key]?.flag() ?? value }

  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String, default value: Choice
  ) -> Choice {
    self[key]?.choice(of: Choice.self) ?? value
  }

  // MARK: - Lists and objects

  func texts(_ key: String) -> [String] { list(key) { $0.text() } }

  func list<Element>(_ key: String, _ read: (ValueReader) -> Element?) -> [Element] {
    self[key]?.list(read) ?? []
  }

  func object<Result>(_ key: String, _ body: (ObjectReader) -> Result) -> Result? {
    self[key]?.object(body)
  }
}
