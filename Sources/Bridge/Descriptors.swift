import Clocks
import Devices
import Glibc
import Synchronization

/// System calls on descriptors that never block longer than they are told.
enum Descriptors {
  static func setNonBlocking(_ descriptor: Int32) {
    let flags = fcntl(descriptor, F_GETFL)
    if flags >= 0 { _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) }
  }

  static func setCloseOnExec(_ descriptor: Int32) { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }

  /// A write to a process that has died is an error to be thrown, not the end of this process.
  static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

  /// What the C library says of the last error.
  static func reason(_ number: Int32 = errno) -> String { String(cString: strerror(number)) }

  /// Waits until one of the descriptors is ready or closed; negative ones are left out.
  ///
  /// - Returns: whether one is, or a signal came.
  @discardableResult
  static func wait(
    reading: [Int32] = [], writing: Int32 = -1, nanoseconds: Nanoseconds
  ) -> Bool {
    var entries = reading.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    if writing >= 0 { entries.append(pollfd(fd: writing, events: Int16(POLLOUT), revents: 0)) }
    let milliseconds = (max(0, min(nanoseconds, 60_000_000_000)) + 999_999) / 1_000_000
    return poll(&entries, nfds_t(entries.count), Int32(milliseconds)) != 0
  }

  /// What one read brought.
  enum Input: Equatable {
    case bytes(Int)
    case nothingYet
    case end
  }

  static func read(
    _ descriptor: Int32, into bytes: UnsafeMutableRawBufferPointer
  ) throws(LinkError) -> Input {
    while true {
      let count = Glibc.read(descriptor, bytes.baseAddress, bytes.count)
      if count > 0 { return .bytes(count) }
      if count == 0 { return .end }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .nothingYet
      case ECONNRESET, EIO: return .end
      default: throw LinkError("read: \(reason())")
      }
    }
  }
}

/// Writes whole frames to a descriptor that it owns; any thread may.
///
/// That is how an emergency stop overtakes an owner that waits for a reply. A frame that cannot be
/// written whole ends the stream: the descriptor is closed, and the other side stops by itself.
final class FrameWriter: Sendable {
  private let descriptor = Mutex<Int32>(-1)

  deinit { close() }

  /// Takes over a non-blocking descriptor, in place of an earlier one.
  func open(_ new: Int32) {
    descriptor.withLock { old in
      if old >= 0 { _ = Glibc.close(old) }
      old = new
    }
  }

  func close() { open(-1) }

  func write(_ frame: [UInt8], within nanoseconds: Nanoseconds) throws(LinkError) {
    try descriptor.withLock { descriptor throws(LinkError) in
      guard descriptor >= 0 else { throw LinkError("the link is down") }
      do throws(LinkError) {
        try Self.write(frame, to: descriptor, within: nanoseconds)
      } catch {
        _ = Glibc.close(descriptor)
        descriptor = -1
        throw error
      }
    }
  }

  private static func write(
    _ frame: [UInt8], to descriptor: Int32, within nanoseconds: Nanoseconds
  ) throws(LinkError) {
    let clock = ContinuousClock()
    let deadline = clock.now + .nanoseconds(nanoseconds)
    var done = 0
    while done < frame.count {
      let count = frame.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), frame.count - done)
      }
      if count > 0 {
        done += count
      } else if count < 0 && errno == EAGAIN {
        let left = (deadline - clock.now) / .nanoseconds(1)
        guard left > 0 else {
          throw LinkError("the other side does not read what is sent to it")
        }
        Descriptors.wait(writing: descriptor, nanoseconds: Nanoseconds(left))
      } else if count < 0 && errno != EINTR {
        throw LinkError("write: \(Descriptors.reason())")
      }
    }
  }
}

/// Reads frames from a non-blocking descriptor that it owns.
struct FrameReader: ~Copyable {
  let descriptor: Int32
  private var decoder = FrameDecoder()

  init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { _ = Glibc.close(descriptor) }

  /// What the stream holds now.
  enum Result {
    case frame(Frame)
    case nothingYet
    /// The end, in mid-frame or not.
    case end
  }

  mutating func next() throws(LinkError) -> Result {
    while true {
      do throws(FrameError) {
        if let frame = try decoder.next() { return .frame(frame) }
      } catch {
        throw LinkError(.badFrame, "\(error)")
      }
      var input = Swift.Result<Descriptors.Input, LinkError>.success(.nothingYet)
      let descriptor = descriptor
      decoder.fill { bytes in
        input = .init { () throws(LinkError) in try Descriptors.read(descriptor, into: bytes) }
        return if case .success(.bytes(let count)) = input { count } else { 0 }
      }
      switch try input.get() {
      case .bytes: continue
      case .nothingYet: return .nothingYet
      case .end: return .end
      }
    }
  }
}
