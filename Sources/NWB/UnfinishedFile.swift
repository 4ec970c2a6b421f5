import CLinux
import Glibc

/// The name under which a file is made before it gets its own, in the same folder.
struct UnfinishedFile {
  let path: String
  private let final: String

  /// Refuses a path that exists; ``publish()`` refuses it too if it comes to exist meanwhile.
  init(for final: String) throws(NWBError) {
    guard access(final, F_OK) != 0 else { throw .exists(path: final) }
    let slash = final.lastIndex(of: "/")
    let folder = slash.map { String(final[...$0]) } ?? ""
    guard access(folder.isEmpty ? "." : folder, W_OK | X_OK) == 0 else {
      let reason = String(cString: strerror(errno))
      throw .refused("its folder \(folder) cannot be written to: \(reason)")
    }
    let name = slash.map { String(final[final.index(after: $0)...]) } ?? final
    let mark = String(UInt32.random(in: .min ... .max), radix: 36)
    path = "\(folder).\(name).\(mark)"
    self.final = final
  }

  /// Gives the file its own name, never replacing another, and makes the name durable.
  func publish() throws(NWBError) {
    if clinux_rename_no_replace(path, final) != 0 {
      // Network file systems cannot rename so; a second link is as careful.
      guard errno == EINVAL, link(path, final) == 0 else { throw failure("renameat2") }
      Glibc.unlink(path)
    }
    let folder = final.lastIndex(of: "/").map { String(final[...$0]) } ?? "."
    let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { Glibc.close(descriptor) }
    fsync(descriptor)
  }

  func remove() {
    Glibc.unlink(path)
  }

  private func failure(_ call: String) -> NWBError {
    errno == EEXIST ? .exists(path: final) : .system(call: call, path: final, code: errno)
  }
}
