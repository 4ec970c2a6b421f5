import CHDF5

/// A dataset of `[row]` or `[row, column]` whose rows are added one after another.
///
/// It belongs to the thread that uses its file; keep it until that is closed, because errors of
/// closing a dataset early are lost. Used after that, it throws. No call allocates per row or
/// element.
public final class GrowingDataset {
  public let path: String
  public let type: ElementType
  /// The elements of a row; nil if the dataset has one dimension.
  public let columns: Int?
  /// The rows of a chunk.
  public let chunkRows: Int
  /// The rows it has now.
  public private(set) var rows: Int

  private let handle: Handle
  private let datatype: Handle
  /// A bit for each filter, as in a filter mask.
  private let allFilters: UInt32
  /// Where a text is padded; empty for other elements.
  private var padded: [UInt8] = []

  /// The bytes of one row in memory.
  public var bytesPerRow: Int { (columns ?? 1) * type.size }

  init(
    path: String, handle: consuming Handle, datatype: consuming Handle, type: ElementType,
    columns: Int?, chunkRows: Int, filterCount: Int, rows: Int
  ) {
    self.path = path
    self.handle = handle
    self.datatype = datatype
    self.type = type
    self.columns = columns
    self.chunkRows = chunkRows
    allFilters = (1 << UInt32(filterCount)) - 1
    self.rows = rows
    if case .text(let bytes, _) = type { padded = Array(repeating: 0, count: bytes) }
  }

