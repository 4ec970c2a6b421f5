import Foundation
import HDF5
import Testing

/// Calls `body` with the path of a new folder, which is removed afterwards.
func withFolder<Result: ~Copyable>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory
    .appending(path: "hdf5-tests-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// A file that `make` has created the content of, closed and opened for reading.
func written(_ make: (borrowing LayoutFile) throws -> Void) throws -> ReadFile {
  try withFolder { folder in
    let file = try LayoutFile(creating: folder + "/file.h5")
    try make(file)
    try file.close()
    return try ReadFile(reading: folder + "/file.h5")
  }
}

/// The `HDF5Error` that `body` throws; nil if it throws none.
func failure(_ body: () throws -> Void) -> HDF5Error? {
  do { try body() } catch { return error as? HDF5Error }
  return nil
}

/// Expects that `body` throws an `HDF5Error` of exactly this description.
func expectFailure(
  _ description: String, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) {
  let found = failure(body)?.description
  #expect(found == description, sourceLocation: sourceLocation)
}

/// A program of this machine, run to its end.
struct Program {
  let words: [String]

  /// The Python to test with, if it has h5py: `DAQREC_PYTHON`, or `python3` from the path.
  static let h5py: Program? = {
    let name = ProcessInfo.processInfo.environment["DAQREC_PYTHON"] ?? "python3"
    let python = Program(words: [name])
    return (try? python.output(["-c", "import h5py"])) == "" ? python : nil
  }()

  struct Failure: Error {
    let status: Int32
    let output: String
  }

  /// What it prints, stderr included.
  func output(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = words + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(status: process.terminationStatus, output: output)
    }
    return output
  }
}
