import HDF5

/// The readings of a circuit's clock, column by column; all have the same length.
public struct CircuitReadings: Sendable, Equatable {
  /// Seconds on the recording clock.
  public var times: [Double] = []
  /// The host's monotonic clock, seconds since the start of the session.
  public var hostTimes: [Double] = []
  /// Frames of the circuit's first buffer.
  public var samples: [Int64] = []
  /// The host's monotonic clock just before and just after, nanoseconds.
  public var before: [Int64] = []
  public var after: [Int64] = []
  /// Names of the buffers that positions are of.
  public var buffers: [String] = []
  /// `[reading, buffer]`.
  public var indices: [Int32] = []
  public var cycles: [Int32] = []
}

/// The readings of a stimulator's output stream, column by column.
public struct StimulatorReadings: Sendable, Equatable {
  /// Seconds on the recording clock.
  public var times: [Double] = []
  /// The host's monotonic clock, seconds since the start of the session.
  public var hostTimes: [Double] = []
  /// Output samples that have left the device.
  public var framesDone: [Int64] = []
  public var channels = 0
  /// `[reading, channel]`.
  public var framesBuffered: [Int32] = []
  /// The host's monotonic clock just before and just after, nanoseconds.
  public var before: [Int64] = []
  public var after: [Int64] = []
}

/// What every sync of a recording covered.
public struct DurableContent: Sendable, Equatable {
  /// The series, in the order of the description.
  public var series: [String]
  /// Frames of each series by the last sync; empty if none was finished.
  public var last: [Int64]
  /// Syncs that were finished.
  public var syncs: Int
}

extension RecordingReader {
  /// Names of the circuits whose clocks were read, the reference circuit first.
  public func circuits() throws(NWBError) -> [String] {
    let names = try clocks(with: "sample")
    let comments = try hdf5 { () throws(HDF5Error) in
      var comments: [String: [String: String]] = [:]
      for name in names {
        let text = try file.attribute("comments", of: CircuitClock.path(name))?.string ?? ""
        comments[name] = pairs(inComments: text)
      }
      return comments
    }
    let isReference = { (name: String) in comments[name]?["reference"] == "yes" }
    return names.filter(isReference) + names.filter { !isReference($0) }
  }

  /// Name of the stimulator whose stream was read; nil without one.
  public func stimulator() throws(NWBError) -> String? {
    try clocks(with: "frames_done").first
  }

  /// Readings of a circuit's clock, all or those of a range of rows.
  public func readings(
    ofCircuit name: String, rows: Range<Int>? = nil
  ) throws(NWBError) -> CircuitReadings {
    try hdf5 { () throws(HDF5Error) in
      let path = CircuitClock.path(name)
      let sync = "\(path)/sync"
      var readings = CircuitReadings()
      let all = try rowsOfClock(path, ["before_ns", "after_ns"].map { "host_\($0)" } + ["sample"])
      let rows = rows?.clamped(to: all) ?? all
      readings.times = try file.read("\(path)/timestamps", rows: rows)
      readings.hostTimes = try file.read("\(path)/data", rows: rows)
      readings.samples = try file.read("\(sync)/sample", rows: rows)
      readings.before = try file.read("\(sync)/host_before_ns", rows: rows)
      readings.after = try file.read("\(sync)/host_after_ns", rows: rows)
      if try file.exists("\(sync)/index") {
        readings.buffers = try file.attribute("buffers", of: "\(sync)/index")?.strings ?? []
        readings.indices = try file.read("\(sync)/index", rows: rows)
        readings.cycles = try file.read("\(sync)/cycle", rows: rows)
      }
      return readings
    }
  }

