import Glibc

/// Stream sockets in the file system, non-blocking.
enum UnixSocket {
  /// - Returns: two descriptors of one connection, one to read and one to write.
  static func connect(to path: String) throws(LinkError) -> (input: Int32, output: Int32) {
    Descriptors.ignoreBrokenPipes()
    let socket = try make()
    guard withAddress(path, { Glibc.connect(socket, $0, $1) }) == 0 else {
      let reason = Descriptors.reason()
      close(socket)
      throw LinkError("cannot connect to \(path): \(reason)")
    }
    return try split(socket)
  }

  /// Listens at `path`, in place of what an earlier process left there.
  static func listen(at path: String) throws(LinkError) -> Int32 {
    Descriptors.ignoreBrokenPipes()
    let socket = try make()
    unlink(path)
    guard withAddress(path, { bind(socket, $0, $1) }) == 0, Glibc.listen(socket, 4) == 0 else {
      let reason = Descriptors.reason()
      close(socket)
      throw LinkError("cannot listen at \(path): \(reason)")
    }
    Descriptors.setNonBlocking(socket)
    return socket
  }

  /// - Returns: the next client, if one is waiting.
  static func accept(on listener: Int32) throws(LinkError) -> (input: Int32, output: Int32)? {
    let socket = Glibc.accept(listener, nil, nil)
    guard socket >= 0 else { return nil }
    Descriptors.setCloseOnExec(socket)
    return try split(socket)
  }

  private static func make() throws(LinkError) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let socket = Glibc.socket(AF_UNIX, kind, 0)
    guard socket >= 0 else { throw LinkError("socket: \(Descriptors.reason())") }
    return socket
  }

  private static func split(_ socket: Int32) throws(LinkError) -> (input: Int32, output: Int32) {
    let twin = fcntl(socket, F_DUPFD_CLOEXEC, 3)
    guard twin >= 0 else {
      let reason = Descriptors.reason()
      close(socket)
      throw LinkError("dup: \(reason)")
    }
    Descriptors.setNonBlocking(socket)
    return (socket, twin)
  }

  /// - Returns: what `body` returns, or −1 for a path that is too long.
  private static func withAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      errno = ENAMETOOLONG
      return -1
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
