import CHDF5

/// An array of `count` elements that `read` fills; it returns the result and the name of its C
/// function.
func elements<T: BitwiseCopyable>(
  count: Int, _ operation: Operation,
  _ read: (UnsafeMutableRawPointer) -> (herr_t, StaticString)
) throws(HDF5Error) -> [T] {
  guard count > 0 else { return [] }
  var result: (herr_t, StaticString) = (-1, "")
  let elements = [T](unsafeUninitializedCapacity: count) { buffer, initialized in
    guard let base = buffer.baseAddress else { return }
    result = read(base)
    initialized = result.0 < 0 ? 0 : count
  }
  try operation.check(result.0, result.1)
  return elements
}

/// What a dataset or attribute of an open datatype contains.
///
/// `read` is given the datatype wanted in memory; `reclaim` frees the texts of variable length that libhdf5 allocated in the buffer it is given.
func content(
  of type: borrowing Handle, count: Int, in file: hid_t, _ operation: Operation,
  reclaim: (UnsafeMutableRawPointer) -> herr_t,
  read: (hid_t, UnsafeMutableRawPointer) -> (herr_t, StaticString)
) throws(HDF5Error) -> Value.Content {
  switch try StoredType(type.id, operation) {
  case .fixed(.text(let size, _)):
    let bytes: [UInt8] = try elements(count: count * size, operation) { read(type.id, $0) }
    let padding = H5Tget_strpad(type.id)
    return .strings(
      (0..<count).map { unpadded(bytes[($0 * size)..<(($0 + 1) * size)], padding) })
  case .fixed(let element):
    // In this machine's byte order, whatever the file's is.
    let native = try element.datatype(operation)
    let bytes: [UInt8] = try elements(count: count * element.size, operation) {
      read(native.id, $0)
    }
    return .elements(element, bytes: bytes)
  case .string:
    var pointers: [UnsafeMutablePointer<CChar>?] = try elements(count: count, operation) {
      read(type.id, $0)
    }
    let strings = pointers.map { $0.map { String(cString: $0) } ?? "" }
    if !pointers.isEmpty { try operation.check(reclaim(&pointers), "H5Dvlen_reclaim") }
    return .strings(strings)
  case .reference:
    let references: [hobj_ref_t] = try elements(count: count, operation) {
      read(type.id, $0)
    }
    var paths: [String] = []
    for reference in references {
      var reference = reference
      paths.append(
        try name(operation, "H5Rget_name") { H5Rget_name(file, H5R_OBJECT, &reference, $0, $1) })
    }
    return .references(paths)
  case .other:
    throw operation.refusal("it is of a type that this module does not read")
  }
}

/// A text of fixed length without what fills it up.
private func unpadded(_ bytes: ArraySlice<UInt8>, _ padding: H5T_str_t) -> String {
  let filler: UInt8 = padding == H5T_STR_SPACEPAD ? 0x20 : 0
  let end =
    padding == H5T_STR_NULLTERM
    ? bytes.firstIndex(of: 0) ?? bytes.endIndex
    : (bytes.lastIndex { $0 != filler } ?? bytes.startIndex - 1) + 1
  return String(decoding: bytes[bytes.startIndex..<end], as: UTF8.self)
}
