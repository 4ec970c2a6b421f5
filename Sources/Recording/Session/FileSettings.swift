/// `file`: where and how the recording is stored.
public struct FileSettings: Sendable, Equatable {
  public enum Compression: String, Sendable, CaseIterable {
    case none
    case gzip
  }

  /// May hold `{id}`, `{date}`, `{time}`; relative to the current folder.
  public var path = "{id}_{date}_{time}.nwb.h5"
  /// Seconds within which a frame is readable by others.
  public var flushSeconds = 1.0
  /// Seconds, besides those of a flush, within which a frame survives a power cut.
  public var syncSeconds = 5.0
  public var compression = Compression.none
  /// 1 (fast) … 9 (small).
  public var compressionLevel = 1
  /// Megabytes (1e6 bytes) of the disk that stay free.
  public var reserveMegabytes = 256.0

  /// What `path` may hold in braces.
  static let placeholders = ["id", "date", "time"]

  public init() {}

  init(reading reader: ObjectReader) {
    path = reader.text("path", default: path)
    flushSeconds = reader.number("flush_s", in: .within(0.05...60), default: flushSeconds)
    syncSeconds = reader.number("sync_s", in: .within(0.1...3600), default: syncSeconds)
    compression = reader.choice("compression", default: compression)
    compressionLevel = reader.integer("compression_level", in: 1...9, default: compressionLevel)
    reserveMegabytes = reader.number("reserve_MB", in: .atLeast(0), default: reserveMegabytes)
    for name in Self.unknownPlaceholders(of: path) {
      let allowed = Self.placeholders.map { "{\($0)}" }.joined(separator: ", ")
      reader.report("{\(name)} is not allowed; allowed: \(allowed)", at: "path")
    }
    if compression == .gzip {
      reader.report("\"gzip\" is not in this version; allowed: \"none\"", at: "compression")
    }
  }

  private static func unknownPlaceholders(of path: String) -> [String] {
    path.split(separator: "{", omittingEmptySubsequences: false).dropFirst().compactMap { part in
      guard let end = part.firstIndex(of: "}") else { return nil }
      let name = String(part[..<end])
      return placeholders.contains(name) ? nil : name
    }
  }
}
