import CHDF5

/// A dataset of one number that can be overwritten in place, while streaming too.
public final class ScalarDataset<T: Element> {
  public let path: String
  private let handle: Handle
  private let type: Handle

  init(path: String, handle: consuming Handle, type: consuming Handle) {
    self.path = path
    self.handle = handle
    self.type = type
  }

  public func write(_ value: T) throws(HDF5Error) {
    let status = withUnsafePointer(to: value) {
      H5Dwrite(handle.id, type.id, H5S_ALL, H5S_ALL, defaultProperties, $0)
    }
    try Operation("write", path).check(status, "H5Dwrite")
  }
}
