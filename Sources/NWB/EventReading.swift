/// One entry of the recorder log, continuation rows joined.
public struct LogEntry: Sendable, Equatable {
  /// Seconds on the recording clock.
  public var time: Double
  public var kind: LogKind
  public var text: String
}

/// Frames of a series that are missing or wrong.
public struct InvalidFrames: Sendable, Equatable {
  public var series: String
  public var frames: Range<Int64>
  /// Seconds on the recording clock.
  public var start, stop: Double
  public var reason: String
}

/// The signal changes of a recording and what their amplitudes are in.
public struct LedgerContent: Sendable, Equatable {
  public var unit: StimulatorDescription.AmplitudeUnit
  public var changes: [SignalChange]
}

extension RecordingReader {
  /// The recorder log.
  public func log() throws(NWBError) -> [LogEntry] {
    guard let table = try table(RecorderLog.path) else { return [] }
    let times = table.numbers("timestamp")
    let kinds = table.texts("kind").map(LogKind.init(rawValue:))
    let texts = table.texts("annotation")
    var entries: [LogEntry] = []
    // A row continues the one above it if that is full: cut between two scalars of at most 4 bytes.
    let full = RecorderLog.annotationBytes - 3
    for row in 0..<min(times.count, kinds.count, texts.count) {
      if row > 0, texts[row - 1].utf8.count >= full, kinds[row - 1] == kinds[row],
        times[row - 1] == times[row]
      {
        entries[entries.count - 1].text += texts[row]
      } else {
        entries.append(LogEntry(time: times[row], kind: kinds[row], text: texts[row]))
      }
    }
    return entries
  }

  /// The signal changes in the order of queueing; nil if there are none.
  public func ledger() throws(NWBError) -> LedgerContent? {
    guard let table = try table(Ledger.path) else { return nil }
    let isCurrent = table["amplitudes_in_mA"] != nil
    let unit: StimulatorDescription.AmplitudeUnit = isCurrent ? .milliamperes : .millivolts
    let amplitudes = table.lists("amplitudes_in_\(unit.rawValue)")
    let durations = table.lists("durations_in_ms")
    let onsets = table.numbers("timestamp")
    let uncertainties = table.numbers("uncertainty")
    let bases = table.integers("basis")
    let requested = table.numbers("requested_time")
    let queued = table.numbers("queued_time")
    let channels = table.integers("channel")
    let repeats = table.integers("repeat")
    let samples = table.integers("stream_sample")
    let complete = [
      amplitudes.count, durations.count, onsets.count, uncertainties.count, bases.count,
      requested.count, queued.count, channels.count, repeats.count, samples.count,
    ].allSatisfy { $0 == table.rows }
    guard complete else { throw .refused("\(Ledger.path) of \(path) lacks columns") }
    let changes = (0..<table.rows).map { row in
      SignalChange(
        onset: onsets[row], uncertainty: uncertainties[row],
        basis: OnsetBasis(rawValue: UInt8(clamping: bases[row])) ?? .nominalRates,
        requested: requested[row], queued: queued[row], channel: UInt8(clamping: channels[row]),
        repeats: Int32(clamping: repeats[row]), streamSample: samples[row],
        amplitudes: amplitudes[row], durations: durations[row])
    }
    return LedgerContent(unit: unit, changes: changes)
  }

  /// The frames declared missing or wrong, of all series.
  public func invalidFrames() throws(NWBError) -> [InvalidFrames] {
    guard let table = try table(InvalidTimes.path) else { return [] }
    let starts = table.numbers("start_time")
    let stops = table.numbers("stop_time")
    let series = table.texts("series")
    let first = table.integers("first_sample")
    let counts = table.integers("n_samples")
    let reasons = table.texts("reason")
    let rows = [starts.count, stops.count, series.count, first.count, counts.count, reasons.count]
    return (0..<(rows.min() ?? 0)).map { row in
      // A damaged file may hold any numbers.
      InvalidFrames(
        series: series[row],
        frames: first[row]..<max(first[row], first[row] &+ max(0, counts[row])),
        start: starts[row], stop: stops[row], reason: reasons[row])
    }
  }
}
