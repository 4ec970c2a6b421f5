import CHDF5

extension File where Mode: ReadsObjects {
  /// Rows of a dataset of numbers or truth values, in row-major order.
  ///
  /// Numbers stored in another numeric type are converted by libhdf5, which clips what does not
  /// fit. Rows that were never written are zeros.
  ///
  /// - Parameters:
  ///   - path: The dataset.
  ///   - rows: Indices of the first dimension; nil for all. A scalar has no rows.
  ///   - type: The type wanted.
  /// - Returns: The elements of all columns of these rows.
  /// - Throws: ``HDF5Error``, also if the dataset holds something else than numbers.
  public func read<T: Element>(
    _ path: String, rows: Range<Int>? = nil, as type: T.Type = T.self
  ) throws(HDF5Error) -> [T] {
    let operation = Operation("read", path)
    let dataset = try operation.own(H5Dopen2(handle.id, path, defaultProperties), "H5Dopen2")
    let stored = try operation.own(H5Dget_type(dataset.id), "H5Dget_type")
    guard case .fixed(let found) = try StoredType(stored.id, operation), found.isNumeric else {
      throw operation.refusal("it does not hold numbers")
    }
    let selection = try Selection(rows, of: dataset, operation)
    let datatype = try T.elementType.datatype(operation)
    return try elements(count: selection.count, operation) { buffer in
      (selection.read(dataset, as: datatype.id, into: buffer), "H5Dread")
    }
  }

  /// Rows of a dataset of text of fixed or variable length, in row-major order.
  ///
  /// - Parameters:
  ///   - path: The dataset.
  ///   - rows: Indices of the first dimension; nil for all. A scalar has no rows.
  /// - Returns: The texts, without their padding; ill-formed UTF-8 is repaired.
  /// - Throws: ``HDF5Error``, also if the dataset holds something else than text.
  public func readStrings(
    _ path: String, rows: Range<Int>? = nil
  ) throws(HDF5Error) -> [String] {
    let value = try value(of: path, rows: rows)
    guard let strings = value.strings else {
      throw Operation("read", path).refusal("it does not hold text")
    }
    return strings
  }

  /// A dataset's content with its shape.
  ///
  /// - Parameters:
  ///   - path: The dataset.
  ///   - rows: Indices of the first dimension; nil for all. A scalar has no rows.
  /// - Returns: The content; text of fixed length is given as text, too.
  /// - Throws: ``HDF5Error``, also for types that ``Value`` cannot hold.
  public func value(
    of path: String, rows: Range<Int>? = nil
  ) throws(HDF5Error) -> Value {
    let operation = Operation("read", path)
    let dataset = try operation.own(H5Dopen2(handle.id, path, defaultProperties), "H5Dopen2")
    let type = try operation.own(H5Dget_type(dataset.id), "H5Dget_type")
    let selection = try Selection(rows, of: dataset, operation)
    let content = try content(
      of: type, count: selection.count, in: handle.id, operation,
      reclaim: { H5Dvlen_reclaim(type.id, selection.memory.id, defaultProperties, $0) },
      read: { (selection.read(dataset, as: $0, into: $1), "H5Dread") })
    return Value(shape: selection.shape, content: content)
  }

  /// An attribute's content with its shape; nil if the object has no attribute of this name.
  public func attribute(
    _ name: String, of path: String
  ) throws(HDF5Error) -> Value? {
    let operation = Operation("read attribute", "\(path)@\(name)")
    let found = H5Aexists_by_name(handle.id, path, name, defaultProperties)
    guard try operation.check(found, "H5Aexists_by_name") > 0 else { return nil }
    let attribute = try operation.own(
      H5Aopen_by_name(handle.id, path, name, defaultProperties, defaultProperties),
      "H5Aopen_by_name")
    let type = try operation.own(H5Aget_type(attribute.id), "H5Aget_type")
    let space = try operation.own(H5Aget_space(attribute.id), "H5Aget_space")
    let shape = try dimensions(of: space, operation).now
    let content = try content(
      of: type, count: shape.reduce(1, *), in: handle.id, operation,
      reclaim: { H5Dvlen_reclaim(type.id, space.id, defaultProperties, $0) },
      read: { (H5Aread(attribute.id, $0, $1), "H5Aread") })
    return Value(shape: shape, content: content)
  }
}

/// Rows of a dataset that are about to be read into memory.
struct Selection: ~Copyable {
  let shape: [Int]
  let memory: Handle
  private let stored: Handle

  var count: Int { shape.reduce(1, *) }

  init(
    _ rows: Range<Int>?, of dataset: borrowing Handle, _ operation: Operation
  ) throws(HDF5Error) {
    let stored = try operation.own(H5Dget_space(dataset.id), "H5Dget_space")
    var shape = try dimensions(of: stored, operation).now
    if let rows {
      guard let length = shape.first, rows.lowerBound >= 0, rows.upperBound <= length else {
        throw operation.refusal("rows \(rows) are not among its \(shape.first ?? 0) rows")
      }
      shape[0] = rows.count
      let start = [hsize_t(rows.lowerBound)] + shape.dropFirst().map { _ in 0 }
      try operation.check(
        H5Sselect_hyperslab(
          stored.id, H5S_SELECT_SET, start, nil, shape.map(hsize_t.init), nil),
        "H5Sselect_hyperslab")
    }
    let memory =
      if shape.isEmpty {
        try operation.own(H5Screate(H5S_SCALAR), "H5Screate")
      } else {
        try operation.own(
          H5Screate_simple(CInt(shape.count), shape.map(hsize_t.init), nil), "H5Screate_simple")
      }
    self.shape = shape
    self.memory = memory
    self.stored = stored
  }

  func read(
    _ dataset: borrowing Handle, as type: hid_t, into buffer: UnsafeMutableRawPointer
  ) -> herr_t {
    H5Dread(dataset.id, type, memory.id, stored.id, defaultProperties, buffer)
  }
}

extension ElementType {
  var isNumeric: Bool {
    if case .text = self { false } else { true }
  }
}
