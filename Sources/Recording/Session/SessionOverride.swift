extension JSON5Node {
  /// Applies `key.path=value`. The value is JSON5, else a text as it stands; elements of lists are
  /// meant by number or by their `name`.
  mutating func apply(_ setting: String, _ problems: SessionProblems) {
    let place = Place.setting(setting)
    let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !path.contains("") else {
      problems.add("is not a setting; allowed: key.path=value", at: place, path: [])
      return
    }
    let text = String(parts[1])
    let parsed = JSON5Parser.parse(text)
    let content = parsed.problems.isEmpty ? parsed.root.content : .text(text)
    let value = JSON5Node(content: content, place: place).placed(at: place)
    if let problem = set(path[...], to: value) { problems.add(problem, at: place, path: path) }
  }

  /// Puts a value where a path leads, making objects on the way; returns what is wrong.
  private mutating func set(_ path: ArraySlice<String>, to value: JSON5Node) -> String? {
    guard let name = path.first else {
      self = value
      return nil
    }
    switch content {
    case .object(var members):
      let index =
        members.firstIndex { $0.key == name }
        ?? {
          let empty = JSON5Node(content: .null, place: value.place)
          members.append(Member(key: name, place: value.place, value: empty))
          return members.count - 1
        }()
      // Taken out while it is changed, so that it is not copied.
      content = .null
      defer { content = .object(members) }
      return members[index].value.set(path.dropFirst(), to: value)
    case .list(var nodes):
      guard let index = nodes.index(named: name) else {
        let names = nodes.compactMap(\.name).joined(separator: ", ")
        let known = names.isEmpty ? "" : ", or a name: \(names)"
        return nodes.isEmpty
          ? "there is no element \(name): the list is empty"
          : "there is no element \(name); allowed: 0 to \(nodes.count - 1)\(known)"
      }
      content = .null
      defer { content = .list(nodes) }
      return nodes[index].set(path.dropFirst(), to: value)
    case .null:
      content = .object([])
      place = value.place
      return set(path, to: value)
    case .unreadable:
      return nil
    default:
      return "\(shown) has no key \(name)"
    }
  }

  /// The value of the key `name` of an object.
  fileprivate var name: String? {
    if case .text(let name)? = child("name")?.content { name } else { nil }
  }

  private func placed(at place: Place) -> JSON5Node {
    let moved: Content =
      switch content {
      case .list(let nodes): .list(nodes.map { $0.placed(at: place) })
      case .object(let members):
        .object(
          members.map { Member(key: $0.key, place: place, value: $0.value.placed(at: place)) })
      default: content
      }
    return JSON5Node(content: moved, place: place)
  }
}

extension [JSON5Node] {
  fileprivate func index(named name: String) -> Int? {
    if let index = firstIndex(where: { $0.name == name }) { return index }
    return Int(name).flatMap { indices.contains($0) ? $0 : nil }
  }
}
