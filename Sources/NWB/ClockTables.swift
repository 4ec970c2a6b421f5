import HDF5
public import Samples

/// The readings of a circuit's clock, `/acquisition/<circuit>_clock`.
public final class CircuitClock {
  public let name: String
  let pending: Rows
  private let bufferCount: Int
  private let indices, cycles: NumberColumn<Int32>?
  private let samples, before, after: NumberColumn<Int64>
  private let timestamps, data: NumberColumn<Double>

  static func path(_ circuit: String) -> String { "/acquisition/\(circuit)_clock" }

  init(
    _ circuit: CircuitClockDescription, isReference: Bool, start: RecordingStart,
    in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    name = circuit.name
    bufferCount = circuit.buffers.count
    let path = Self.path(circuit.name)
    (timestamps, data) = try layout.clockSeries(
      path,
      description: "The clock of circuit \(circuit.name) against the host's, a reading per poll: "
        + "the host's monotonic clock in seconds since the start of the session (data), and the "
        + "recording clock (timestamps). sync has the readings as they were taken.",
      comments: comments([
        ("device", circuit.name), ("rate", "\(circuit.rate)"),
        ("reference", isReference ? "yes" : "no"),
        ("buffers", circuit.buffers.joined(separator: ",")),
      ]))
    try layout.syncGroup(path, start)
    let sync = "\(path)/sync"
    if circuit.buffers.isEmpty {
      (indices, cycles) = (nil, nil)
    } else {
      let attributes: [String: Value] = ["buffers": .strings(circuit.buffers)]
      indices = try layout.growing(
        "\(sync)/index", columns: circuit.buffers.count, attributes: attributes)
      cycles = try layout.growing(
        "\(sync)/cycle", columns: circuit.buffers.count, attributes: attributes)
    }
    before = try layout.growing("\(sync)/host_before_ns")
    after = try layout.growing("\(sync)/host_after_ns")
    samples = try layout.growing("\(sync)/sample")
    let positions: [(any PendingRows)?] = [indices, cycles]
    pending = Rows(positions.compactMap(\.self) + [before, after, samples, timestamps, data])
  }

  /// Adds the reading of one poll.
  ///
  /// - Parameters:
  ///   - time: Seconds on the recording clock.
  ///   - host: The host's monotonic clock, seconds since the start of the session.
  ///   - sample: Frames of the circuit's first buffer, continued over segments.
  ///   - bracket: The host's monotonic clock just before and just after, nanoseconds.
  ///   - positions: Of every buffer, in the order of the description.
  /// - Throws: ``NWBError/refused(_:)`` if positions are missing; nothing is added then.
  public func append(
    time: Double, host: Double, sample: Int64, bracket: (before: Int64, after: Int64),
    positions: some Collection<RingPosition>
  ) throws(NWBError) {
    guard positions.count == bufferCount else {
      throw .refused("a reading of \(name) has \(positions.count) positions, not \(bufferCount)")
    }
    indices?.append(positions.lazy.map { Int32(truncatingIfNeeded: $0.index) })
    cycles?.append(positions.lazy.map { Int32(truncatingIfNeeded: $0.cycle) })
    before.append(bracket.before)
    after.append(bracket.after)
    samples.append(sample)
    timestamps.append(time)
    data.append(host)
  }
}

/// The readings of a stimulator's output stream, `/acquisition/<stimulator>_clock`.
public final class StimulatorClock {
  let pending: Rows
  private let channels: Int
  private let buffered: NumberColumn<Int32>
  private let done, before, after: NumberColumn<Int64>
  private let timestamps, data: NumberColumn<Double>

  init(
    _ stimulator: StimulatorDescription, start: RecordingStart, in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    channels = stimulator.channels
    let path = CircuitClock.path(stimulator.name)
    (timestamps, data) = try layout.clockSeries(
      path,
      description: "The output stream of \(stimulator.name) against the host's clock, a reading "
        + "per feed: the host's monotonic clock in seconds since the start of the session (data), "
        + "and the recording clock (timestamps). sync has the readings as they were taken.",
      comments: comments([("device", stimulator.name), ("rate", "\(stimulator.rate)")]))
    try layout.syncGroup(path, start)
    let sync = "\(path)/sync"
    buffered = try layout.growing("\(sync)/frames_buffered", columns: stimulator.channels)
    before = try layout.growing("\(sync)/host_before_ns")
    after = try layout.growing("\(sync)/host_after_ns")
    done = try layout.growing("\(sync)/frames_done")
    pending = Rows([buffered, before, after, done, timestamps, data])
  }

