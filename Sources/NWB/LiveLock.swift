import CLinux
import Glibc

/// The lock that tells a file being written from one whose writer died: libhdf5 gives up its own
/// when streaming begins.
///
/// It covers one byte far beyond the end of any file and belongs to the open file, so that the
/// system gives it back whatever ends the writer.
enum LiveLock {
  private static let byte: Int64 = 1 << 62

  /// Locks the file that a descriptor of the writer refers to, until that is closed.
  ///
  /// A file system without locks is written to all the same: nobody there can tell.
  static func acquire(_ descriptor: CInt, path: String) throws(NWBError) {
    guard clinux_lock_exclusively(descriptor, byte, 1) != 0 else { return }
    if errno == EAGAIN || errno == EACCES { throw .live(path: path) }
  }

  /// Whether somebody is writing the file; nil if that cannot be found out, because this process
  /// may not write to it.
  static func isHeld(path: String) -> Bool? {
    let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { Glibc.close(descriptor) }
    guard clinux_lock_exclusively(descriptor, byte, 1) != 0 else { return false }
    return errno == EAGAIN || errno == EACCES
  }
}
