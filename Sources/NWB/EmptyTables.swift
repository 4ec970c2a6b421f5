import Glibc
import HDF5

/// Removes the tables of events and intervals that have no rows, and the series without samples,
/// from a closed file.
func removeEmptyTables(_ path: String) throws(NWBError) {
  let empty = try hdf5 { () throws(HDF5Error) in try emptyTables(path) }
  guard !empty.isEmpty else { return }
  let file = try hdf5 { () throws(HDF5Error) in try EditFile(editing: path) }
  // So that a rescue keeps away; libhdf5's own lock does it too, where there are locks.
  let edited = try hdf5 { () throws(HDF5Error) in try file.fileDescriptor() }
  try? LiveLock.acquire(edited, path: path)
  try hdf5 { () throws(HDF5Error) in
    for table in empty { try file.unlink(table) }
  }
  do throws(HDF5Error) { try file.close() } catch { throw .hdf5(error) }
  let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw .system(call: "open", path: path, code: errno) }
  defer { Glibc.close(descriptor) }
  guard fsync(descriptor) == 0 else { throw .system(call: "fsync", path: path, code: errno) }
}

/// Looked up in a file opened for reading: nothing is written to one without empty tables.
private func emptyTables(_ path: String) throws(HDF5Error) -> [String] {
  let file = try ReadFile(reading: path)
  var empty: [String] = []
  for (group, counter) in [("/events", "id"), ("/intervals", "id"), ("/acquisition", "data")] {
    for child in try file.children(of: group) where child.kind == .group {
      let table = "\(group)/\(child.name)"
      let column = "\(table)/\(counter)"
      guard try file.exists(column) else { continue }
      if try file.info(of: column).shape.first == 0 { empty.append(table) }
    }
  }
  try file.close()
  return empty
}
