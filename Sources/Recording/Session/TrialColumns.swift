public import NWB

extension Session {
  /// The columns of the trials besides those that every trial has: the protocol's `condition` and
  /// `repeat` and what its conditions give, then what `control` declares.
  public var trialColumns: [TrialColumn] {
    let planned = stimulus.plan.map { TrialColumn.ofProtocol + $0.trialColumns } ?? []
    return planned
      + control.trialColumns.filter { column in
        !planned.contains { $0.name == column.name }
      }
  }
}

extension ProtocolSettings {
  /// The columns that the conditions give their trials, in the order in which they first appear.
  public var trialColumns: [TrialColumn] {
    var columns: [TrialColumn] = []
    for (name, value) in conditions.flatMap(\.columns)
    where !columns.contains(where: { $0.name == name }) {
      columns.append(
        TrialColumn(
          name: name, kind: value.kind, description: "Given with the condition of the protocol."))
    }
    return columns
  }
}

extension TrialColumn {
  /// What a protocol says of each of its trials.
  static let ofProtocol = [
    TrialColumn(name: "condition", kind: .text, description: "Name of the protocol's condition."),
    TrialColumn(
      name: "repeat", kind: .number,
      description: "Which presentation of the condition the trial is, from 1."),
  ]
}

extension SessionChecks {
  /// Every condition has every column, and a column is of one kind.
  func checkTrialColumns() {
    guard let plan = session.stimulus.plan else { return }
    let conditions = numbered(plan.conditions, "stimulus", "protocol", "conditions")
    let columns = plan.trialColumns
    for (index, condition) in conditions {
      let path = ["stimulus", "protocol", "conditions", "\(index)"]
      for (name, value) in condition.columns { check(name, value, columns, at: path) }
      for column in columns where !condition.columns.contains(where: { $0.name == column.name }) {
        report(
          "has no column \(column.name), which other conditions have; every one needs it",
          at: path + ["columns"])
      }
      if conditions[..<index].contains(where: { $0.1.name == condition.name }) {
        report(
          "\"\(condition.name)\" is the name of an earlier condition; names must differ",
          at: path + ["name"])
      }
    }
    for name in session.control.trialColumns.map(\.name) where isOfProtocol(name) {
      report(
        "the protocol gives its trials a column \(name); choose another name",
        at: ["control", "trial_columns", name])
    }
  }

  private func check(
    _ name: String, _ value: TrialValue, _ columns: [TrialColumn], at path: [String]
  ) {
    let path = path + ["columns", name]
    if TrialColumn.reserved.contains(name) || isOfProtocol(name) {
      report("every trial has a column \(name) of its own; choose another name", at: path)
    }
    let control = session.control.trialColumns.first { $0.name == name }
    if columns.first(where: { $0.name == name })?.kind != value.kind {
      report("is a \(value.kind.name) here and another kind in an earlier condition", at: path)
    } else if let control, control.kind != value.kind {
      report("is a \(control.kind.name) in control.trial_columns", at: path)
    }
  }

  private func isOfProtocol(_ name: String) -> Bool {
    TrialColumn.ofProtocol.contains { $0.name == name }
  }
}

extension TrialValue {
  fileprivate var kind: TrialColumn.Kind {
    switch self {
    case .number: .number
    case .text: .text
    }
  }
}

extension TrialColumn.Kind {
  fileprivate var name: String { self == .number ? "number" : "text" }
}
