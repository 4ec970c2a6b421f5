import Glibc
public import HDF5

/// A failed use of a recording file.
public enum NWBError: Error, Sendable, Hashable {
  /// libhdf5 failed, or was asked for something it must not do.
  case hdf5(HDF5Error)
  /// A system call failed on a path, with this value of `errno`.
  case system(call: String, path: String, code: CInt)
  /// A file of this path exists already, and none is ever replaced.
  case exists(path: String)
  /// The file is being written by another process.
  case live(path: String)
  /// The request or the file does not make sense, for this reason.
  case refused(String)
}

/// Runs `body` and wraps what it throws.
func hdf5<Result: ~Copyable>(
  _ body: () throws(HDF5Error) -> Result
) throws(NWBError) -> Result {
  do { return try body() } catch { throw .hdf5(error) }
}

extension NWBError: CustomStringConvertible {
  /// One line.
  public var description: String {
    switch self {
    case .hdf5(let error): error.description
    case .system(let call, let path, let code):
      "\(call) of \(path) failed: \(String(cString: strerror(code)))"
    case .exists(let path): "\(path) exists already and is not replaced"
    case .live(let path): "\(path) is being written by another process"
    case .refused(let reason): reason
    }
  }
}
