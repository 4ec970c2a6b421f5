import Clocks
public import NWB

/// A recording's onsets and clocks, refined after the fact (clock.md, "After the fact").
public struct Alignment: Sendable {
  public struct Options: Sendable {
    /// Whether a sync line is used where there is one.
    public var usesSync = true
    /// The line's channel; nil: the one that the recorded session names.
    public var sync: SyncChannel?

    public init(usesSync: Bool = true, sync: SyncChannel? = nil) {
      self.usesSync = usesSync
      self.sync = sync
    }
  }

  public let path: String
  /// What belongs in the file.
  public let content: AlignmentContent
  public let quality: AlignmentQuality
  /// Whether the file has exactly this already.
  public let isStored: Bool

  /// Aligns a closed recording; the file is only read.
  public init(ofRecording path: String, _ options: Options = Options()) throws(AlignmentError) {
    let state = try reading { () throws(NWBError) in try RecordingState(of: path) }
    guard state == .complete else { throw .notClosed(state) }
    let reader = try reading { () throws(NWBError) in try RecordingReader(reading: path) }
    let aligner = try Aligner(reader, options)
    self.path = path
    content = aligner.content
    quality = aligner.quality
    isStored = try reading { () throws(NWBError) in try reader.alignment() } == content
    do throws(NWBError) { try reader.close() } catch { throw .file(error) }
  }

  /// Puts it into the file, unless it is there already.
  public func store() throws(AlignmentError) {
    guard !isStored else { return }
    try reading { () throws(NWBError) in try content.store(in: path) }
  }
}
