import HDF5

/// How sure the onset of a signal change is.
public enum OnsetBasis: UInt8, Sendable, CaseIterable {
  /// Both clocks at their nominal rates: the first two seconds.
  case nominalRates = 0
  /// The map between the clocks.
  case clockMap = 1
  /// An edge recorded from the sync line.
  case syncEdge = 2
}

/// One change of a channel's signal. Times are seconds of the recording clock.
public struct SignalChange: Sendable, Equatable {
  /// When its first sample leaves the stimulator, plus or minus `uncertainty`.
  public var onset: Double
  public var uncertainty: Double
  public var basis: OnsetBasis
  public var requested: Double
  public var queued: Double
  public var channel: UInt8
  /// Periods; 0 until it is replaced.
  public var repeats: Int32
  /// The number of its first sample in the output stream.
  public var streamSample: Int64
  /// As realised on the device's grid, in the unit of the description; one per duration.
  public var amplitudes: [Double]
  /// Milliseconds.
  public var durations: [Double]

  public init(
    onset: Double, uncertainty: Double, basis: OnsetBasis, requested: Double, queued: Double,
    channel: UInt8, repeats: Int32, streamSample: Int64, amplitudes: [Double],
    durations: [Double]
  ) {
    self.onset = onset
    self.uncertainty = uncertainty
    self.basis = basis
    self.requested = requested
    self.queued = queued
    self.channel = channel
    self.repeats = repeats
    self.streamSample = streamSample
    self.amplitudes = amplitudes
    self.durations = durations
  }
}

/// The table of signal changes, `/events/stimulus_changes`.
public final class Ledger {
  static let path = "/events/stimulus_changes"

  private var table: Table
  private var amplitudes, durations: RaggedColumn
  private let timestamps, uncertainties, requested, queued: NumberColumn<Double>
  private let bases, channels: NumberColumn<UInt8>
  private let repeats: NumberColumn<Int32>
  private let streamSamples: NumberColumn<Int64>

  public var rows: Int { table.rows }
  var pending: Rows { table.pending }

  init(
    _ stimulator: StimulatorDescription, in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    let unit = stimulator.amplitudeUnit.rawValue
    var builder = try TableBuilder(
      Self.path, .eventsTable,
      description: "Every change of a signal of \(stimulator.name) that reached its output, in the "
        + "order of queueing. A signal is repeated from its onset on until the next change of its "
        + "channel, or `repeat` times and then silence.",
      columnNames: [
        "timestamp", "uncertainty", "basis", "requested_time", "queued_time", "channel", "repeat",
        "stream_sample", "amplitudes_in_\(unit)", "durations_in_ms",
      ], source: "daqrec, which queued the samples", in: &layout)
    amplitudes = try builder.ragged(
      "amplitudes_in_\(unit)",
      "The amplitudes of one period in \(unit), as realised on the device's grid.", in: &layout)
    durations = try builder.ragged(
      "durations_in_ms",
      "How long each amplitude lasts, in ms, as realised on the device's grid.", in: &layout)
    timestamps = try builder.timestamps(
      "When the first sample of the new signal leaves the stimulator, on the recording clock.",
      in: &layout)
    uncertainties = try builder.numbers(
      "uncertainty", "Half the width of the interval that the onset is in, in seconds.",
      in: &layout)
    bases = try builder.numbers(
      "basis",
      "What the onset is based on. 0: nominal rates (the first two seconds); 1: the map between "
        + "the clocks; 2: an edge of the sync line.", in: &layout)
    requested = try builder.numbers(
      "requested_time", "When the change was asked for, in seconds on the recording clock.",
      in: &layout)
    queued = try builder.numbers(
      "queued_time", "When its first sample was queued, in seconds on the recording clock.",
      in: &layout)
    channels = try builder.numbers(
      "channel", "Channel of the stimulator, counted from 0.", in: &layout)
    repeats = try builder.numbers(
      "repeat", "Periods until silence; 0: repeated until it is replaced.", in: &layout)
    streamSamples = try builder.numbers(
      "stream_sample", "Number of its first sample in the output stream, counted from 0.",
      in: &layout)
    table = try builder.finish(in: &layout)
  }

  public func append(_ change: SignalChange) throws(NWBError) {
    guard change.amplitudes.count == change.durations.count else {
      throw .refused(
        "a signal has \(change.amplitudes.count) amplitudes and \(change.durations.count) durations"
      )
    }
    amplitudes.append(change.amplitudes)
    durations.append(change.durations)
    timestamps.append(change.onset)
    uncertainties.append(change.uncertainty)
    bases.append(change.basis.rawValue)
    requested.append(change.requested)
    queued.append(change.queued)
    channels.append(change.channel)
    repeats.append(change.repeats)
    streamSamples.append(change.streamSample)
    table.endRow()
  }
}

/// The stamps of one event buffer, `/events/<name>`.
public final class StampTable {
  public let name: String
  private var table: Table
  private let timestamps: NumberColumn<Double>
  private let ticks: NumberColumn<Int64>

  public var rows: Int { table.rows }
  var pending: Rows { table.pending }

  init(_ buffer: EventBufferDescription, in layout: inout LayoutBuilder) throws(HDF5Error) {
    name = buffer.name
    var builder = try TableBuilder(
      "/events/\(buffer.name)", .eventsTable,
      description: buffer.description.isEmpty ? buffer.name : buffer.description,
      columnNames: ["timestamp", "tick"], source: "a store of tick stamps on the circuit",
      in: &layout)
    timestamps = try builder.timestamps(
      "When the circuit stored the stamp, on the recording clock.",
      resolution: buffer.resolution, in: &layout)
    ticks = try builder.numbers(
      "tick", "Ticks of the circuit since it started.", in: &layout)
    table = try builder.finish(in: &layout)
  }

  /// Adds one stamp: seconds of the recording clock, and ticks of the circuit.
  public func append(at time: Double, tick: Int64) {
    timestamps.append(time)
    ticks.append(tick)
    table.endRow()
  }
}

/// The changes of the watched tags, `/events/tags`.
public final class TagTable {
  static let path = "/events/tags"

  private var table: Table
  private let timestamps, values: NumberColumn<Double>
  private let tags: TextColumn

  public var rows: Int { table.rows }
  var pending: Rows { table.pending }

  init(_ names: [String], in layout: inout LayoutBuilder) throws(HDF5Error) {
    var builder = try TableBuilder(
      Self.path, .eventsTable,
      description: "The watched tags of the circuits: their first values, and every change that a "
        + "poll found.",
      columnNames: ["timestamp", "tag", "value"], source: "polls of the circuits", in: &layout)
    timestamps = try builder.timestamps(
      "When the poll that found the value was made, on the recording clock.", in: &layout)
    tags = try builder.texts(
      "tag", bytes: max(16, names.map(\.utf8.count).max() ?? 0), "Name of the tag.", in: &layout)
    values = try builder.numbers(
      "value", "The new value; tags travel with the precision of a float32.", in: &layout)
    table = try builder.finish(in: &layout)
  }

  public func append(at time: Double, tag: String, value: Double) {
    timestamps.append(time)
    tags.append(tag)
    values.append(value)
    table.endRow()
  }
}
