public import HDF5

/// A recording read back: finished, killed, or still being written.
///
/// It belongs to one thread. In a live recording every call sees what was flushed by then; rows
/// that a killed writer left incomplete are never seen.
public struct RecordingReader: ~Copyable {
  public let path: String
  /// When it was opened.
  public let state: RecordingState
  let file: ReadFile

  /// Opens a recording for reading, whatever its state.
  public init(reading path: String) throws(NWBError) {
    let state = try RecordingState(of: path)
    let file = try hdf5 { () throws(HDF5Error) in
      try ReadFile(reading: path, live: state != .complete)
    }
    let version = try hdf5 { () throws(HDF5Error) in
      try file.attribute("nwb_version", of: "/")
    }
    guard version?.string != nil else { throw .refused("\(path) is not an NWB file") }
    self.path = path
    self.state = state
    self.file = file
  }

  public consuming func close() throws(NWBError) {
    do throws(HDF5Error) { try file.close() } catch { throw .hdf5(error) }
  }

  /// One series of a buffer.
  public struct Series: Sendable, Hashable {
    public var name: String
    public var description: String
    /// Keys and values of its comments.
    public var comments: [String: String]
    public var hasElectrodes: Bool
    public var type: StoredType
    public var channels: Int
    /// Frames in the file, lost ones included.
    public var frames: Int
    /// Frames a second, nominal.
    public var rate: Double
    /// Of frame 0, seconds on the recording clock.
    public var startingTime: Double
    public var unit: String
    /// Value in `unit` = stored number · conversion · channelConversion.
    public var conversion: Double
    /// A factor per channel; empty where all are 1.
    public var channelConversion: [Double]
    public var resolution: Double
    public var chunkRows: Int
    public var isCompressed: Bool
    /// When the frame after the last is due, seconds on the recording clock.
    public var endTime: Double { startingTime + Double(frames) / rate }
  }

  /// The series of buffers, in the order of their names; clocks are none.
  public func series() throws(NWBError) -> [Series] {
    try hdf5 { () throws(HDF5Error) in
      var series: [Series] = []
      for child in try file.children(of: "/acquisition") {
        let path = "/acquisition/\(child.name)"
        guard try file.exists("\(path)/data"), try file.exists("\(path)/starting_time") else {
          continue
        }
        series.append(try describe(child.name, path))
      }
      return series
    }
  }

  /// Frames of a series as they are stored, converted to `T`, row by row.
  public func samples<T: Element>(
    of series: String, frames: Range<Int>, as type: T.Type = T.self
  ) throws(NWBError) -> [T] {
    try hdf5 { () throws(HDF5Error) in
      try file.read("/acquisition/\(series)/data", rows: frames, as: type)
    }
  }

  /// Frames of a series in its unit, row by row.
  public func values(
    of series: Series, frames: Range<Int>
  ) throws(NWBError) -> [Double] {
    var values = try samples(of: series.name, frames: frames, as: Double.self)
    let hasFactors = series.channelConversion.count == series.channels
    for index in values.indices {
      let factor = hasFactors ? series.channelConversion[index % series.channels] : 1
      values[index] *= series.conversion * factor
    }
    return values
  }

  /// The bytes that the samples of a series occupy in the file. Looks at every chunk.
  public func storedBytes(of series: String) throws(NWBError) -> Int {
    try hdf5 { () throws(HDF5Error) in
      try file.storedBytes(of: "/acquisition/\(series)/data")
    }
  }

  /// Ranges of frames whose chunks were never stored: they read as zeros.
  public func framesNeverStored(of series: Series) throws(NWBError) -> [Range<Int>] {
    let stored = try hdf5 { () throws(HDF5Error) in
      try file.storedChunks(of: "/acquisition/\(series.name)/data")
    }
    var ranges: [Range<Int>] = []
    for (index, isStored) in stored.enumerated() where !isStored {
      let chunk =
        index * series.chunkRows..<min((index + 1) * series.chunkRows, series.frames)
      if let last = ranges.last, last.upperBound == chunk.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<chunk.upperBound
      } else {
        ranges.append(chunk)
      }
    }
    return ranges
  }

  private func describe(_ name: String, _ path: String) throws(HDF5Error) -> Series {
    let info = try file.info(of: "\(path)/data")
    let factors = "\(path)/channel_conversion"
    return Series(
      name: name,
      description: try file.attribute("description", of: path)?.string ?? "",
      comments: pairs(inComments: try file.attribute("comments", of: path)?.string ?? ""),
      hasElectrodes: try file.exists("\(path)/electrodes"),
      type: info.type, channels: info.shape.count > 1 ? info.shape[1] : 1,
      frames: info.shape.first ?? 0,
      rate: try number("rate", of: "\(path)/starting_time") ?? .nan,
      startingTime: try file.read("\(path)/starting_time", as: Double.self).first ?? .nan,
      unit: try file.attribute("unit", of: "\(path)/data")?.string ?? "",
      conversion: try number("conversion", of: "\(path)/data") ?? 1,
      channelConversion: try file.exists(factors) ? file.read(factors, as: Double.self) : [],
      resolution: try number("resolution", of: "\(path)/data") ?? -1,
      chunkRows: info.chunk?.first ?? max(1, info.shape.first ?? 1),
      isCompressed: info.filterCount > 0)
  }

  /// A numeric attribute, stored as float64 or float32.
  private func number(_ name: String, of path: String) throws(HDF5Error) -> Double? {
    let value = try file.attribute(name, of: path)
    return value?.number(as: Double.self) ?? value?.number(as: Float.self).map(Double.init)
  }
}
