public import NWB

/// `run`: how long.
public struct RunSettings: Sendable, Equatable {
  /// Seconds of recording; nil: until stopped.
  public var duration: Double?

  public init() {}

  init(reading reader: ObjectReader) {
    duration = reader.number("duration_s", in: .above(0))
  }
}

/// `control`: what trials opened through `--control` may carry.
public struct ControlSettings: Sendable, Equatable {
  public var trialColumns: [TrialColumn] = []

  public init() {}

  init(reading reader: ObjectReader) {
    for (name, value) in reader["trial_columns"]?.entries() ?? [] {
      guard let kind = value.choice(of: TrialColumn.KindName.self) else { continue }
      if TrialColumn.reserved.contains(name) {
        value.report("every trial has a column \(name) of its own; choose another name")
      }
      trialColumns.append(
        TrialColumn(
          name: name, kind: kind == .number ? .number : .text,
          description: "Given with the trial through --control."))
    }
  }
}

extension TrialColumn {
  enum KindName: String, CaseIterable {
    case number
    case text
  }

  /// Columns that every trial has.
  static let reserved: Set<String> = [
    "id", "start_time", "stop_time", "first_sample", "n_samples", "tags", "timeseries",
  ]
}
