import HDF5

/// The vocabulary of the NWB schema, over a file whose objects are being created.
struct LayoutBuilder: ~Copyable {
  let file: LayoutFile
  private var identifiers: ObjectIdentifiers

  init(_ file: consuming LayoutFile, _ identifiers: ObjectIdentifiers) {
    self.file = file
    self.identifiers = identifiers
  }

  /// Ends the creation of objects.
  consuming func startStreaming() throws(NWBError) -> StreamingFile {
    do throws(HDF5Error) { return try file.startStreaming() } catch { throw .hdf5(error) }
  }

  /// The attributes that make an object one of the schema's.
  mutating func type(_ type: SchemaType) -> [String: Value] {
    [
      "namespace": .string(type.namespace), "neurodata_type": .string(type.rawValue),
      "object_id": .string(identifiers.next()),
    ]
  }

  /// A group of a schema type. Empty texts among the attributes are left out.
  mutating func group(
    _ path: String, _ type: SchemaType, _ texts: [String: String] = [:]
  ) throws(HDF5Error) {
    var attributes = self.type(type)
    for (name, text) in texts where !text.isEmpty { attributes[name] = .string(text) }
    try file.createGroup(path, attributes: attributes)
  }

  /// A text that never changes; an empty one is left out.
  func text(_ path: String, _ text: String) throws(HDF5Error) {
    guard !text.isEmpty else { return }
    try file.createDataset(path, .string(text))
  }

  /// Texts that never change; without one that is not empty there is no dataset.
  func texts(_ path: String, _ texts: [String]) throws(HDF5Error) {
    let texts = texts.filter { !$0.isEmpty }
    guard !texts.isEmpty else { return }
    try file.createDataset(path, .strings(texts))
  }

  /// A dataset that grows and is no column of a table.
  func growing<T: Element>(
    _ path: String, columns: Int? = nil, attributes: [String: Value] = [:]
  ) throws(HDF5Error) -> NumberColumn<T> {
    NumberColumn(
      try file.createGrowing(
        path, of: T.elementType, columns: columns, chunkRows: rowsOfTables,
        attributes: attributes))
  }

  /// The series of a clock's readings: `data` of one dimension, `timestamps`, and the group `sync`
  /// beside them, which is left to the caller.
  ///
  /// - Returns: the columns in the order they are written in, `data` last.
  mutating func clockSeries(
    _ path: String, description: String, comments: String
  ) throws(HDF5Error) -> (timestamps: NumberColumn<Double>, data: NumberColumn<Double>) {
    try group(path, .timeSeries, ["description": description, "comments": comments])
    return (
      timestamps: try growing(
        "\(path)/timestamps", attributes: ["interval": .number(Int32(1)), "unit": "seconds"]),
      data: try growing(
        "\(path)/data",
        attributes: [
          "conversion": .number(1.0), "offset": .number(0.0), "resolution": .number(-1.0),
          "unit": "seconds", "continuity": "instantaneous",
        ])
    )
  }
}

/// Rows of a chunk in datasets that get a row now and then.
let rowsOfTables = 512

/// The types of NWB 2.10.0 and hdmf-common 1.9.0 that a recording uses.
enum SchemaType: String {
  case nwbFile = "NWBFile"
  case subject = "Subject"
  case device = "Device"
  case deviceModel = "DeviceModel"
  case electrodeGroup = "ElectrodeGroup"
  case electrodesTable = "ElectrodesTable"
  case electricalSeries = "ElectricalSeries"
  case timeSeries = "TimeSeries"
  case eventsTable = "EventsTable"
  case timeIntervals = "TimeIntervals"
  case processingModule = "ProcessingModule"
  case dynamicTable = "DynamicTable"
  case timestampVectorData = "TimestampVectorData"
  case vectorData = "VectorData"
  case vectorIndex = "VectorIndex"
  case elementIdentifiers = "ElementIdentifiers"
  case dynamicTableRegion = "DynamicTableRegion"

  var namespace: String {
    switch self {
    case .vectorData, .vectorIndex, .elementIdentifiers, .dynamicTableRegion, .dynamicTable:
      "hdmf-common"
    default: "core"
    }
  }
}
