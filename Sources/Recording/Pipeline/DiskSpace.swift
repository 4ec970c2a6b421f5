import CLinux
import Glibc

/// Space for the file, claimed ahead of the writer: libhdf5 cannot close a file on a full disk, so
/// it must never meet one.
struct DiskSpace {
  let path: String
  private let descriptor: CInt
  private let reserve: Int64
  /// Bytes kept claimed ahead of the end of the file.
  private let ahead: Int64
  private var claimed: Int64 = 0
  /// Whether the file system can claim; else the free space is watched alone.
  private var canClaim = true

  /// `bytesPerSecond`: what the session writes; two seconds of it, at least 16 MiB, are claimed.
  init(path: String, descriptor: CInt, reserve: Int64, bytesPerSecond: Double) {
    self.path = path
    self.descriptor = descriptor
    self.reserve = reserve
    ahead = max(16 << 20, Int64(min(bytesPerSecond * 2, 4e9)))
  }

  /// Claims what is needed next.
  ///
  /// - Returns: why the session must stop, or nil.
  mutating func check() -> String? {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    let end = Int64(status.st_size)
    if let free = freeBytes, free < reserve {
      return "only \(free / 1_000_000) MB are free where \(path) is, less than the reserve of "
        + "\(reserve / 1_000_000) MB (reserve_MB)"
    }
    guard canClaim, end + ahead > claimed else { return nil }
    for length in [2 * ahead, ahead] where clinux_claim_space(descriptor, end, length) == 0 {
      claimed = max(claimed, end + length)
      return nil
    }
    if errno == EOPNOTSUPP || errno == ENOSYS {
      canClaim = false
      return nil
    }
    return end + ahead / 2 > claimed
      ? "no space can be claimed for \(path): \(String(cString: strerror(errno)))" : nil
  }

  /// Minutes until the reserve is reached at a pace in bytes a second.
  func minutesLeft(at pace: Double) -> Double? {
    guard pace > 0, let free = freeBytes else { return nil }
    return max(0, Double(free - reserve)) / pace / 60
  }

  private var freeBytes: Int64? {
    var status = statvfs()
    guard fstatvfs(descriptor, &status) == 0 else { return nil }
    return Int64(status.f_bavail) * Int64(status.f_frsize)
  }

  /// Gives back what was claimed beyond the end of a closed file.
  static func release(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    truncate(path, status.st_size)
  }
}
