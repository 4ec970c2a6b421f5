import HDF5

extension AlignmentContent {
  /// Puts it into a closed recording, in place of what an earlier run left there. Nothing else in
  /// the file is touched.
  ///
  /// - Throws: ``NWBError/live(path:)`` while somebody writes the file.
  public func store(in path: String) throws(NWBError) {
    let state = try RecordingState(of: path)
    guard state == .complete else {
      throw state == .live ? .live(path: path) : .refused("\(path) was not closed by its writer")
    }
    let file = try hdf5 { () throws(HDF5Error) in try EditFile(editing: path) }
    // While it is open for writing, its superblock says so: the lock tells others why.
    let descriptor = try hdf5 { () throws(HDF5Error) in try file.fileDescriptor() }
    try LiveLock.acquire(descriptor, path: path)
    var writer = AlignmentWriter(file)
    do throws(HDF5Error) {
      try writer.write(self)
      try writer.close()
    } catch {
      throw .hdf5(error)
    }
  }
}

/// The module and its tables in a file that is being edited.
private struct AlignmentWriter: ~Copyable {
  /// One column: a name, what it says, and its values.
  typealias Column = (name: String, description: String, values: Value)

  private let file: EditFile
  private var identifiers = ObjectIdentifiers(SystemRandomNumberGenerator())

  init(_ file: consuming EditFile) { self.file = file }

  consuming func close() throws(HDF5Error) { try file.close() }

  mutating func write(_ content: AlignmentContent) throws(HDF5Error) {
    if try file.exists(AlignmentContent.path) { try file.unlink(AlignmentContent.path) }
    try file.createGroup(
      AlignmentContent.path,
      attributes: type(.processingModule).merging(["description": .string(content.description)]) {
        $1
      })
    if !content.onsets.isEmpty { try write(content.onsets) }
    if !content.edges.isEmpty { try write(content.edges) }
    for clock in content.clocks where !clock.knots.isEmpty { try write(clock) }
  }

  private mutating func write(_ onsets: [AlignmentContent.RefinedOnset]) throws(HDF5Error) {
    try table(
      AlignmentContent.onsetsPath,
      description: "The onsets of the signal changes, refined after the recording: row n is the "
        + "change of row n of /events/stimulus_changes. Times are on the recording clock.",
      columns: [
        (
          "onset", "When the first sample of the new signal left the stimulator, in seconds.",
          .numbers(onsets.map(\.onset))
        ),
        (
          "uncertainty", "Half the width of the interval that the onset is in, in seconds.",
          .numbers(onsets.map(\.uncertainty))
        ),
        ("basis", Self.basis, .numbers(onsets.map(\.basis.rawValue))),
        (
          "residual",
          "The change's own edge on the sync line minus its onset, in seconds; NaN without one.",
          .numbers(onsets.map { $0.residual ?? .nan })
        ),
      ], rows: onsets.count)
  }

  private mutating func write(_ edges: [AlignmentContent.SyncEdge]) throws(HDF5Error) {
    try table(
      AlignmentContent.edgesPath,
      description: "The edges of the recorded sync line that belong to a pulse of the output "
        + "stream. Times are on the recording clock.",
      columns: [
        (
          "stream_sample", "The sample of the output stream with which the pulse begins.",
          .numbers(edges.map(\.streamSample))
        ),
        (
          "frame", "The first frame of the recorded series that shows the edge.",
          .numbers(edges.map(\.frame))
        ),
        (
          "time", "When the edge was, half a frame before, in seconds.",
          .numbers(edges.map(\.time))
        ),
        (
          "residual", "`time` minus the refined time of the stream sample, in seconds.",
          .numbers(edges.map(\.residual))
        ),
      ], rows: edges.count)
  }

  private mutating func write(_ clock: AlignmentContent.Clock) throws(HDF5Error) {
    let knots = clock.knots
    try table(
      "\(AlignmentContent.path)/\(clock.name)\(AlignmentContent.knotsSuffix)",
      description: clock.description,
      columns: [
        (
          "sample", "Sample of this clock; between the knots of a segment the map is straight.",
          .numbers(knots.map(\.sample))
        ),
        (
          "time", "When that sample is on the recording clock, in seconds.",
          .numbers(knots.map(\.time))
        ),
        (
          "host_time",
          "When it is on the host's monotonic clock, in seconds since the start of the session.",
          .numbers(knots.map(\.hostTime))
        ),
        (
          "uncertainty",
          "Half the width of the interval that `time` is in, in seconds; for the circuit whose "
            + "samples are the recording clock, that `host_time` is in.",
          .numbers(knots.map(\.uncertainty))
        ),
        (
          "segment",
          "Counts the stretches of samples that follow from each other, from 1; a sample belongs "
            + "to the last one that begins at or before it.", .numbers(knots.map(\.segment))
        ),
        ("basis", Self.basis, .numbers(knots.map(\.basis.rawValue))),
      ], rows: knots.count)
  }

  private static let basis =
    "What it is based on. 0: nominal rates; 1: the map between the clocks; 2: edges of the sync "
    + "line."

  private mutating func table(
    _ path: String, description: String, columns: [Column], rows: Int
  ) throws(HDF5Error) {
    let attributes: [String: Value] = [
      "description": .string(description), "colnames": .strings(columns.map(\.name)),
    ]
    try file.createGroup(path, attributes: type(.dynamicTable).merging(attributes) { $1 })
    for column in columns {
      try file.createDataset(
        "\(path)/\(column.name)", column.values,
        attributes: type(.vectorData).merging(["description": .string(column.description)]) { $1 })
    }
    try file.createDataset(
      "\(path)/id", .numbers((0..<rows).map(Int64.init)), attributes: type(.elementIdentifiers))
  }

  /// The attributes that make an object one of the schema's.
  private mutating func type(_ type: SchemaType) -> [String: Value] {
    [
      "namespace": .string(type.namespace), "neurodata_type": .string(type.rawValue),
      "object_id": .string(identifiers.next()),
    ]
  }
}
