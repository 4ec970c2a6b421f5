import HDF5

extension RecordingReader {
  /// What `align` left in the file; nil if it has not been run.
  public func alignment() throws(NWBError) -> AlignmentContent? {
    let path = AlignmentContent.path
    let (description, names) = try hdf5 { () throws(HDF5Error) -> (String?, [String]) in
      guard try file.exists(path) else { return (nil, []) }
      return (
        try file.attribute("description", of: path)?.string ?? "",
        try file.children(of: path).map(\.name)
      )
    }
    guard let description else { return nil }
    var content = AlignmentContent(description: description)
    if let table = try table(AlignmentContent.onsetsPath) { content.onsets = onsets(table) }
    if let table = try table(AlignmentContent.edgesPath) { content.edges = edges(table) }
    for name in names where name.hasSuffix(AlignmentContent.knotsSuffix) {
      let path = "\(path)/\(name)"
      guard let table = try table(path) else { continue }
      let description = try hdf5 { () throws(HDF5Error) in
        try file.attribute("description", of: path)?.string
      }
      content.clocks.append(
        .init(
          name: String(name.dropLast(AlignmentContent.knotsSuffix.count)),
          description: description ?? "", knots: knots(table)))
    }
    return content
  }

  /// Keys and values of the comments of a clock's readings.
  public func comments(ofClock name: String) throws(NWBError) -> [String: String] {
    let text = try hdf5 { () throws(HDF5Error) in
      try file.attribute("comments", of: CircuitClock.path(name))?.string
    }
    return pairs(inComments: text ?? "")
  }

  /// The session file that the recording was made with; nil if it does not have it.
  public func sourceScript() throws(NWBError) -> String? {
    try hdf5 { () throws(HDF5Error) in
      let path = "/general/source_script"
      return try file.exists(path) ? file.readStrings(path).first : nil
    }
  }

  private func onsets(_ table: TableContent) -> [AlignmentContent.RefinedOnset] {
    let onsets = table.numbers("onset")
    let uncertainties = table.numbers("uncertainty")
    let bases = table.integers("basis")
    let residuals = table.numbers("residual")
    let rows = [onsets.count, uncertainties.count, bases.count, residuals.count].min() ?? 0
    return (0..<rows).map { row in
      .init(
        onset: onsets[row], uncertainty: uncertainties[row], basis: OnsetBasis(stored: bases[row]),
        residual: residuals[row].isNaN ? nil : residuals[row])
    }
  }

  private func edges(_ table: TableContent) -> [AlignmentContent.SyncEdge] {
    let samples = table.integers("stream_sample")
    let frames = table.integers("frame")
    let times = table.numbers("time")
    let residuals = table.numbers("residual")
    let rows = [samples.count, frames.count, times.count, residuals.count].min() ?? 0
    return (0..<rows).map { row in
      .init(
        streamSample: samples[row], frame: frames[row], time: times[row],
        residual: residuals[row])
    }
  }

  private func knots(_ table: TableContent) -> [AlignmentContent.Knot] {
    let samples = table.integers("sample")
    let times = table.numbers("time")
    let hostTimes = table.numbers("host_time")
    let uncertainties = table.numbers("uncertainty")
    let segments = table.integers("segment")
    let bases = table.integers("basis")
    let counts = [samples, segments, bases].map(\.count)
    let rows = (counts + [times, hostTimes, uncertainties].map(\.count)).min() ?? 0
    return (0..<rows).map { row in
      .init(
        sample: samples[row], time: times[row], hostTime: hostTimes[row],
        uncertainty: uncertainties[row], segment: segments[row],
        basis: OnsetBasis(stored: bases[row]))
    }
  }
}

extension OnsetBasis {
  fileprivate init(stored number: Int64) {
    self = OnsetBasis(rawValue: UInt8(clamping: number)) ?? .nominalRates
  }
}
