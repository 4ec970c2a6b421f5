import NWB
import Recording

/// The program and what it is built of.
enum Software {
  static var list: [(name: String, version: String)] {
    [("daqrec", version), ("libhdf5", RecordingFile.libraryVersion), ("swift", swift)]
  }

  /// A line each.
  static var versions: String { list.dropFirst().map { "\($0) \($1)" }.joined(separator: "\n") }

  /// The compiler's language version, as far as a program can know it.
  private static var swift: String {
    #if swift(>=6.4)
      "6.4 or later"
    #elseif swift(>=6.3)
      "6.3"
    #else
      "6.2"
    #endif
  }
}
