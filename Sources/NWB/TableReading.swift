import HDF5

/// The rows of one table, column by column.
public struct TableContent: Sendable {
  public enum Values: Sendable, Equatable {
    case numbers([Double])
    case integers([Int64])
    case texts([String])
    /// A list per row.
    case lists([[Double]])
  }

  /// In the order that the table names its columns in.
  public var columns: [(name: String, description: String, values: Values)]
  public var rows: Int

  /// The column of this name; nil if there is none.
  public subscript(name: String) -> Values? {
    columns.first { $0.name == name }?.values
  }

  /// Numbers of a column, integers too; empty if there is no such column.
  public func numbers(_ name: String) -> [Double] {
    switch self[name] {
    case .numbers(let numbers)?: numbers
    case .integers(let integers)?: integers.map(Double.init)
    default: []
    }
  }

  /// Integers of a column; empty if there is no such column.
  public func integers(_ name: String) -> [Int64] {
    if case .integers(let integers)? = self[name] { integers } else { [] }
  }

  /// Texts of a column; empty if there is no such column.
  public func texts(_ name: String) -> [String] {
    if case .texts(let texts)? = self[name] { texts } else { [] }
  }

  /// Lists of a column; empty if there is no such column.
  public func lists(_ name: String) -> [[Double]] {
    if case .lists(let lists)? = self[name] { lists } else { [] }
  }
}

extension RecordingReader {
  /// The names of the tables in `/events` and `/intervals`, as absolute paths.
  public func tables() throws(NWBError) -> [String] {
    try hdf5 { () throws(HDF5Error) in
      var tables: [String] = []
      for group in ["/events", "/intervals"] where try file.exists(group) {
        for child in try file.children(of: group) where try file.exists("\(group)/\(child.name)/id")
        {
          tables.append("\(group)/\(child.name)")
        }
      }
      return tables
    }
  }

  /// The whole rows of a table; nil if the file has no such table.
  public func table(_ path: String) throws(NWBError) -> TableContent? {
    try hdf5 { () throws(HDF5Error) in
      guard let rows = try wholeRows(of: path) else { return nil }
      let names = try file.attribute("colnames", of: path)?.strings ?? []
      var content = TableContent(columns: [], rows: rows)
      for name in names {
        let column = "\(path)/\(name)"
        let description = try file.attribute("description", of: column)?.string ?? ""
        content.columns.append((name, description, try values(of: column, rows)))
      }
      return content
    }
  }

  /// The number of whole rows of a table; 0 if the file has no such table.
  public func rowCount(of path: String) throws(NWBError) -> Int {
    try hdf5 { () throws(HDF5Error) in try wholeRows(of: path) ?? 0 }
  }

  /// The rows of every dataset of a table or a clock that must be as long as the others, `id` or
  /// `data` first; a ragged column's are those of its index. A finished file has them equal.
  public func columnLengths(of path: String) throws(NWBError) -> [(name: String, rows: Int)] {
    try hdf5 { () throws(HDF5Error) in
      var names: [String]
      if try file.exists("\(path)/id") {
        names = ["id"]
        for name in try file.attribute("colnames", of: path)?.strings ?? [] {
          names.append(try file.exists("\(path)/\(name)_index") ? "\(name)_index" : name)
        }
      } else {
        names = ["data", "timestamps"]
        let raw = try file.children(of: "\(path)/sync").map(\.name)
        names += raw.filter { $0 != "durable" }.map { "sync/\($0)" }
      }
      var lengths: [(name: String, rows: Int)] = []
      for name in names {
        lengths.append((name, try file.info(of: "\(path)/\(name)").shape.first ?? 0))
      }
      return lengths
    }
  }

  /// As many rows as `id` and every column have; nil without such a table.
  private func wholeRows(of path: String) throws(HDF5Error) -> Int? {
    guard try file.exists("\(path)/id") else { return nil }
    var rows = try file.info(of: "\(path)/id").shape.first ?? 0
    for name in try file.attribute("colnames", of: path)?.strings ?? [] {
      let index = "\(path)/\(name)_index"
      let counted = try file.exists(index) ? index : "\(path)/\(name)"
      rows = min(rows, try file.info(of: counted).shape.first ?? 0)
    }
    return rows
  }

  private func values(of column: String, _ rows: Int) throws(HDF5Error) -> TableContent.Values {
    if try file.exists("\(column)_index") {
      let ends = try file.read("\(column)_index", rows: 0..<rows, as: Int64.self).map(Int.init)
      let length = try file.info(of: column).shape.first ?? 0
      let all = try file.read(column, rows: 0..<min(ends.last ?? 0, length), as: Double.self)
      return .lists(
        ends.indices.map { row in
          let start = min(row == 0 ? 0 : ends[row - 1], all.count)
          return Array(all[start..<max(start, min(ends[row], all.count))])
        })
    }
    switch try file.info(of: column).type {
    case .string, .fixed(.text): return .texts(try file.readStrings(column, rows: 0..<rows))
    case .fixed(.float32), .fixed(.float64):
      return .numbers(try file.read(column, rows: 0..<rows, as: Double.self))
    case .fixed:
      return .integers(try file.read(column, rows: 0..<rows, as: Int64.self))
    case .reference, .other:
      return .texts(try file.value(of: column, rows: 0..<rows).references ?? [])
    }
  }
}
