import CHDF5

/// The libhdf5 this process is linked with.
public enum HDF5Library {
  /// `1.10.8`, for example; empty if the library cannot be initialised.
  public static var version: String {
    var (major, minor, release) = (UInt32(0), UInt32(0), UInt32(0))
    guard H5get_libversion(&major, &minor, &release) >= 0 else { return "" }
    return "\(major).\(minor).\(release)"
  }

  /// Stops libhdf5 from printing its error stack to stderr on the calling thread.
  ///
  /// The setting belongs to a thread. Creating or opening a file makes it; call this on a thread
  /// that uses what another thread has opened.
  public static func silenceErrorPrinting() {
    H5Eset_auto2(hid_t(H5E_DEFAULT), nil, nil)
  }
}
