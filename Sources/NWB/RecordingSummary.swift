import Glibc
import HDF5

/// What a recording holds, in a few numbers.
public struct RecordingSummary: Sendable {
  public struct Series: Sendable {
    public var series: RecordingReader.Series
    /// Frames declared missing or wrong.
    public var invalid: [InvalidFrames]

    /// Of the frames in the file, those declared missing or wrong.
    public var invalidFrames: Int64 { invalid.reduce(0) { $0 + Int64($1.frames.count) } }
  }

  /// How well a clock is known.
  public struct Clock: Sendable {
    public var name: String
    public var readings: Int
    /// Seconds from the first to the last reading.
    public var span: Double
    /// Half of the brackets of the last 10 000 readings are at most this wide, nanoseconds; nil
    /// without readings.
    public var medianBracket: Int64?
  }

  public var path: String
  public var state: RecordingState
  /// Size of the file.
  public var bytes: Int64
  public var identifier: String
  public var sessionID: String
  public var sessionDescription: String
  /// ISO 8601, the zero of the recording clock.
  public var startTime: String
  public var subject: String?
  /// Programs and libraries with their versions.
  public var generatedBy: [String]
  public var devices: [String]
  /// From the zero of the recording clock to the end of the longest series, or the last log row.
  public var duration: Double
  public var series: [Series]
  public var clocks: [Clock]
  public var durable: DurableContent?
  /// Rows of the tables in `/events` and `/intervals`, by path.
  public var tables: [(path: String, rows: Int)]
  /// What the recorder's last log row said, if that was the end of the recording.
  public var stopReason: String?
  /// Whether `align` has been run.
  public var isAligned: Bool

  /// Signal changes that reached the output.
  public var changes: Int { rows(Ledger.path) }
  public var logRows: Int { rows(RecorderLog.path) }
  public var trials: Int { rows(TrialTable.path) }

  private func rows(_ path: String) -> Int {
    tables.first { $0.path == path }?.rows ?? 0
  }
}

extension RecordingReader {
  /// Summarises the recording as far as it has come.
  public func summary() throws(NWBError) -> RecordingSummary {
    let invalid = try invalidFrames()
    let log = try log()
    let series = try series()
    var tables: [(path: String, rows: Int)] = []
    for path in try self.tables() { tables.append((path, try rowCount(of: path))) }
    let stop = log.last { $0.kind == .stop || $0.kind == .rescue }
    return RecordingSummary(
      path: path, state: state, bytes: fileSize(path),
      identifier: try text("/identifier") ?? "",
      sessionID: try text("/general/session_id") ?? "",
      sessionDescription: try text("/session_description") ?? "",
      startTime: try text("/session_start_time") ?? "",
      subject: try text("/general/subject/subject_id"),
      generatedBy: try generatedBy(), devices: try devices(),
      duration: max(
        0, (series.map(\.endTime) + log.map(\.time)).filter(\.isFinite).max() ?? 0),
      series: series.map { series in
        .init(series: series, invalid: invalid.filter { $0.series == series.name })
      },
      clocks: try clocks(), durable: try durable(), tables: tables,
      stopReason: stop?.kind == .stop ? stop?.text : nil,
      isAligned: try hdf5 { () throws(HDF5Error) in
        try file.exists("/processing/alignment")
      })
  }

  private func clocks() throws(NWBError) -> [RecordingSummary.Clock] {
    var clocks: [RecordingSummary.Clock] = []
    for name in try circuits() {
      let rows = try hdf5 { () throws(HDF5Error) in
        try file.info(of: "\(CircuitClock.path(name))/data").shape.first ?? 0
      }
      let recent = try readings(ofCircuit: name, rows: max(0, rows - 10_000)..<rows)
      let first = try readings(ofCircuit: name, rows: 0..<min(1, rows))
      clocks.append(
        clock(name, rows, first.times.first, recent.times.last, recent.before, recent.after))
    }
    if let name = try stimulator() {
      let readings = try readings(ofStimulator: name)
      clocks.append(
        clock(
          name, readings.times.count, readings.times.first, readings.times.last,
          readings.before.suffix(10_000), readings.after.suffix(10_000)))
    }
    return clocks
  }

  private func clock(
    _ name: String, _ readings: Int, _ first: Double?, _ last: Double?,
    _ before: some Sequence<Int64>, _ after: some Sequence<Int64>
  ) -> RecordingSummary.Clock {
    let widths = zip(before, after).map { $1 &- $0 }.sorted()
    return .init(
      name: name, readings: readings, span: (last ?? 0) - (first ?? 0),
      medianBracket: widths.isEmpty ? nil : widths[(widths.count - 1) / 2])
  }

  private func text(_ path: String) throws(NWBError) -> String? {
    try hdf5 { () throws(HDF5Error) in
      try file.exists(path) ? file.readStrings(path).first : nil
    }
  }

  private func generatedBy() throws(NWBError) -> [String] {
    try hdf5 { () throws(HDF5Error) in
      let path = "/general/was_generated_by"
      guard try file.exists(path) else { return [] }
      let words = try file.readStrings(path)
      return stride(from: 0, to: words.count - 1, by: 2).map { "\(words[$0]) \(words[$0 + 1])" }
    }
  }

  private func devices() throws(NWBError) -> [String] {
    try hdf5 { () throws(HDF5Error) in
      let path = "/general/devices"
      guard try file.exists(path) else { return [] }
      return try file.children(of: path).map(\.name).filter { $0 != "models" }
    }
  }
}

/// The bytes of a file; 0 if it cannot be asked for.
private func fileSize(_ path: String) -> Int64 {
  var status = stat()
  return stat(path, &status) == 0 ? Int64(status.st_size) : 0
}
