import Glibc
import HDF5

/// A recording being written, which others can read meanwhile.
///
/// It belongs to one thread, with everything it hands out; only ``descriptor`` may be used by
/// another, for `fdatasync`. Rows of tables are collected and written by ``flush()``; chunks of
/// series are written when they are full.
public struct RecordingFile: ~Copyable {
  public let path: String
  /// In the order of the description.
  public let series: [SeriesWriter]
  public let circuits: [CircuitClock]
  public let stimulator: StimulatorClock?
  public let links: [LinkClock]
  /// nil without a series or a circuit.
  public let durable: DurableRows?
  /// nil without a stimulator.
  public let ledger: Ledger?
  public let eventBuffers: [StampTable]
  /// nil without watched tags.
  public let tags: TagTable?
  public let log: RecorderLog
  public let trials: TrialTable
  public let invalidTimes: InvalidTimes
  /// What libhdf5 writes to. Valid until the file is closed; never close it.
  public let descriptor: CInt

  private let file: StreamingFile
  private let rows: [Rows]

  /// Creates the file with everything but samples and rows in it, lets others read it, and syncs
  /// it. Only then does it get its name.
  ///
  /// - Parameters:
  ///   - path: Where; a file that exists is never replaced.
  ///   - recording: What is known before the first sample.
  ///   - generator: Makes the identifiers of the objects.
  /// - Throws: ``NWBError``; nothing is left behind then.
  public init(
    creating path: String, _ recording: RecordingDescription,
    identifiers generator: any RandomNumberGenerator = SystemRandomNumberGenerator()
  ) throws(NWBError) {
    try recording.check()
    let unfinished = try UnfinishedFile(for: path)
    var isPublished = false
    defer { if !isPublished { unfinished.remove() } }
    try self.init(unfinished, path, recording, ObjectIdentifiers(generator))
    isPublished = true
  }

  private init(
    _ unfinished: UnfinishedFile, _ path: String, _ recording: RecordingDescription,
    _ identifiers: ObjectIdentifiers
  ) throws(NWBError) {
    var builder = LayoutBuilder(
      try hdf5 { () throws(HDF5Error) in try LayoutFile(creating: unfinished.path) }, identifiers)
    let layout = try hdf5 { () throws(HDF5Error) in
      try RecordingLayout(recording, in: &builder)
    }
    let file = try builder.startStreaming()
    let descriptor = try hdf5 { () throws(HDF5Error) in
      try file.flush()
      return try file.fileDescriptor()
    }
    try LiveLock.acquire(descriptor, path: path)
    guard fsync(descriptor) == 0 else {
      throw .system(call: "fsync", path: unfinished.path, code: errno)
    }
    try unfinished.publish()
    self.path = path
    self.file = file
    self.descriptor = descriptor
    series = layout.series
    circuits = layout.circuits
    stimulator = layout.stimulator
    links = layout.links
    durable = layout.durable
    ledger = layout.ledger
    eventBuffers = layout.eventBuffers
    tags = layout.tags
    log = layout.log
    trials = layout.trials
    invalidTimes = layout.invalidTimes
    rows =
      layout.circuits.map(\.pending) + layout.links.map(\.pending)
      + layout.eventBuffers.map(\.pending)
      + [
        layout.stimulator?.pending, layout.durable?.pending, layout.ledger?.pending,
        layout.tags?.pending, layout.log.pending, layout.trials.pending,
        layout.invalidTimes.pending,
      ].compactMap(\.self)
  }

  /// Writes the collected rows and hands everything written so far to the operating system:
  /// readers see it, and the end of this process cannot lose it.
  public func flush() throws(NWBError) {
    try hdf5 { () throws(HDF5Error) in
      for series in series { try series.extendOverLostChunks() }
      for rows in rows { try rows.writeContent() }
      try file.flush()
      for rows in rows { try rows.writeCount() }
      try file.flush()
    }
  }

  /// Writes everything that is left, closes and syncs the file, and then removes tables and series
  /// without rows from it, which readers dislike.
  ///
  /// - Returns: What kept empty tables from being removed, if something did: the file is complete
  ///   all the same.
  /// - Throws: ``NWBError``; everything up to the last ``flush()`` is in the file then.
  public consuming func close() throws(NWBError) -> NWBError? {
    for series in series { try series.finish() }
    try flush()
    guard fsync(descriptor) == 0 else {
      throw .system(call: "fsync", path: path, code: errno)
    }
    let path = path
    do throws(HDF5Error) { try file.close() } catch { throw .hdf5(error) }
    do throws(NWBError) {
      try removeEmptyTables(path)
      return nil
    } catch {
      return error
    }
  }
}

extension RecordingFile {
  /// The version of libhdf5, for ``RecordingDescription/generatedBy``.
  public static var libraryVersion: String { HDF5Library.version }
}

extension RecordingDescription {
  /// What would make a file that readers misunderstand, and that libhdf5 itself does not refuse.
  fileprivate func check() throws(NWBError) {
    let reserved: Set = [
      "id", "start_time", "stop_time", "first_sample", "n_samples", "tags", "timeseries",
    ]
    for column in trialColumns where reserved.contains(column.name) {
      throw .refused("a column of the trials cannot be called \(column.name)")
    }
    for series in series {
      guard let electrodes = series.electrodes else { continue }
      guard electrodes.electrodes.count == series.channels else {
        throw .refused(
          "\(series.name) has \(series.channels) channels and \(electrodes.electrodes.count) "
            + "electrodes")
      }
      guard devices.contains(where: { $0.name == electrodes.device }) else {
        throw .refused("\(series.name) has electrodes of an unknown device \(electrodes.device)")
      }
    }
  }
}
