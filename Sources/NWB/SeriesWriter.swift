public import HDF5
public import Samples

/// The samples of one series on their way into whole chunks, each of which is written once.
///
/// Frames are decoded into the open chunk. A full chunk goes to the file at once; in a series with
/// filters it waits in ``waitingChunks`` for ``storeNext(compressed:)``, so that it can be
/// compressed elsewhere. While the recording runs the dataset is as long as its whole chunks.
public final class SeriesWriter {
  public let name: String
  public let channels: Int
  public let type: DestinationType
  public let bytesPerFrame: Int
  /// Frames of a chunk.
  public let chunkRows: Int
  public let filters: [Filter]

  /// Frames decided so far, lost ones included: the number of the next frame.
  public private(set) var rows = 0
  /// Frames that the dataset has; what a finished flush and sync cover.
  public var rowsInFile: Int { data.rows }
  /// Bytes of the chunks stored so far.
  public private(set) var bytesWritten = 0
  /// Full chunks of a series with filters, in order, that are not in the file yet.
  public private(set) var waitingChunks: [Chunk] = []

  private let data: GrowingDataset
  private let startingTime: ScalarDataset<Double>
  private var open: Chunk
  /// Whether the open chunk holds anything but lost frames.
  private var holdsSamples = false
  /// Whether the open chunk stands in the file already, unfinished.
  private var isExposed = false
  private var spare: [Chunk] = []

  init(_ description: SeriesDescription, data: GrowingDataset, startingTime: ScalarDataset<Double>)
  {
    name = description.name
    channels = description.channels
    type = description.type
    bytesPerFrame = description.channels * description.type.byteCount
    chunkRows = description.chunkRows
    filters = description.filters
    self.data = data
    self.startingTime = startingTime
    open = Chunk(byteCount: description.chunkRows * bytesPerFrame)
  }

  /// Stores when frame 0 was due, seconds on the recording clock, in place of the zero that stands
  /// there until it is known.
  public func setStartingTime(_ time: Double) throws(NWBError) {
    try hdf5 { () throws(HDF5Error) in try startingTime.write(time) }
  }

  /// The next frames of the open chunk, at least one: decode into the beginning of it, then
  /// ``commit(rows:)``.
  public var freeRows: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: open.memory[(open.rows * bytesPerFrame)...])
  }

  /// Takes over frames that were decoded into ``freeRows``.
  public func commit(rows count: Int) throws(NWBError) {
    precondition(
      count >= 0 && open.rows + count <= chunkRows, "more frames than there was room for")
    guard count > 0 else { return }
    holdsSamples = true
    try advance(count)
  }

  /// Adds whole frames that lie in memory as they are stored.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(NWBError) {
    precondition(bytes.count.isMultiple(of: bytesPerFrame), "part of a frame")
    var rest = bytes[...]
    while !rest.isEmpty {
      let free = freeRows
      let part = rest.prefix(free.count)
      free.copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
      try commit(rows: part.count / bytesPerFrame)
      rest = rest.dropFirst(part.count)
    }
  }

  /// Leaves out frames that were lost: they read as zeros, and chunks of nothing else are never
  /// stored.
  public func skip(rows count: Int) throws(NWBError) {
    precondition(count >= 0, "\(count) frames cannot be lost")
    let inOpen = min(count, chunkRows - open.rows)
    let start = open.rows * bytesPerFrame
    zero(start..<start + inOpen * bytesPerFrame)
    try advance(inOpen)
    let wholeChunks = (count - inOpen) / chunkRows
    rows += wholeChunks * chunkRows
    open.firstRow += wholeChunks * chunkRows
    let rest = count - inOpen - wholeChunks * chunkRows
    guard rest > 0 else { return }
    zero(0..<rest * bytesPerFrame)
    try advance(rest)
  }

  /// Stores the oldest waiting chunk, and takes it off the list.
  ///
  /// - Parameter compressed: Its bytes after all filters; nil to store them as they are, which
  ///   readers are told.
  /// - Returns: The chunk, to be recycled when nobody uses it any more; nil if none was waiting.
  /// - Throws: ``NWBError``; the chunk is still waiting then.
  @discardableResult
  public func storeNext(
    compressed: UnsafeRawBufferPointer?
  ) throws(NWBError) -> Chunk? {
    guard let chunk = waitingChunks.first else { return nil }
    try store(chunk, rows: chunk.rows, compressed: compressed)
    waitingChunks.removeFirst()
    return chunk
  }

  /// Gives back the memory of a chunk that was stored.
  public func recycle(_ chunk: Chunk) {
    spare.append(chunk)
  }

  /// Writes the open chunk before it is full, so that a flush covers every frame there is.
  ///
  /// For a series that stands still: its last frames would wait for the next ones otherwise. The
  /// chunk is stored without filters and is written again, in place and with the same frames, when
  /// it is full. Waiting chunks must have been stored.
  public func exposeOpenChunk() throws(NWBError) {
    guard waitingChunks.isEmpty, holdsSamples, rowsInFile < rows else { return }
    zero(open.rows * bytesPerFrame..<open.memory.count)
    isExposed = true
    try store(open, rows: open.rows, compressed: nil)
  }

  /// Makes the dataset as long as what is decided and not waiting, whole lost chunks included.
  func extendOverLostChunks() throws(HDF5Error) {
    guard waitingChunks.isEmpty, data.rows < open.firstRow else { return }
    try data.setRows(open.firstRow)
  }

  /// Stores everything that is left and makes the dataset exactly as long as there are frames.
  func finish() throws(NWBError) {
    while try storeNext(compressed: nil) != nil {}
    try exposeOpenChunk()
    try hdf5 { () throws(HDF5Error) in try data.setRows(rows) }
  }

  private func advance(_ count: Int) throws(NWBError) {
    rows += count
    open.rows += count
    guard open.rows == chunkRows else { return }
    if holdsSamples {
      let full = open
      open = spare.popLast() ?? Chunk(byteCount: full.memory.count)
      if filters.isEmpty || isExposed {
        try store(full, rows: chunkRows, compressed: nil)
        spare.append(full)
      } else {
        waitingChunks.append(full)
      }
      open.firstRow = full.firstRow + chunkRows
    } else {
      open.firstRow += chunkRows
    }
    open.rows = 0
    holdsSamples = false
    isExposed = false
  }

  private func store(
    _ chunk: Chunk, rows: Int, compressed: UnsafeRawBufferPointer?
  ) throws(NWBError) {
    let bytes = compressed ?? chunk.bytes
    let allFilters: UInt32 = (1 << filters.count) - 1
    try hdf5 { () throws(HDF5Error) in
      if data.rows < chunk.firstRow + rows { try data.setRows(chunk.firstRow + rows) }
      try data.writeChunk(
        bytes, atRow: chunk.firstRow, filterMask: compressed == nil ? allFilters : 0)
    }
    bytesWritten += bytes.count
  }

  private func zero(_ range: Range<Int>) {
    UnsafeMutableRawBufferPointer(rebasing: open.memory[range]).initializeMemory(
      as: UInt8.self, repeating: 0)
  }
}
