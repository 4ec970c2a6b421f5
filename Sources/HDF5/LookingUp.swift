import CHDF5

/// What a group contains under one name.
public struct Child: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case group
    case dataset
    /// A link without a target, or an object this module does not read.
    case other
  }

  public let name: String
  public let kind: Kind
}

/// What a dataset is, without its content.
public struct DatasetInfo: Sendable, Hashable {
  /// The length of each dimension, slowest first; empty for a scalar.
  public let shape: [Int]
  public let type: StoredType
  /// The shape of a chunk; nil for a dataset that is stored in one piece.
  public let chunk: [Int]?
  /// The filters its chunks go through.
  public let filterCount: Int
  /// Whether rows can be added without limit.
  public let isGrowing: Bool
}

extension File where Mode: ReadsObjects {
  /// Whether the path leads to an object, through links that all have a target.
  public func exists(_ path: String) throws(HDF5Error) -> Bool {
    let operation = Operation("look up", path)
    // libhdf5 asks for one link at a time: a missing one on the way is an error to it.
    var way = ""
    for name in path.split(separator: "/") {
      way += "/\(name)"
      guard try operation.check(H5Lexists(handle.id, way, defaultProperties), "H5Lexists") > 0,
        try operation.check(
          H5Oexists_by_name(handle.id, way, defaultProperties), "H5Oexists_by_name") > 0
      else { return false }
    }
    return true
  }

  /// What a group contains, ordered by name.
  public func children(of path: String) throws(HDF5Error) -> [Child] {
    let operation = Operation("list group", path)
    let group = try operation.own(H5Gopen2(handle.id, path, defaultProperties), "H5Gopen2")
    var info = H5G_info_t()
    try operation.check(H5Gget_info(group.id, &info), "H5Gget_info")
    var children: [Child] = []
    for index in 0..<info.nlinks {
      let name = try name(operation, "H5Lget_name_by_idx") { buffer, size in
        H5Lget_name_by_idx(
          group.id, ".", H5_INDEX_NAME, H5_ITER_INC, index, buffer, size, defaultProperties)
      }
      children.append(Child(name: name, kind: kind(of: name, in: group)))
    }
    return children
  }

  /// The names of an object's attributes, in alphabetical order.
  public func attributeNames(of path: String) throws(HDF5Error) -> [String] {
    let operation = Operation("list the attributes of", path)
    let object = try operation.own(H5Oopen(handle.id, path, defaultProperties), "H5Oopen")
    var info = H5O_info_t()
    try operation.check(
      H5Oget_info2(object.id, &info, UInt32(H5O_INFO_NUM_ATTRS)), "H5Oget_info2")
    var names: [String] = []
    for index in 0..<info.num_attrs {
      names.append(
        try name(operation, "H5Aget_name_by_idx") { buffer, size in
          H5Aget_name_by_idx(
            object.id, ".", H5_INDEX_NAME, H5_ITER_INC, index, buffer, size, defaultProperties)
        })
    }
    return names
  }

  /// Shape, type and layout of a dataset.
  public func info(of path: String) throws(HDF5Error) -> DatasetInfo {
    let operation = Operation("look up dataset", path)
    let dataset = try operation.own(H5Dopen2(handle.id, path, defaultProperties), "H5Dopen2")
    return try datasetInfo(dataset, operation)
  }

  /// The bytes that a dataset's content occupies in the file, after compression. Goes through the
  /// places of all chunks, stored or not.
  public func storedBytes(of path: String) throws(HDF5Error) -> Int {
    let operation = Operation("look up the size of", path)
    let dataset = try operation.own(H5Dopen2(handle.id, path, defaultProperties), "H5Dopen2")
    return Int(H5Dget_storage_size(dataset.id))
  }

