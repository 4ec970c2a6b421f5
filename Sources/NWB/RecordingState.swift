import Glibc

/// What became of a recording.
public enum RecordingState: String, Sendable {
  /// Its writer closed it.
  case complete
  /// It is being written.
  case live
  /// Its writer ended without closing it; everything up to the last flush is there.
  case killed
  /// It is being written, or its writer was killed: this process may not write to the file and so
  /// cannot find out which.
  case unfinished

  /// Looks at the file's superblock and lock, without opening the file as HDF5.
  public init(of path: String) throws(NWBError) {
    guard try Self.hasWriter(path) else {
      self = .complete
      return
    }
    switch LiveLock.isHeld(path: path) {
    case true?: self = .live
    // The writer may have closed it since.
    case false?: self = try Self.hasWriter(path) ? .killed : .complete
    case nil: self = .unfinished
    }
  }

  /// Whether the superblock says that a writer has the file open (HDF5 file format specification,
  /// version 3 of the superblock: the file consistency flags).
  private static func hasWriter(_ path: String) throws(NWBError) -> Bool {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(call: "open", path: path, code: errno) }
    defer { Glibc.close(descriptor) }
    var superblock = [UInt8](repeating: 0, count: 12)
    let count = pread(descriptor, &superblock, superblock.count, 0)
    guard count >= 0 else { throw .system(call: "pread", path: path, code: errno) }
    guard count == superblock.count, superblock.starts(with: [0x89, 0x48, 0x44, 0x46]) else {
      throw .refused("\(path) is not an HDF5 file")
    }
    let version = superblock[8]
    let flags = superblock[11]
    return version >= 3 && flags != 0
  }
}
