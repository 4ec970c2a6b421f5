import CHDF5

/// A mode of ``File`` in which objects may be created.
public protocol CreatesObjects {}

/// A mode of ``File`` in which what the file holds may be looked up.
public protocol ReadsObjects {}

/// The modes of ``File``; each allows only what is safe in it.
public enum FileMode {
  /// New and private to this process: its objects are being created.
  public enum Layout: CreatesObjects {}
  /// Read by others while datasets grow (single writer, multiple readers).
  public enum Streaming {}
  public enum Reading: ReadsObjects {}
  /// Finished, and opened again to be added to or tidied.
  public enum Editing: CreatesObjects, ReadsObjects {}
}

/// A new file whose objects are being created; see ``File/startStreaming()``.
public typealias LayoutFile = File<FileMode.Layout>
/// A file whose datasets grow while others read it. It cannot create objects: the methods do not
/// exist for it.
public typealias StreamingFile = File<FileMode.Streaming>
/// A file opened for reading.
public typealias ReadFile = File<FileMode.Reading>
/// A finished file opened to be changed.
public typealias EditFile = File<FileMode.Editing>

/// An open HDF5 file, of which the mode decides what can be done to it.
///
/// One thread at a time may use a file and its datasets. Closing the file closes the datasets that
/// are still open in it; using one of them afterwards throws. Paths inside the file are absolute
/// and every group on the way must exist.
public struct File<Mode>: ~Copyable {
  /// Where the file was opened; renaming it later does not change this.
  public let path: String
  let handle: Handle

  init(handle: consuming Handle, path: String) {
    self.handle = handle
    self.path = path
  }

  /// Writes what is left to write and closes the file with everything open in it.
  ///
  /// A file that goes out of scope is closed too, but its errors are lost.
  public consuming func close() throws(HDF5Error) {
    let operation = Operation("close file", path)
    try handle.close(operation)
  }

  /// The descriptor libhdf5 writes to, for `fdatasync` on another thread; valid until the file is
  /// closed, and libhdf5's own: never close it.
  public func fileDescriptor() throws(HDF5Error) -> CInt {
    let operation = Operation("get the descriptor of", path)
    var address: UnsafeMutableRawPointer?
    try operation.check(
      H5Fget_vfd_handle(handle.id, defaultProperties, &address), "H5Fget_vfd_handle")
    guard let address else { throw operation.refusal("its driver has no descriptor") }
    return address.load(as: CInt.self)
  }
}

extension File where Mode == FileMode.Layout {
  /// Begins to let others read the file while it is written, and ends the creation of objects.
  ///
  /// libhdf5 itself refuses nothing afterwards, but an object, attribute or variable-length value
  /// made later can cost the whole file at a crash: hence the new type. All datasets that will
  /// change must be growing or scalar ones, made before. If this throws, the file is closed.
  public consuming func startStreaming() throws(HDF5Error) -> StreamingFile {
    let operation = Operation("start streaming to", path)
    try operation.check(H5Fstart_swmr_write(handle.id), "H5Fstart_swmr_write")
    return StreamingFile(handle: handle, path: path)
  }
}

extension File where Mode == FileMode.Streaming {
  /// Hands everything written so far to the operating system, so that readers see it and a crash
  /// of this process cannot lose it.
  ///
  /// Always the whole file: flushing single datasets would leave the end of the file, as stored in
  /// its superblock, behind its data.
  public func flush() throws(HDF5Error) {
    try Operation("flush", path).check(H5Fflush(handle.id, H5F_SCOPE_GLOBAL), "H5Fflush")
  }
}