  /// Readings of a stimulator's output stream.
  public func readings(ofStimulator name: String) throws(NWBError) -> StimulatorReadings {
    try hdf5 { () throws(HDF5Error) in
      let path = CircuitClock.path(name)
      let sync = "\(path)/sync"
      var readings = StimulatorReadings()
      let rows = try rowsOfClock(
        path, ["host_before_ns", "host_after_ns", "frames_done", "frames_buffered"])
      readings.times = try file.read("\(path)/timestamps", rows: rows)
      readings.hostTimes = try file.read("\(path)/data", rows: rows)
      readings.framesDone = try file.read("\(sync)/frames_done", rows: rows)
      readings.channels = try file.info(of: "\(sync)/frames_buffered").shape.last ?? 0
      readings.framesBuffered = try file.read("\(sync)/frames_buffered", rows: rows)
      readings.before = try file.read("\(sync)/host_before_ns", rows: rows)
      readings.after = try file.read("\(sync)/host_after_ns", rows: rows)
      return readings
    }
  }

  /// Exchanges with a bridge; empty without any.
  public func exchanges(ofLink device: String) throws(NWBError) -> [LinkClock.Exchange] {
    try hdf5 { () throws(HDF5Error) in
      let path = "/acquisition/\(device)_link"
      guard try file.exists("\(path)/data") else { return [] }
      let rows = try rowsOfClock(path, ["t0", "t1", "t2", "t3"])
      let t0 = try file.read("\(path)/sync/t0", rows: rows, as: Int64.self)
      let t1 = try file.read("\(path)/sync/t1", rows: rows, as: Int64.self)
      let t2 = try file.read("\(path)/sync/t2", rows: rows, as: Int64.self)
      let t3 = try file.read("\(path)/sync/t3", rows: rows, as: Int64.self)
      return rows.map {
        LinkClock.Exchange(
          hostSend: t0[$0], bridgeReceive: t1[$0], bridgeSend: t2[$0], hostReceive: t3[$0])
      }
    }
  }

  /// What the syncs covered; nil if the file does not say.
  public func durable() throws(NWBError) -> DurableContent? {
    guard let reference = try circuits().first else { return nil }
    return try hdf5 { () throws(HDF5Error) in
      let path = "\(CircuitClock.path(reference))/sync/durable"
      guard try file.exists(path) else { return nil }
      let syncs = try file.info(of: path).shape.first ?? 0
      return DurableContent(
        series: try file.attribute("series", of: path)?.strings ?? [],
        last: try syncs == 0 ? [] : file.read(path, rows: syncs - 1..<syncs), syncs: syncs)
    }
  }

  /// The zero of the recording clock; nil if no clock was read.
  public func start() throws(NWBError) -> (monotonic: Int64, realtime: Int64, bootID: String)? {
    var names = try circuits()
    if let stimulator = try stimulator() { names.append(stimulator) }
    guard let name = names.first else { return nil }
    return try hdf5 { () throws(HDF5Error) in
      let sync = "\(CircuitClock.path(name))/sync"
      guard
        let monotonic = try file.attribute("t0_monotonic_ns", of: sync)?.number(as: Int64.self),
        let realtime = try file.attribute("t0_realtime_ns", of: sync)?.number(as: Int64.self)
      else { return nil }
      return (monotonic, realtime, try file.attribute("boot_id", of: sync)?.string ?? "")
    }
  }

  /// Names of the clocks whose raw readings have this column.
  private func clocks(with column: String) throws(NWBError) -> [String] {
    try hdf5 { () throws(HDF5Error) in
      var names: [String] = []
      for child in try file.children(of: "/acquisition") where child.name.hasSuffix("_clock") {
        guard try file.exists("/acquisition/\(child.name)/sync/\(column)") else { continue }
        names.append(String(child.name.dropLast("_clock".count)))
      }
      return names
    }
  }

  /// The rows that every column of a clock has.
  private func rowsOfClock(_ path: String, _ raw: [String]) throws(HDF5Error) -> Range<Int> {
    var rows = try file.info(of: "\(path)/data").shape.first ?? 0
    for column in ["timestamps"] + raw.map({ "sync/\($0)" }) {
      rows = min(rows, try file.info(of: "\(path)/\(column)").shape.first ?? 0)
    }
    return 0..<rows
  }
}
