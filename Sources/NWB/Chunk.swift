/// The memory of one chunk of a series: frames as they will lie in the file, uncompressed.
///
/// One thread at a time may use it: it is filled by the series, then handed over to be compressed,
/// then given back (``SeriesWriter/recycle(_:)``).
public final class Chunk {
  /// The first of its frames in the series.
  public internal(set) var firstRow = 0
  /// Frames that are decided, from the beginning; the rest are zeros once it is handed over.
  public internal(set) var rows = 0
  /// All of it, which is what is stored.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory) }

  let memory: UnsafeMutableRawBufferPointer

  init(byteCount: Int) {
    // Pages, so that the copy to the file is an aligned one.
    memory = .allocate(byteCount: byteCount, alignment: 4096)
  }

  deinit {
    memory.deallocate()
  }
}
