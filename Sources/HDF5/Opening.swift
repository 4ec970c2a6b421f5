import CHDF5

/// libhdf5's default for any property list. Its macro is imported as another integer type.
let defaultProperties = hid_t(H5P_DEFAULT)

extension File where Mode == FileMode.Layout {
  /// Creates a file; one that exists is never replaced.
  ///
  /// The file has the format of HDF5 1.10 and manages its space in pages of 4096 bytes: with them,
  /// power cuts that reordered page write-back lost nothing that had been synced.
  public init(creating path: String) throws(HDF5Error) {
    HDF5Library.silenceErrorPrinting()
    let operation = Operation("create file", path)
    let creation = try operation.own(H5Pcreate(chdf5_file_create()), "H5Pcreate")
    try operation.check(
      H5Pset_file_space_strategy(creation.id, H5F_FSPACE_STRATEGY_PAGE, false, 1),
      "H5Pset_file_space_strategy")
    try operation.check(
      H5Pset_file_space_page_size(creation.id, 4096), "H5Pset_file_space_page_size")
    let access = try fileAccess(operation)
    let file = try operation.own(
      H5Fcreate(path, chdf5_acc_excl(), creation.id, access.id), "H5Fcreate")
    self.init(handle: file, path: path)
  }
}

extension File where Mode == FileMode.Reading {
  /// Opens a file for reading.
  ///
  /// - Parameters:
  ///   - path: Where the file is.
  ///   - live: Whether it is being written by a streaming writer, or was left so by a crash;
  ///     libhdf5 refuses to open such a file otherwise. Rows written after a dataset was looked up
  ///     are seen when it is looked up again.
  /// - Throws: ``HDF5Error``.
  public init(reading path: String, live: Bool = false) throws(HDF5Error) {
    HDF5Library.silenceErrorPrinting()
    let operation = Operation("open file", path)
    let access = try fileAccess(operation)
    // A live reader reads a piece of metadata again while its checksum is wrong, with pauses that
    // double from 1 ns: libhdf5's default of 100 times is forever on a file torn by a power cut.
    // 27 times are 0.07 s, far more than a writer needs to finish a piece.
    try operation.check(
      H5Pset_metadata_read_attempts(access.id, 27), "H5Pset_metadata_read_attempts")
    let flags = chdf5_acc_rdonly() | (live ? chdf5_acc_swmr_read() : 0)
    self.init(handle: try operation.own(H5Fopen(path, flags, access.id), "H5Fopen"), path: path)
  }
}

extension File where Mode == FileMode.Editing {
  /// Opens a closed file to add to it or to remove from it; nobody else may have it open.
  public init(editing path: String) throws(HDF5Error) {
    HDF5Library.silenceErrorPrinting()
    let operation = Operation("open file", path)
    let access = try fileAccess(operation)
    let file = try operation.own(H5Fopen(path, chdf5_acc_rdwr(), access.id), "H5Fopen")
    self.init(handle: file, path: path)
  }
}

/// How every file is opened: in the format of HDF5 1.10, and closed with all that is open in it.
func fileAccess(_ operation: Operation) throws(HDF5Error) -> Handle {
  let access = try operation.own(H5Pcreate(chdf5_file_access()), "H5Pcreate")
  try operation.check(
    H5Pset_libver_bounds(access.id, H5F_LIBVER_V110, H5F_LIBVER_V110), "H5Pset_libver_bounds")
  try operation.check(
    H5Pset_fclose_degree(access.id, H5F_CLOSE_STRONG), "H5Pset_fclose_degree")
  return access
}