  /// Whether each chunk of a dataset is stored, in the order of their rows; the rows of one that is
  /// not read as zeros. Of chunks beside each other, the first counts.
  public func storedChunks(of path: String) throws(HDF5Error) -> [Bool] {
    let operation = Operation("look up the chunks of", path)
    let dataset = try operation.own(H5Dopen2(handle.id, path, defaultProperties), "H5Dopen2")
    let info = try datasetInfo(dataset, operation)
    guard let chunk = info.chunk else { throw operation.refusal("it has none") }
    var offset = [hsize_t](repeating: 0, count: chunk.count)
    var stored: [Bool] = []
    for row in stride(from: 0, to: info.shape[0], by: chunk[0]) {
      offset[0] = hsize_t(row)
      stored.append(try isStored(dataset, offset, operation))
    }
    return stored
  }

  private func kind(of name: String, in group: borrowing Handle) -> Child.Kind {
    var info = H5O_info_t()
    let status = H5Oget_info_by_name2(
      group.id, name, &info, UInt32(H5O_INFO_BASIC), defaultProperties)
    switch info.type {
    case H5O_TYPE_GROUP where status >= 0: return .group
    case H5O_TYPE_DATASET where status >= 0: return .dataset
    default: return .other
    }
  }
}

/// Shape, type and layout of an open dataset.
func datasetInfo(
  _ dataset: borrowing Handle, _ operation: Operation
) throws(HDF5Error) -> DatasetInfo {
  let type = try operation.own(H5Dget_type(dataset.id), "H5Dget_type")
  let space = try operation.own(H5Dget_space(dataset.id), "H5Dget_space")
  let creation = try operation.own(
    H5Dget_create_plist(dataset.id), "H5Dget_create_plist")
  let dimensions = try dimensions(of: space, operation)
  var chunk: [Int]?
  if H5Pget_layout(creation.id) == H5D_CHUNKED {
    var lengths = [hsize_t](repeating: 0, count: dimensions.now.count)
    try operation.check(
      H5Pget_chunk(creation.id, CInt(lengths.count), &lengths), "H5Pget_chunk")
    chunk = lengths.map(Int.init)
  }
  return DatasetInfo(
    shape: dimensions.now, type: try StoredType(type.id, operation), chunk: chunk,
    filterCount: Int(
      try operation.check(H5Pget_nfilters(creation.id), "H5Pget_nfilters")),
    isGrowing: dimensions.isGrowing)
}

/// The length of each dimension of a dataspace, and whether the first may grow without limit.
func dimensions(
  of space: borrowing Handle, _ operation: Operation
) throws(HDF5Error) -> (now: [Int], isGrowing: Bool) {
  let rank = Int(
    try operation.check(H5Sget_simple_extent_ndims(space.id), "H5Sget_simple_extent_ndims"))
  var now = [hsize_t](repeating: 0, count: rank)
  var limits = now
  try operation.check(
    H5Sget_simple_extent_dims(space.id, &now, &limits), "H5Sget_simple_extent_dims")
  return (now.map(Int.init), limits.first == chdf5_unlimited())
}

/// A name that libhdf5 gives in two calls: its length, and the name itself.
func name(
  _ operation: Operation, _ function: StaticString,
  _ get: (UnsafeMutablePointer<CChar>?, Int) -> Int
) throws(HDF5Error) -> String {
  let length = try operation.check(get(nil, 0), function)
  var characters = [CChar](repeating: 0, count: length + 1)
  try operation.check(get(&characters, characters.count), function)
  return String(decoding: characters.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// Whether the chunk that begins at `offset` is stored.
private func isStored(
  _ dataset: borrowing Handle, _ offset: [hsize_t], _ operation: Operation
) throws(HDF5Error) -> Bool {
  // Quick, but libhdf5 1.10 calls it an error if the chunk is not there …
  var size: hsize_t = 0
  if H5Dget_chunk_storage_size(dataset.id, offset, &size) >= 0 { return size > 0 }
  // … which this tells from other errors, though it goes through all the chunks that are.
  var (mask, address) = (UInt32(0), haddr_t(0))
  try operation.check(
    H5Dget_chunk_info_by_coord(dataset.id, offset, &mask, &address, &size),
    "H5Dget_chunk_info_by_coord")
  return size > 0
}
