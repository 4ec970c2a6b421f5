import HDF5

/// The electrodes of all series as one table, and their groups: `/general/extracellular_ephys`.
struct ElectrodesLayout {
  static let tablePath = "/general/extracellular_ephys/electrodes"

  /// The row of each electrode; group and name identify it.
  private var rows: [Identity: Int64] = [:]
  private var electrodes: [ElectrodesDescription.Electrode] = []
  private var columns: [SharedColumn] = []

  private struct Identity: Hashable {
    let group, name: String

    init(_ electrode: ElectrodesDescription.Electrode) {
      group = electrode.group
      name = electrode.name
    }
  }

  /// A column put together from those of the same name and kind of several series.
  private struct SharedColumn {
    let name, description: String
    let kind: Kind
    var numbers: [Int: Double] = [:]
    var texts: [Int: String] = [:]
    var flags: [Int: Bool] = [:]

    enum Kind { case numbers, texts, flags }
  }

  /// Creates groups and table; nil if no series has electrodes.
  init?(
    _ series: [SeriesDescription], in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    let described = series.compactMap(\.electrodes)
    guard !described.isEmpty else { return nil }
    try layout.file.createGroup("/general/extracellular_ephys")
    for electrodes in described {
      try createGroups(of: electrodes, in: &layout)
      for electrode in electrodes.electrodes where rows[Identity(electrode)] == nil {
        rows[Identity(electrode)] = Int64(self.electrodes.count)
        self.electrodes.append(electrode)
      }
      for column in electrodes.columns { add(column, of: electrodes.electrodes) }
    }
    try createTable(in: &layout)
  }

  /// Creates what a series says of its electrodes: which rows they are, and their factors.
  func region(
    of electrodes: ElectrodesDescription, series: String, in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    var attributes = layout.type(.dynamicTableRegion)
    attributes["description"] = "The electrode of each channel."
    attributes["table"] = .reference(to: Self.tablePath)
    try layout.file.createDataset(
      "\(series)/electrodes",
      .numbers(electrodes.electrodes.compactMap { rows[Identity($0)] }), attributes: attributes)
    if let factors = electrodes.channelConversion {
      try layout.file.createDataset(
        "\(series)/channel_conversion", .numbers(factors),
        attributes: ["axis": .number(Int32(1))])
    }
  }

  private func createGroups(
    of electrodes: ElectrodesDescription, in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    let existing = Set(self.electrodes.map(\.group))
    for (group, members) in grouped(electrodes.electrodes) where !existing.contains(group) {
      let path = "/general/extracellular_ephys/\(group)"
      try layout.group(
        path, .electrodeGroup,
        [
          "description": "Electrodes of \(group), recorded by \(electrodes.device).",
          "location": unique(members.map(\.location)).joined(separator: ", "),
        ])
      try layout.file.createSoftLink(
        "\(path)/device", to: "/general/devices/\(electrodes.device)")
    }
  }

  /// In the order of their first electrodes.
  private func grouped(
    _ electrodes: [ElectrodesDescription.Electrode]
  ) -> [(String, [ElectrodesDescription.Electrode])] {
    let members = Dictionary(grouping: electrodes, by: \.group)
    return unique(electrodes.map(\.group)).map { ($0, members[$0] ?? []) }
  }

  private mutating func add(
    _ column: ElectrodesDescription.Column, of electrodes: [ElectrodesDescription.Electrode]
  ) {
    let kind: SharedColumn.Kind =
      switch column.values {
      case .numbers: .numbers
      case .texts: .texts
      case .flags: .flags
      }
    let index =
      columns.firstIndex { $0.name == column.name && $0.kind == kind } ?? columns.endIndex
    if index == columns.endIndex {
      columns.append(
        SharedColumn(name: column.name, description: column.description, kind: kind))
    }
    for (offset, electrode) in electrodes.enumerated() {
      guard let row = rows[Identity(electrode)].map(Int.init) else { continue }
      switch column.values {
      case .numbers(let values) where offset < values.count:
        columns[index].numbers[row] = values[offset]
      case .texts(let values) where offset < values.count:
        columns[index].texts[row] = values[offset]
      case .flags(let values) where offset < values.count:
        columns[index].flags[row] = values[offset]
      default: break
      }
    }
  }

  private func createTable(in layout: inout LayoutBuilder) throws(HDF5Error) {
    try layout.group(
      Self.tablePath, .electrodesTable, ["description": "The electrodes recorded from."])
    try layout.file.setAttribute(
      "colnames", on: Self.tablePath,
      to: .strings(["location", "group", "group_name", "channel_name"] + columns.map(\.name)))
    try column("location", "Where the electrode is.", texts(electrodes.map(\.location)), &layout)
    try column(
      "group", "The group the electrode belongs to.",
      .references(to: electrodes.map { "/general/extracellular_ephys/\($0.group)" }), &layout)
    try column(
      "group_name", "Name of the group the electrode belongs to.",
      texts(electrodes.map(\.group)), &layout)
    try column("channel_name", "Name of the electrode.", texts(electrodes.map(\.name)), &layout)
    for shared in columns {
      let description = shared.description.isEmpty ? shared.name : shared.description
      let all = electrodes.indices
      let value: Value =
        switch shared.kind {
        // The schema's own columns of numbers are float32.
        case .numbers where Self.schemaColumns.contains(shared.name):
          .numbers(all.map { Float(shared.numbers[$0] ?? .nan) })
        case .numbers: .numbers(all.map { shared.numbers[$0] ?? .nan })
        case .texts: texts(all.map { shared.texts[$0] ?? "" })
        case .flags: .numbers(all.map { shared.flags[$0] ?? false })
        }
      try column(shared.name, description, value, &layout)
    }
    try layout.file.createDataset(
      "\(Self.tablePath)/id", .numbers(electrodes.indices.map(Int64.init)),
      attributes: layout.type(.elementIdentifiers))
  }

  private func column(
    _ name: String, _ description: String, _ value: Value, _ layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    var attributes = layout.type(.vectorData)
    attributes["description"] = .string(description)
    try layout.file.createDataset(
      "\(Self.tablePath)/\(name)", value, attributes: attributes)
  }

  private static let schemaColumns: Set = ["x", "y", "z", "imp", "rel_x", "rel_y", "rel_z"]
}

/// A column of texts, of which none is empty.
private func texts(_ texts: [String]) -> Value {
  .strings(texts.map { $0.isEmpty ? "unknown" : $0 })
}

/// Each text once, in the order of their first appearance.
private func unique(_ texts: [String]) -> [String] {
  var seen: Set<String> = []
  return texts.filter { seen.insert($0).inserted }
}
