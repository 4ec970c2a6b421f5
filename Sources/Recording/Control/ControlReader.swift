import Foundation

/// Reads a descriptor line by line, on a thread that is no owner: it only hands lines to others.
public enum ControlReader {
  /// A longer line is cut: nobody writes a signal of a million elements by hand.
  private static let longestLine = 64 << 20

  /// Calls `take` with every line and `end` when there are no more.
  public static func start(
    _ descriptor: Int32, take: @escaping @Sendable (String) -> Void,
    end: @escaping @Sendable () -> Void
  ) {
    let thread = Thread {
      var line: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        var rest = buffer[..<count]
        while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
          line += rest[..<newline]
          take(String(decoding: line, as: UTF8.self))
          line.removeAll(keepingCapacity: true)
          rest = rest[(newline + 1)...]
        }
        line += rest.prefix(max(0, longestLine - line.count))
      }
      if !line.isEmpty { take(String(decoding: line, as: UTF8.self)) }
      end()
    }
    thread.name = "control"
    thread.start()
  }
}
