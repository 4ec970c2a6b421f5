extension Session {
  /// What a recorded session file says, as far as it can be read: files that it names may be gone,
  /// and nothing is checked again.
  static func settings(in text: String) -> Session {
    let root = JSON5Parser.parse(text).root
    let reader = ValueReader(node: root, path: [], problems: SessionProblems())
    return reader.object { Session.read($0, in: SessionFolder(path: "")) } ?? Session()
  }
}