  /// Adds whole rows at the end, as they lie in memory.
  ///
  /// If this throws, the rows may have been added without their content.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(HDF5Error) {
    let operation = Operation("append to", path)
    let count = try wholeRows(bytes, operation)
    let row = rows
    try extend(to: row + count, operation)
    try write(bytes, atRow: row, count, operation)
  }

  /// Adds whole rows of numbers at the end, in row-major order.
  public func append<T: Element>(_ elements: UnsafeBufferPointer<T>) throws(HDF5Error) {
    try require(T.elementType, Operation("append to", path))
    try append(UnsafeRawBufferPointer(elements))
  }

  /// Adds whole rows of numbers at the end, in row-major order.
  public func append<T: Element>(_ elements: [T]) throws(HDF5Error) {
    try elements.withUnsafeBufferPointer { (elements) throws(HDF5Error) in try append(elements) }
  }

  /// Adds one element to a dataset of one dimension.
  public func append<T: Element>(_ element: T) throws(HDF5Error) {
    try withUnsafePointer(to: element) { (element) throws(HDF5Error) in
      try append(UnsafeBufferPointer(start: element, count: 1))
    }
  }

  /// Adds one text to a dataset of one dimension: as much of it as fits, cut between two Unicode
  /// scalars.
  ///
  /// ASCII datasets get `?` for every other scalar. A NUL, which would hide what follows, becomes
  /// a space.
  public func append(_ text: some StringProtocol) throws(HDF5Error) {
    let operation = Operation("append to", path)
    guard case .text(_, let encoding) = type else {
      throw operation.refusal("its elements are \(type), not text")
    }
    FixedText.pad(text, encoding, into: &padded)
    try padded.withUnsafeBufferPointer { (bytes) throws(HDF5Error) in
      try append(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Replaces rows that exist, in place, beginning with row `row`.
  public func overwrite(
    _ bytes: UnsafeRawBufferPointer, atRow row: Int
  ) throws(HDF5Error) {
    let operation = Operation("overwrite rows of", path)
    let count = try wholeRows(bytes, operation)
    guard row >= 0, row <= rows - count else {
      throw operation.refusal("\(count) rows from row \(row) are not among its \(rows) rows")
    }
    try write(bytes, atRow: row, count, operation)
  }

  /// Replaces rows of numbers that exist, in place, beginning with row `row`.
  public func overwrite<T: Element>(_ elements: [T], atRow row: Int) throws(HDF5Error) {
    try require(T.elementType, Operation("overwrite rows of", path))
    try elements.withUnsafeBufferPointer { (elements) throws(HDF5Error) in
      try overwrite(UnsafeRawBufferPointer(elements), atRow: row)
    }
  }

  /// Makes the dataset this many rows long. Rows added so read as zeros until they are written and
  /// occupy no space; rows cut off are lost.
  public func setRows(_ count: Int) throws(HDF5Error) {
    let operation = Operation("set the rows of", path)
    guard count >= 0 else { throw operation.refusal("\(count) is not a number of rows") }
    try extend(to: count, operation)
  }

  /// Stores one whole chunk as it shall lie in the file, past libhdf5's cache and filters.
  ///
  /// The rows must exist (``setRows(_:)``); a last chunk that is not full has its full size all
  /// the same. Each chunk should be written once: writing a compressed one again moves it.
  ///
  /// - Parameters:
  ///   - bytes: What went through the dataset's filters; without filters, the rows themselves.
  ///   - row: The first row of the chunk, a multiple of ``chunkRows``.
  ///   - filterMask: The filters that were left out, bit 0 for the first; 0 if none was.
  /// - Throws: ``HDF5Error``.
  public func writeChunk(
    _ bytes: UnsafeRawBufferPointer, atRow row: Int, filterMask: UInt32 = 0
  ) throws(HDF5Error) {
    let operation = Operation("write a chunk of", path)
    guard row >= 0, row < rows, row.isMultiple(of: chunkRows) else {
      throw operation.refusal(
        "row \(row) does not begin a chunk of \(chunkRows) among its \(rows) rows")
    }
    // libhdf5 believes the size it is given.
    guard filterMask & allFilters != allFilters || bytes.count == chunkRows * bytesPerRow else {
      throw operation.refusal(
        "\(bytes.count) bytes are not a chunk of \(chunkRows) rows of \(bytesPerRow)")
    }
    let status = withUnsafePointer(to: (hsize_t(row), hsize_t(0))) { offset in
      offset.withMemoryRebound(to: hsize_t.self, capacity: 2) { offset in
        H5Dwrite_chunk(
          handle.id, defaultProperties, filterMask, offset, bytes.count, bytes.baseAddress)
      }
    }
    try operation.check(status, "H5Dwrite_chunk")
  }

  private func require(_ given: ElementType, _ operation: Operation) throws(HDF5Error) {
    guard given == type else {
      throw operation.refusal("its elements are \(type), not \(given)")
    }
  }

  private func wholeRows(
    _ bytes: UnsafeRawBufferPointer, _ operation: Operation
  ) throws(HDF5Error) -> Int {
    let (count, rest) = bytes.count.quotientAndRemainder(dividingBy: bytesPerRow)
    guard rest == 0 else {
      throw operation.refusal("\(bytes.count) bytes are not whole rows of \(bytesPerRow)")
    }
    return count
  }

  private func extend(to count: Int, _ operation: Operation) throws(HDF5Error) {
    guard count != rows else { return }
    try operation.check(
      withDimensions(count) { H5Dset_extent(handle.id, $1) }, "H5Dset_extent")
    rows = count
  }

  private func write(
    _ bytes: UnsafeRawBufferPointer, atRow row: Int, _ count: Int, _ operation: Operation
  ) throws(HDF5Error) {
    guard count > 0 else { return }
    let memory = try operation.own(
      withDimensions(count) { H5Screate_simple($0, $1, nil) }, "H5Screate_simple")
    let stored = try operation.own(
      withDimensions(rows) { H5Screate_simple($0, $1, nil) }, "H5Screate_simple")
    let selected = withUnsafePointer(to: (hsize_t(row), hsize_t(0))) { start in
      start.withMemoryRebound(to: hsize_t.self, capacity: 2) { start in
        withDimensions(count) {
          H5Sselect_hyperslab(stored.id, H5S_SELECT_SET, start, nil, $1, nil)
        }
      }
    }
    try operation.check(selected, "H5Sselect_hyperslab")
    try operation.check(
      H5Dwrite(
        handle.id, datatype.id, memory.id, stored.id, defaultProperties, bytes.baseAddress),
      "H5Dwrite")
  }

  /// Calls `body` with the rank and the dimensions of `rows` rows.
  private func withDimensions<Result>(
    _ rows: Int, _ body: (CInt, UnsafePointer<hsize_t>) -> Result
  ) -> Result {
    withUnsafePointer(to: (hsize_t(rows), hsize_t(columns ?? 1))) { dimensions in
      dimensions.withMemoryRebound(to: hsize_t.self, capacity: 2) { dimensions in
        body(columns == nil ? 1 : 2, dimensions)
      }
    }
  }
}

extension File where Mode == FileMode.Editing {
  /// Opens a dataset that can grow, to add, overwrite or cut off rows.
  public func growing(_ path: String) throws(HDF5Error) -> GrowingDataset {
    let operation = Operation("open dataset", path)
    let handle = try operation.own(H5Dopen2(handle.id, path, defaultProperties), "H5Dopen2")
    let info = try datasetInfo(handle, operation)
    guard case .fixed(let type) = info.type, info.isGrowing, info.shape.count <= 2,
      let chunk = info.chunk
    else { throw operation.refusal("it is not a dataset of rows that can grow") }
    let datatype = try type.datatype(operation)
    return GrowingDataset(
      path: path, handle: handle, datatype: datatype, type: type,
      columns: info.shape.count == 2 ? info.shape[1] : nil, chunkRows: chunk[0],
      filterCount: info.filterCount, rows: info.shape[0])
  }
}
