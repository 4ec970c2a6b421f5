import CHDF5

/// An identifier of libhdf5 that somebody must close, and nobody twice.
struct Handle: ~Copyable {
  let id: hid_t
  /// What the identifier named when it was taken over.
  private let type: H5I_type_t

  init(owning id: hid_t) {
    self.id = id
    type = H5Iget_type(id)
  }

  /// Closes the identifier and reports whether that worked; `deinit` is only the net.
  consuming func close(_ operation: Operation) throws(HDF5Error) {
    let (id, type) = (id, type)
    discard self
    try Self.close(id, type, operation)
  }

  deinit {
    // Closing a file closes what is open in it, and whoever calls libhdf5 by himself may have done
    // so: an identifier that is no longer valid, or names something else, is not ours to close.
    guard H5Iis_valid(id) > 0, H5Iget_type(id) == type else { return }
    try? Self.close(id, type, Operation("close", ""))
  }

  private static func close(
    _ id: hid_t, _ type: H5I_type_t, _ operation: Operation
  ) throws(HDF5Error) {
    switch type {
    case H5I_FILE: try operation.check(H5Fclose(id), "H5Fclose")
    case H5I_GROUP: try operation.check(H5Gclose(id), "H5Gclose")
    case H5I_DATASET: try operation.check(H5Dclose(id), "H5Dclose")
    case H5I_DATASPACE: try operation.check(H5Sclose(id), "H5Sclose")
    case H5I_DATATYPE: try operation.check(H5Tclose(id), "H5Tclose")
    case H5I_ATTR: try operation.check(H5Aclose(id), "H5Aclose")
    case H5I_GENPROP_LST: try operation.check(H5Pclose(id), "H5Pclose")
    default: try operation.check(H5Oclose(id), "H5Oclose")
    }
  }
}