  /// Adds the reading of one feed.
  ///
  /// - Parameters:
  ///   - time: Seconds on the recording clock.
  ///   - host: The host's monotonic clock, seconds since the start of the session.
  ///   - framesDone: Output samples that have left the device.
  ///   - framesBuffered: Output samples in the device's ring, of each channel.
  ///   - bracket: The host's monotonic clock just before and just after, nanoseconds.
  /// - Throws: ``NWBError/refused(_:)`` if channels are missing; nothing is added then.
  public func append(
    time: Double, host: Double, framesDone: Int64, framesBuffered: some Collection<Int64>,
    bracket: (before: Int64, after: Int64)
  ) throws(NWBError) {
    guard framesBuffered.count == channels else {
      throw .refused("a stimulator reading has \(framesBuffered.count) channels, not \(channels)")
    }
    buffered.append(framesBuffered.lazy.map { Int32(clamping: $0) })
    before.append(bracket.before)
    after.append(bracket.after)
    done.append(framesDone)
    timestamps.append(time)
    data.append(host)
  }
}

/// The exchanges between the host and a bridge, `/acquisition/<device>_link`.
public final class LinkClock {
  /// The four timestamps of one exchange, nanoseconds of the monotonic clock of whoever took them.
  public struct Exchange: Sendable, Equatable {
    public var hostSend, bridgeReceive, bridgeSend, hostReceive: Int64

    public init(hostSend: Int64, bridgeReceive: Int64, bridgeSend: Int64, hostReceive: Int64) {
      self.hostSend = hostSend
      self.bridgeReceive = bridgeReceive
      self.bridgeSend = bridgeSend
      self.hostReceive = hostReceive
    }

    /// The bridge's clock minus the host's in seconds, if both ways take equally long.
    public var offset: Double {
      Double((bridgeReceive - hostSend) / 2 + (bridgeSend - hostReceive) / 2) * 1e-9
    }
  }

  public let name: String
  let pending: Rows
  private let stamps: [NumberColumn<Int64>]
  private let timestamps, data: NumberColumn<Double>

  init(
    _ device: String, start: RecordingStart, in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    name = device
    let path = "/acquisition/\(device)_link"
    (timestamps, data) = try layout.clockSeries(
      path,
      description: "The clock of the computer that \(device) is attached to against the host's, a "
        + "reading per exchange of messages: its monotonic clock minus the host's in seconds, if "
        + "both ways take equally long (data), and the recording clock (timestamps). sync has the "
        + "four times of every exchange: t0 host send, t1 bridge receive, t2 bridge send, t3 host "
        + "receive.",
      comments: comments([("device", device)]))
    try layout.syncGroup(path, start)
    var stamps: [NumberColumn<Int64>] = []
    for index in 0..<4 {
      stamps.append(
        try layout.growing("\(path)/sync/t\(index)", attributes: ["unit": "nanoseconds"]))
    }
    self.stamps = stamps
    pending = Rows(stamps + [timestamps, data])
  }

  /// Adds one exchange; `time` is in seconds on the recording clock.
  public func append(time: Double, _ exchange: Exchange) {
    stamps[0].append(exchange.hostSend)
    stamps[1].append(exchange.bridgeReceive)
    stamps[2].append(exchange.bridgeSend)
    stamps[3].append(exchange.hostReceive)
    timestamps.append(time)
    data.append(exchange.offset)
  }
}

/// What is safe from a power cut: `sync/durable` of the reference circuit's clock.
public final class DurableRows {
  let pending: Rows
  private let counts: NumberColumn<Int64>
  private let seriesCount: Int

  init(
    reference: String, _ seriesNames: [String], in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    seriesCount = seriesNames.count
    counts = try layout.growing(
      "\(CircuitClock.path(reference))/sync/durable", columns: seriesNames.count,
      attributes: ["series": .strings(seriesNames)])
    pending = Rows([counts])
  }

  /// Adds the frames of each series that a finished `fdatasync` covers, in the order of the
  /// description.
  public func append(_ frames: some Collection<Int64>) throws(NWBError) {
    guard frames.count == seriesCount else {
      throw .refused("\(frames.count) series are durable, not \(seriesCount)")
    }
    counts.append(frames)
  }
}

extension LayoutBuilder {
  /// The group of raw readings: what relates its host times to the recording clock.
  fileprivate func syncGroup(_ series: String, _ start: RecordingStart) throws(HDF5Error) {
    var attributes: [String: Value] = [
      "t0_monotonic_ns": .number(start.monotonicNanoseconds),
      "t0_realtime_ns": .number(start.realtimeNanoseconds),
    ]
    if !start.bootID.isEmpty { attributes["boot_id"] = .string(start.bootID) }
    try file.createGroup("\(series)/sync", attributes: attributes)
  }
}
