import CHDF5

/// What is being done to which path, to be told when one of its C calls fails.
///
/// Building one allocates nothing, so the data path makes one per call.
struct Operation {
  let name: StaticString
  let path: String

  init(_ name: StaticString, _ path: String) {
    self.name = name
    self.path = path
  }

  /// Passes on what a C function returned; a negative result means failure everywhere in libhdf5.
  @discardableResult
  func check<Result: SignedInteger>(
    _ result: Result, _ function: StaticString
  ) throws(HDF5Error) -> Result {
    guard result < 0 else { return result }
    throw HDF5Error(
      operation: name.description, path: path, cause: .current(in: function))
  }

  /// Takes ownership of an identifier that a C function returned.
  func own(_ id: hid_t, _ function: StaticString) throws(HDF5Error) -> Handle {
    Handle(owning: try check(id, function))
  }

  func refusal(_ reason: String) -> HDF5Error {
    HDF5Error(operation: name.description, path: path, cause: .refused(reason))
  }
}
