import HDF5

/// What a row of the recorder log is about; at most 16 bytes of ASCII.
public struct LogKind: RawRepresentable, ExpressibleByStringLiteral, Hashable, Sendable {
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral text: String) { rawValue = text }

  public static let start: Self = "start"
  public static let stop: Self = "stop"
  public static let gap: Self = "gap"
  public static let overrun: Self = "overrun"
  public static let underrun: Self = "underrun"
  public static let saturated: Self = "saturated"
  public static let stall: Self = "stall"
  public static let reset: Self = "reset"
  public static let error: Self = "error"
  public static let refused: Self = "refused"
  public static let superseded: Self = "superseded"
  public static let output: Self = "output"
  public static let note: Self = "note"
  public static let clock: Self = "clock"
  public static let levels: Self = "levels"
  public static let state: Self = "state"
  public static let rescue: Self = "rescue"
}

/// What happened during the recording, `/events/recorder_log`.
public final class RecorderLog {
  static let path = "/events/recorder_log"
  static let annotationBytes = 240

  private var table: Table
  private let timestamps: NumberColumn<Double>
  private let kinds, annotations: TextColumn

  public var rows: Int { table.rows }
  var pending: Rows { table.pending }

  init(in layout: inout LayoutBuilder) throws(HDF5Error) {
    var builder = try TableBuilder(
      Self.path, .eventsTable,
      description: "What the recorder did, met and was told.",
      columnNames: ["timestamp", "kind", "annotation"], source: "daqrec", in: &layout)
    timestamps = try builder.timestamps(
      "When it happened, or when the recorder learnt of it, on the recording clock.", in: &layout)
    kinds = try builder.texts(
      "kind", bytes: 16, "What the row is about: start, stop, gap, overrun, note …", in: &layout)
    annotations = try builder.texts(
      "annotation", bytes: Self.annotationBytes,
      "What there is to say. A text of more than \(Self.annotationBytes) bytes continues in the "
        + "next rows, which have the same timestamp and kind.", in: &layout)
    table = try builder.finish(in: &layout)
  }

  /// Adds as many rows as the text needs; without a text, one that repeats the kind.
  ///
  /// Line breaks become spaces.
  public func append(at time: Double, _ kind: LogKind, _ text: String) {
    let line = String(text.map { $0.isNewline ? " " : $0 })
    var rest = line.isEmpty ? kind.rawValue[...] : line[...]
    while !rest.isEmpty {
      let part = FixedText.prefix(of: rest, bytes: Self.annotationBytes)
      timestamps.append(time)
      kinds.append(kind.rawValue)
      annotations.append(part)
      table.endRow()
      rest = rest[part.endIndex...]
    }
  }
}
