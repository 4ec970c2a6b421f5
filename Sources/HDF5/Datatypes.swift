import CHDF5

extension ElementType {
  /// The datatype, for memory and file alike: chunks written as bytes must not need conversion.
  func datatype(_ operation: Operation) throws(HDF5Error) -> Handle {
    switch self {
    case .int8: try copy(chdf5_native_int8(), operation)
    case .int16: try copy(chdf5_native_int16(), operation)
    case .int32: try copy(chdf5_native_int32(), operation)
    case .int64: try copy(chdf5_native_int64(), operation)
    case .uint8: try copy(chdf5_native_uint8(), operation)
    case .uint16: try copy(chdf5_native_uint16(), operation)
    case .uint32: try copy(chdf5_native_uint32(), operation)
    case .uint64: try copy(chdf5_native_uint64(), operation)
    case .float32: try copy(chdf5_native_float(), operation)
    case .float64: try copy(chdf5_native_double(), operation)
    case .bool: try boolean(operation)
    case .text(let bytes, let encoding): try fixedText(bytes, encoding, operation)
    }
  }
}

/// The datatype of variable-length UTF-8 text.
func variableString(_ operation: Operation) throws(HDF5Error) -> Handle {
  let type = try copy(chdf5_c_string(), operation)
  try operation.check(H5Tset_size(type.id, chdf5_variable_size()), "H5Tset_size")
  try operation.check(H5Tset_cset(type.id, H5T_CSET_UTF8), "H5Tset_cset")
  return type
}

/// The datatype of references to objects.
func objectReference(_ operation: Operation) throws(HDF5Error) -> Handle {
  try copy(chdf5_object_reference(), operation)
}

extension StoredType {
  /// What an open datatype stands for.
  init(_ type: hid_t, _ operation: Operation) throws(HDF5Error) {
    switch H5Tget_class(type) {
    case H5T_INTEGER:
      let signed = H5Tget_sign(type) == H5T_SGN_2
      switch H5Tget_size(type) {
      case 1: self = .fixed(signed ? .int8 : .uint8)
      case 2: self = .fixed(signed ? .int16 : .uint16)
      case 4: self = .fixed(signed ? .int32 : .uint32)
      case 8: self = .fixed(signed ? .int64 : .uint64)
      default: self = .other
      }
    case H5T_FLOAT:
      switch H5Tget_size(type) {
      case 4: self = .fixed(.float32)
      case 8: self = .fixed(.float64)
      default: self = .other
      }
    case H5T_ENUM:
      let boolean = try ElementType.bool.datatype(operation)
      self = H5Tequal(type, boolean.id) > 0 ? .fixed(.bool) : .other
    case H5T_STRING:
      if H5Tis_variable_str(type) > 0 {
        self = .string
      } else {
        let encoding: TextEncoding = H5Tget_cset(type) == H5T_CSET_UTF8 ? .utf8 : .ascii
        self = .fixed(.text(bytes: H5Tget_size(type), encoding))
      }
    case H5T_REFERENCE:
      self = H5Tequal(type, chdf5_object_reference()) > 0 ? .reference : .other
    case H5T_NO_CLASS:
      throw HDF5Error(
        operation: operation.name.description, path: operation.path,
        cause: .current(in: "H5Tget_class"))
    default:
      self = .other
    }
  }
}

private func copy(_ type: hid_t, _ operation: Operation) throws(HDF5Error) -> Handle {
  try operation.own(H5Tcopy(type), "H5Tcopy")
}

private func boolean(_ operation: Operation) throws(HDF5Error) -> Handle {
  let type = try operation.own(H5Tenum_create(chdf5_native_int8()), "H5Tenum_create")
  for (name, member) in [("FALSE", Int8(0)), ("TRUE", Int8(1))] {
    var member = member
    try operation.check(H5Tenum_insert(type.id, name, &member), "H5Tenum_insert")
  }
  return type
}

private func fixedText(
  _ bytes: Int, _ encoding: TextEncoding, _ operation: Operation
) throws(HDF5Error) -> Handle {
  guard bytes > 0 else { throw operation.refusal("a text of \(bytes) bytes cannot be stored") }
  let type = try copy(chdf5_c_string(), operation)
  try operation.check(H5Tset_size(type.id, bytes), "H5Tset_size")
  try operation.check(H5Tset_strpad(type.id, H5T_STR_NULLPAD), "H5Tset_strpad")
  let cset = encoding == .utf8 ? H5T_CSET_UTF8 : H5T_CSET_ASCII
  try operation.check(H5Tset_cset(type.id, cset), "H5Tset_cset")
  return type
}
