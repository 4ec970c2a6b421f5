import CHDF5

/// A failed use of libhdf5: what was being done to which object, and why it did not work.
public struct HDF5Error: Error, Sendable, Hashable {
  /// One entry of libhdf5's error stack.
  public struct StackEntry: Sendable, Hashable {
    /// The C function that reported it, a public or a private one.
    public let function: String
    /// What it had to say, on one line.
    public let message: String
  }

  public enum Cause: Sendable, Hashable {
    /// The public C function that failed, and libhdf5's stack from that function to the innermost
    /// cause. The stack is empty when the function gave no reason.
    case library(function: String, stack: [StackEntry])
    /// The request was refused before libhdf5 saw it, for this reason.
    case refused(String)
  }

  /// What was being done, as a verb and its object: `create group`.
  public let operation: String
  /// The path of the file, or the path inside the file, that it was done to.
  public let path: String
  public let cause: Cause
}

extension HDF5Error: CustomStringConvertible {
  /// One line: the operation, the path, the C function, the first and the innermost reason.
  public var description: String {
    let what = "cannot \(operation) \(path): "
    switch cause {
    case .refused(let reason):
      return what + reason
    case .library(let function, let stack):
      guard let outermost = stack.first, let innermost = stack.last else {
        return what + "\(function) failed"
      }
      let first = "\(function): \(outermost.message)"
      return what + (stack.count > 1 ? "\(first): \(innermost.message)" : first)
    }
  }
}

extension HDF5Error.Cause {
  /// Copies the calling thread's error stack, which the next call into libhdf5 clears.
  static func current(in function: StaticString) -> Self {
    var stack: [HDF5Error.StackEntry] = []
    withUnsafeMutablePointer(to: &stack) { stack in
      // Downward: from the public function to the innermost cause. A failing walk ends early, and
      // what it has collected stands.
      _ = H5Ewalk2(
        hid_t(H5E_DEFAULT), H5E_WALK_DOWNWARD,
        { _, entry, collected in
          guard let entry = entry?.pointee, let collected else { return 0 }
          collected.assumingMemoryBound(to: [HDF5Error.StackEntry].self).pointee.append(
            .init(function: text(entry.func_name), message: text(entry.desc)))
          return 0
        }, stack)
    }
    return .library(function: function.description, stack: stack)
  }
}

/// A C string on one line; some of libhdf5's messages contain `ctime`, which ends in a newline.
private func text(_ string: UnsafePointer<CChar>?) -> String {
  guard let string else { return "" }
  return String(cString: string).split(whereSeparator: \.isNewline).joined(separator: " ")
}
