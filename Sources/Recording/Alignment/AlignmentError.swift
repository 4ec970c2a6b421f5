public import Clocks
public import NWB

/// Why a recording cannot be aligned: nothing is written then.
public enum AlignmentError: Error, Sendable {
  /// It cannot be read, or what was found could not be written.
  case file(NWBError)
  /// It is being written, or its writer was killed.
  case notClosed(RecordingState)
  /// Neither signal changes nor a second circuit.
  case nothingToAlign(String)
  /// A clock that is needed was not read, or too rarely.
  case noReadings(clock: String)
  /// The channel that was named, or that the session names, is not in the file.
  case noSuchChannel(SyncChannel, available: [String])
  /// The sync line and the output stream do not belong together, or cannot be told to.
  case sync(SyncChannel, SyncError)
}

/// A recorded channel that carries a sync line.
public struct SyncChannel: Sendable, Equatable, CustomStringConvertible {
  /// The name of the buffer.
  public var buffer: String
  /// Counted from 0.
  public var channel: Int

  public init(buffer: String, channel: Int) {
    self.buffer = buffer
    self.channel = channel
  }

  /// As `BUFFER:CHANNEL`; nil if it is not written so.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), colon > text.startIndex,
      let channel = Int(text[text.index(after: colon)...]), channel >= 0
    else { return nil }
    self.init(buffer: String(text[..<colon]), channel: channel)
  }

  public var description: String { "\(buffer):\(channel)" }
}

extension AlignmentError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .notClosed(.live): "the file is being written; it can be aligned when it is closed"
    case .notClosed(.killed): "the file was never closed: its writer was killed"
    case .notClosed:
      "the file was never closed, or is being written: this user may not write to it and so "
        + "cannot find out which"
    case .nothingToAlign(let what): what
    case .noReadings(let clock): "\(clock) has no readings of its clock: there is nothing to map by"
    case .noSuchChannel(let channel, let available):
      "the file has no channel \(channel) for the sync line; it has "
        + (available.isEmpty ? "no series" : available.joined(separator: ", "))
    case .sync(let channel, let error):
      "sync line \(channel): \(error) (--no-sync aligns by the clocks' readings alone)"
    }
  }
}

/// Runs `body` and wraps what it throws.
func reading<Result: ~Copyable>(
  _ body: () throws(NWBError) -> Result
) throws(AlignmentError) -> Result {
  do { return try body() } catch { throw .file(error) }
}
