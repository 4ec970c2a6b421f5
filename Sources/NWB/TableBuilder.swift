import HDF5

/// Creates one table: ragged columns first, then flat ones, `id` last, which is the order its rows
/// are written in.
struct TableBuilder {
  let path: String
  private var columns: [any PendingRows] = []

  /// Creates the table itself. `columnNames` are those that a reader shows, in this order: without
  /// `id` and the indices of ragged ones.
  init(
    _ path: String, _ type: SchemaType, description: String, columnNames: [String],
    source: String? = nil, in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    self.path = path
    try layout.group(
      path, type,
      ["description": description, "source_description": source ?? ""])
    try layout.file.setAttribute("colnames", on: path, to: .strings(columnNames))
  }

  /// A column with a number per row.
  mutating func numbers<T: Element>(
    _ name: String, _ description: String, in layout: inout LayoutBuilder
  ) throws(HDF5Error) -> NumberColumn<T> {
    try column(name, .vectorData, ["description": .string(description)], in: &layout)
  }

  /// The column of times that makes a table one of events.
  mutating func timestamps(
    _ description: String, resolution: Double? = nil, in layout: inout LayoutBuilder
  ) throws(HDF5Error) -> NumberColumn<Double> {
    var attributes: [String: Value] = ["description": .string(description), "unit": "seconds"]
    if let resolution { attributes["resolution"] = .number(resolution) }
    return try column("timestamp", .timestampVectorData, attributes, in: &layout)
  }

  /// A column with a text of at most `bytes` bytes of UTF-8 per row.
  mutating func texts(
    _ name: String, bytes: Int, _ description: String, in layout: inout LayoutBuilder
  ) throws(HDF5Error) -> TextColumn {
    var attributes = layout.type(.vectorData)
    attributes["description"] = .string(description)
    let column = TextColumn(
      try layout.file.createGrowing(
        "\(path)/\(name)", of: .text(bytes: bytes, .utf8), chunkRows: max(1, 16_384 / bytes),
        attributes: attributes))
    columns.append(column)
    return column
  }

  /// A column with a list of numbers per row.
  mutating func ragged(
    _ name: String, _ description: String, in layout: inout LayoutBuilder
  ) throws(HDF5Error) -> RaggedColumn {
    let values: NumberColumn<Double> = try numbers(name, description, in: &layout)
    let ends: NumberColumn<UInt64> = try column(
      "\(name)_index", .vectorIndex,
      [
        "description": .string("Where the list of each row ends in \(name)."),
        "target": .reference(to: "\(path)/\(name)"),
      ], in: &layout)
    return RaggedColumn(values: values, ends: ends)
  }

  /// Creates `id`.
  consuming func finish(in layout: inout LayoutBuilder) throws(HDF5Error) -> Table {
    let ids: NumberColumn<Int64> = try column("id", .elementIdentifiers, [:], in: &layout)
    return Table(ids: ids, columns: columns)
  }

  private mutating func column<T: Element>(
    _ name: String, _ type: SchemaType, _ attributes: [String: Value],
    in layout: inout LayoutBuilder
  ) throws(HDF5Error) -> NumberColumn<T> {
    let column: NumberColumn<T> = try layout.growing(
      "\(path)/\(name)", attributes: layout.type(type).merging(attributes) { $1 })
    columns.append(column)
    return column
  }
}

/// Lists of numbers: all of them one after another, and where each ends.
struct RaggedColumn {
  let values: NumberColumn<Double>
  let ends: NumberColumn<UInt64>
  private var count: UInt64 = 0

  init(values: NumberColumn<Double>, ends: NumberColumn<UInt64>) {
    self.values = values
    self.ends = ends
  }

  mutating func append(_ list: [Double]) {
    values.append(list)
    count += UInt64(list.count)
    ends.append(count)
  }
}

/// The rows of a table, of which the caller fills every column before ``endRow()``.
struct Table {
  private let ids: NumberColumn<Int64>
  /// All columns in the order they are written in.
  let pending: Rows
  private(set) var rows = 0

  init(ids: NumberColumn<Int64>, columns: [any PendingRows]) {
    self.ids = ids
    pending = Rows(columns)
  }

  mutating func endRow() {
    ids.append(Int64(rows))
    rows += 1
  }
}
