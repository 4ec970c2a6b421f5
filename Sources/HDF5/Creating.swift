import CHDF5

extension File where Mode: CreatesObjects {
  /// Creates a group.
  public func createGroup(
    _ path: String, attributes: [String: Value] = [:]
  ) throws(HDF5Error) {
    let operation = Operation("create group", path)
    let links = try utf8Names(chdf5_link_create(), operation)
    let group = try operation.own(
      H5Gcreate2(handle.id, path, links.id, defaultProperties, defaultProperties), "H5Gcreate2")
    try group.close(operation)
    try setAttributes(attributes, on: path)
  }

  /// Creates a dataset that holds `value` and keeps its shape.
  public func createDataset(
    _ path: String, _ value: Value, attributes: [String: Value] = [:]
  ) throws(HDF5Error) {
    let operation = Operation("create dataset", path)
    let type = try value.datatype(operation)
    let dataset = try createDataset(
      path, type, try value.dataspace(operation), defaultProperties, operation)
    try value.store(in: handle.id, operation) { bytes in
      (H5Dwrite(dataset.id, type.id, H5S_ALL, H5S_ALL, defaultProperties, bytes), "H5Dwrite")
    }
    try dataset.close(operation)
    try setAttributes(attributes, on: path)
  }

  /// Creates a scalar dataset that can be overwritten later, while streaming too.
  public func createScalar<T: Element>(
    _ path: String, _ value: T, attributes: [String: Value] = [:]
  ) throws(HDF5Error) -> ScalarDataset<T> {
    let operation = Operation("create dataset", path)
    let type = try T.elementType.datatype(operation)
    let space = try operation.own(H5Screate(H5S_SCALAR), "H5Screate")
    let dataset = ScalarDataset<T>(
      path: path,
      handle: try createDataset(path, type, space, defaultProperties, operation), type: type)
    try dataset.write(value)
    try setAttributes(attributes, on: path)
    return dataset
  }

  /// Creates a dataset without rows, to which rows are added later, while streaming too.
  ///
  /// - Parameters:
  ///   - path: Where it is created.
  ///   - type: What its elements are.
  ///   - columns: The elements of a row, `[row, column]`; nil for a dataset of one dimension.
  ///   - chunkRows: The rows that are stored together, at least 1.
  ///   - filters: What readers undo, last first. libhdf5 applies them to appended rows;
  ///     ``GrowingDataset/writeChunk(_:atRow:filterMask:)`` takes bytes that went through them.
  ///   - attributes: The attributes it gets.
  /// - Returns: The dataset, open until its file is closed.
  /// - Throws: ``HDF5Error``; what had been created by then stays in the file.
  public func createGrowing(
    _ path: String, of type: ElementType, columns: Int? = nil, chunkRows: Int,
    filters: [Filter] = [], attributes: [String: Value] = [:]
  ) throws(HDF5Error) -> GrowingDataset {
    let operation = Operation("create dataset", path)
    guard chunkRows > 0, columns ?? 1 > 0 else {
      throw operation.refusal("it has chunks of \(chunkRows) rows of \(columns ?? 1) columns")
    }
    let inner = columns.map { [hsize_t($0)] } ?? []
    let rank = CInt(1 + inner.count)
    let datatype = try type.datatype(operation)
    let space = try operation.own(
      H5Screate_simple(rank, [0] + inner, [chdf5_unlimited()] + inner), "H5Screate_simple")
    let creation = try operation.own(H5Pcreate(chdf5_dataset_create()), "H5Pcreate")
    try operation.check(
      H5Pset_chunk(creation.id, rank, [hsize_t(chunkRows)] + inner), "H5Pset_chunk")
    // Rows that nobody wrote read as zeros and occupy no space.
    try operation.check(
      H5Pset_fill_time(creation.id, H5D_FILL_TIME_IFSET), "H5Pset_fill_time")
    for filter in filters {
      switch filter {
      case .shuffle:
        try operation.check(H5Pset_shuffle(creation.id), "H5Pset_shuffle")
      case .deflate(let level):
        // A negative level becomes a large one, which libhdf5 refuses.
        let level = UInt32(truncatingIfNeeded: level)
        try operation.check(H5Pset_deflate(creation.id, level), "H5Pset_deflate")
      }
    }
    let handle = try createDataset(path, datatype, space, creation.id, operation)
    let dataset = GrowingDataset(
      path: path, handle: handle, datatype: datatype, type: type, columns: columns,
      chunkRows: chunkRows, filterCount: filters.count, rows: 0)
    try setAttributes(attributes, on: path)
    return dataset
  }

  /// Creates a link that is resolved by name whenever it is used; the target need not exist.
  public func createSoftLink(_ path: String, to target: String) throws(HDF5Error) {
    let operation = Operation("create soft link", path)
    let links = try utf8Names(chdf5_link_create(), operation)
    try operation.check(
      H5Lcreate_soft(target, handle.id, path, links.id, defaultProperties), "H5Lcreate_soft")
  }

  /// Gives an object an attribute that it does not have yet.
  public func setAttribute(
    _ name: String, on path: String, to value: Value
  ) throws(HDF5Error) {
    let operation = Operation("set attribute", "\(path)@\(name)")
    let names = try utf8Names(chdf5_attribute_create(), operation)
    let type = try value.datatype(operation)
    let space = try value.dataspace(operation)
    let attribute = try operation.own(
      H5Acreate_by_name(
        handle.id, path, name, type.id, space.id, names.id, defaultProperties, defaultProperties),
      "H5Acreate_by_name")
    try value.store(in: handle.id, operation) { bytes in
      (H5Awrite(attribute.id, type.id, bytes), "H5Awrite")
    }
    try attribute.close(operation)
  }

  /// Sets attributes in the order of their names, so that equal calls make equal files.
  private func setAttributes(
    _ attributes: [String: Value], on path: String
  ) throws(HDF5Error) {
    for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
      try setAttribute(name, on: path, to: value)
    }
  }

  private func createDataset(
    _ path: String, _ type: borrowing Handle, _ space: borrowing Handle, _ creation: hid_t,
    _ operation: Operation
  ) throws(HDF5Error) -> Handle {
    let links = try utf8Names(chdf5_link_create(), operation)
    return try operation.own(
      H5Dcreate2(handle.id, path, type.id, space.id, links.id, creation, defaultProperties),
      "H5Dcreate2")
  }
}

extension File where Mode == FileMode.Editing {
  /// Removes the link to an object, and the object with the last of them; the file does not shrink.
  public func unlink(_ path: String) throws(HDF5Error) {
    try Operation("unlink", path).check(
      H5Ldelete(handle.id, path, defaultProperties), "H5Ldelete")
  }
}

/// What happens to the bytes of a chunk before they are stored.
public enum Filter: Sendable, Hashable {
  /// Puts the first bytes of all elements first, then the second ones, and so on.
  case shuffle
  /// A zlib stream; levels 0 to 9 as in zlib.
  case deflate(level: Int)
}

/// Properties by which the name of a link or attribute is marked as UTF-8.
private func utf8Names(_ list: hid_t, _ operation: Operation) throws(HDF5Error) -> Handle {
  let names = try operation.own(H5Pcreate(list), "H5Pcreate")
  try operation.check(
    H5Pset_char_encoding(names.id, H5T_CSET_UTF8), "H5Pset_char_encoding")
  return names
}
