import HDF5

/// What a column of the trials table says of one trial.
public enum TrialValue: Sendable, Equatable {
  case number(Double)
  case text(String)
}

/// The finished trials, `/intervals/trials`.
public final class TrialTable {
  static let path = "/intervals/trials"
  static let textBytes = 32

  private enum DeclaredColumn {
    case numbers(NumberColumn<Double>)
    case texts(TextColumn)
  }

  private var table: Table
  private let starts, stops: NumberColumn<Double>
  private let declared: [(name: String, column: DeclaredColumn)]
  private let firstSamples, sampleCounts: NumberColumn<Int64>

  public var rows: Int { table.rows }
  var pending: Rows { table.pending }

  init(
    _ columns: [TrialColumn], reference: String?, in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    let series = reference.map { "the series \($0)" } ?? "the reference circuit"
    var builder = try TableBuilder(
      Self.path, .timeIntervals,
      description: "Trials: one presentation each, in order of their end.",
      columnNames: ["start_time", "stop_time"] + columns.map(\.name)
        + ["first_sample", "n_samples"], in: &layout)
    starts = try builder.numbers(
      "start_time", "When the trial began, in seconds on the recording clock.", in: &layout)
    stops = try builder.numbers(
      "stop_time", "When the trial ended, in seconds on the recording clock.", in: &layout)
    var declared: [(name: String, column: DeclaredColumn)] = []
    for column in columns {
      let description = column.description.isEmpty ? column.name : column.description
      switch column.kind {
      case .number:
        declared.append(
          (column.name, .numbers(try builder.numbers(column.name, description, in: &layout))))
      case .text:
        declared.append(
          (
            column.name,
            .texts(
              try builder.texts(column.name, bytes: Self.textBytes, description, in: &layout))
          ))
      }
    }
    self.declared = declared
    firstSamples = try builder.numbers(
      "first_sample", "Its first frame in \(series), counted from 0.", in: &layout)
    sampleCounts = try builder.numbers("n_samples", "Its frames in \(series).", in: &layout)
    table = try builder.finish(in: &layout)
  }

  /// Adds a trial that has ended.
  ///
  /// - Parameters:
  ///   - start: When it began, seconds on the recording clock.
  ///   - stop: When it ended.
  ///   - frames: Its frames in the first series of the reference circuit.
  ///   - values: By column; a missing number is stored as not-a-number, a missing text as `n/a`.
  /// - Throws: ``NWBError/refused(_:)`` for a value of an undeclared column or of the wrong kind;
  ///   nothing is added then.
  public func append(
    start: Double, stop: Double, frames: Range<Int64>, _ values: [String: TrialValue]
  ) throws(NWBError) {
    for name in values.keys where !declared.contains(where: { $0.name == name }) {
      throw .refused("trials have no column \(name)")
    }
    for (name, column) in declared {
      switch (column, values[name]) {
      case (.numbers, .number), (.texts, .text), (_, nil): continue
      case (.numbers, _): throw .refused("column \(name) of the trials holds numbers")
      case (.texts, _): throw .refused("column \(name) of the trials holds texts")
      }
    }
    starts.append(start)
    stops.append(stop)
    for (name, column) in declared {
      switch (column, values[name]) {
      case (.numbers(let column), .number(let number)): column.append(number)
      case (.numbers(let column), _): column.append(.nan)
      case (.texts(let column), .text(let text)): column.append(text)
      case (.texts(let column), _): column.append("")
      }
    }
    firstSamples.append(frames.lowerBound)
    sampleCounts.append(frames.upperBound - frames.lowerBound)
    table.endRow()
  }
}

/// Where samples are missing or wrong, `/intervals/invalid_times`.
public final class InvalidTimes {
  static let path = "/intervals/invalid_times"

  private var table: Table
  private let starts, stops: NumberColumn<Double>
  private let series, reasons: TextColumn
  private let firstSamples, sampleCounts: NumberColumn<Int64>

  public var rows: Int { table.rows }
  var pending: Rows { table.pending }

  init(_ seriesNames: [String], in layout: inout LayoutBuilder) throws(HDF5Error) {
    var builder = try TableBuilder(
      Self.path, .timeIntervals,
      description: "Where samples of a series are missing, and read as zeros, or are not what they "
        + "seem.",
      columnNames: ["start_time", "stop_time", "series", "first_sample", "n_samples", "reason"],
      in: &layout)
    starts = try builder.numbers(
      "start_time", "When the first of them was due, in seconds on the recording clock.",
      in: &layout)
    stops = try builder.numbers(
      "stop_time",
      "When the first valid one after them was due, in seconds on the recording clock.",
      in: &layout)
    series = try builder.texts(
      "series", bytes: max(16, seriesNames.map(\.utf8.count).max() ?? 0), "Name of the series.",
      in: &layout)
    firstSamples = try builder.numbers(
      "first_sample", "The first of these frames in the series, counted from 0.", in: &layout)
    sampleCounts = try builder.numbers(
      "n_samples", "How many frames they are.", in: &layout)
    reasons = try builder.texts("reason", bytes: 96, "Why.", in: &layout)
    table = try builder.finish(in: &layout)
  }

  /// Adds a range of frames of a series, and the seconds of the recording clock they span.
  public func append(
    start: Double, stop: Double, series name: String, frames: Range<Int64>, reason: String
  ) {
    starts.append(start)
    stops.append(stop)
    series.append(name)
    firstSamples.append(frames.lowerBound)
    sampleCounts.append(frames.upperBound - frames.lowerBound)
    reasons.append(reason)
    table.endRow()
  }
}
