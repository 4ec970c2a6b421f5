import CHDF5

extension Value {
  func datatype(_ operation: Operation) throws(HDF5Error) -> Handle {
    switch content {
    case .elements(let type, _): try type.datatype(operation)
    case .strings: try variableString(operation)
    case .references: try objectReference(operation)
    }
  }

  func dataspace(_ operation: Operation) throws(HDF5Error) -> Handle {
    guard !shape.isEmpty else { return try operation.own(H5Screate(H5S_SCALAR), "H5Screate") }
    return try operation.own(
      H5Screate_simple(CInt(shape.count), shape.map(hsize_t.init), nil), "H5Screate_simple")
  }

  /// Lays the content out as libhdf5 wants it in memory and has it written by `write`, which
  /// returns the result and the name of its C function.
  func store(
    in file: hid_t, _ operation: Operation,
    write: (UnsafeRawPointer?) -> (herr_t, StaticString)
  ) throws(HDF5Error) {
    // libhdf5 does not accept a missing buffer, and nothing needs writing.
    guard !shape.contains(0) else { return }
    let (status, function) =
      switch content {
      case .elements(_, let bytes):
        bytes.withUnsafeBytes { write($0.baseAddress) }
      case .strings(let texts):
        try withCStrings(texts, operation) { $0.withUnsafeBytes { write($0.baseAddress) } }
      case .references(let paths):
        try objectReferences(to: paths, in: file, operation).withUnsafeBytes {
          write($0.baseAddress)
        }
      }
    try operation.check(status, function)
  }
}

/// Calls `body` with one NUL-terminated string per text, valid during the call.
private func withCStrings<Result>(
  _ texts: [String], _ operation: Operation, _ body: ([UnsafePointer<UInt8>]) -> Result
) throws(HDF5Error) -> Result {
  var characters: [UInt8] = []
  var starts: [Int] = []
  for text in texts {
    guard !text.utf8.contains(0) else { throw operation.refusal("its text contains a NUL") }
    starts.append(characters.count)
    characters.append(contentsOf: text.utf8)
    characters.append(0)
  }
  return characters.withUnsafeBufferPointer { characters in
    guard let base = characters.baseAddress else { return body([]) }
    return body(starts.map { base + $0 })
  }
}

private func objectReferences(
  to paths: [String], in file: hid_t, _ operation: Operation
) throws(HDF5Error) -> [hobj_ref_t] {
  var references: [hobj_ref_t] = []
  for path in paths {
    var reference = hobj_ref_t()
    try operation.check(H5Rcreate(&reference, file, path, H5R_OBJECT, -1), "H5Rcreate")
    references.append(reference)
  }
  return references
}
