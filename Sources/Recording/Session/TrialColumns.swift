public import NWB

extension SessionChecks {
  /// Every condition has every column, and a column is of one kind.
  func checkTrialColumns() {
    guard let plan = session.stimulus.plan else { return }
    let conditions = numbered(plan.conditions, "stimulus", "protocol", "conditions")
    let control = session.control.trialColumns
    for (index, condition) in conditions {
      let path = ["stimulus", "protocol", "conditions", "\(index)"]
      for (name, value) in condition.columns {
        let path = path + ["columns", name]
        if TrialColumn.reserved.contains(name) {
          report("every trial has a column \(name) of its own; choose another name", at: path)
        }
        let kind = plan.trialColumns.first { $0.name == name }?.kind
        if kind != value.kind {
          report("is a \(value.kind.name) here and another kind in an earlier condition", at: path)
        } else if let other = control.first(where: { $0.name == name }), other.kind != kind {
          report("is a \(other.kind.name) in control.trial_columns", at: path)
        }
      }
      for column in plan.trialColumns
      where !condition.columns.contains(where: { $0.name == column.name }) {
        report(
          "has no column \(column.name), which other conditions have; every one needs it",
          at: path + ["columns"])
      }
    }
    for (first, second) in zip(conditions.indices, conditions.indices.dropFirst()) {
      let name = conditions[second].1.name
      if conditions[...first].contains(where: { $0.1.name == name }) {
        report(
          "\"\(name)\" is the name of an earlier condition; names must differ",
          at: ["stimulus", "protocol", "conditions", "\(second)", "name"])
      }
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
