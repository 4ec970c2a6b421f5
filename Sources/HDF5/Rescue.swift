import CHDF5

extension File where Mode == FileMode.Editing {
  /// Opens a file that its writer left without closing, as a killed one does, and makes it a normal
  /// one.
  ///
  /// As `h5clear -s --increment=0` does: clears the flags by which every plain opening is refused,
  /// and raises the end of the file, as its superblock knows it, to where the file really ends
  /// instead of cutting the file there. Harmless to a file that was closed. Whether the writer is
  /// still alive is for the caller to know: libhdf5 holds no lock while streaming.
  public init(rescuing path: String) throws(HDF5Error) {
    HDF5Library.silenceErrorPrinting()
    let operation = Operation("rescue file", path)
    let access = try fileAccess(operation)
    // Both have a name only, and no function of their own.
    for property in ["clear_status_flags", "skip_eof_check"] {
      var isSet = true
      try operation.check(H5Pset(access.id, property, &isSet), "H5Pset")
    }
    let file = try operation.own(H5Fopen(path, chdf5_acc_rdwr(), access.id), "H5Fopen")
    try operation.check(H5Fincrement_filesize(file.id, 0), "H5Fincrement_filesize")
    self.init(handle: file, path: path)
  }
}
