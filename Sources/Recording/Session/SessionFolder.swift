import Foundation

/// The folder of the session file, to which other paths in it are relative.
struct SessionFolder: Sendable {
  let path: String

  /// An absolute path, or one that is relative to the current folder as the session's own is.
  func resolve(_ name: String) -> String {
    guard !name.hasPrefix("/"), !path.isEmpty else { return name }
    return path.hasSuffix("/") ? path + name : "\(path)/\(name)"
  }

  /// The bytes of a file the session names; reports what is wrong with it.
  func bytes(of value: ValueReader) -> (path: String, bytes: [UInt8])? {
    guard let name = value.text() else { return nil }
    let path = resolve(name)
    guard let data = FileManager.default.contents(atPath: path) else {
      value.report("there is no file \(path); a path relative to the session file is wanted")
      return nil
    }
    return (path, [UInt8](data))
  }
}
