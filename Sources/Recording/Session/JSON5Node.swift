/// A value of a session's text and where it stands.
struct JSON5Node: Sendable {
  enum Content: Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([JSON5Node])
    case object([Member])
    /// Its problem has been reported; nothing more is to be said of it.
    case unreadable
  }

  struct Member: Sendable {
    var key: String
    var place: Place
    var value: JSON5Node
  }

  var content: Content
  var place: Place

  /// The element of a list by its number, or the value of an object's key; nil where absent.
  func child(_ name: String) -> JSON5Node? {
    switch content {
    case .object(let members): members.first { $0.key == name }?.value
    case .list(let nodes): Int(name).flatMap { nodes.indices.contains($0) ? nodes[$0] : nil }
    default: nil
    }
  }

  /// Where a path ends, or where its last part that exists stands.
  func place(of path: some Sequence<String>) -> Place {
    var node = self
    for name in path {
      guard let next = node.child(name) else { break }
      node = next
    }
    return node.place
  }

  /// The value without its places.
  var json: JSONValue {
    switch content {
    case .null, .unreadable: .null
    case .bool(let value): .bool(value)
    case .number(let value): Int64(exactly: value).map { .integer($0) } ?? .number(value)
    case .text(let value): .text(value)
    case .list(let nodes): .list(nodes.map(\.json))
    case .object(let members): .object(members.map { .init($0.key, $0.value.json) })
    }
  }
}
