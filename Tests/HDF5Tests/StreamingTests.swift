import Foundation
import HDF5
import Testing

@Suite struct StreamingTests {
  /// A file being streamed to, with one row flushed and one not.
  private func streaming(
    _ path: String, _ body: (borrowing StreamingFile, GrowingDataset) throws -> Void
  ) throws {
    let file = try LayoutFile(creating: path)
    try file.createGroup("/g", attributes: ["description": "a group"])
    let series = try file.createGrowing("/g/series", of: .int16, columns: 2, chunkRows: 2)
    let log = try file.createGrowing("/g/log", of: .text(bytes: 8, .utf8), chunkRows: 4)
    let start = try file.createScalar("/g/start", -1.0)
    let stream = try file.startStreaming()
    try series.append([Int16(1), 2])
    try log.append("µ start")
    try start.write(0.5)
    try stream.flush()
    try body(stream, series)
    try stream.close()
  }

  @Test("What was flushed is in the file as others see it; a plain opening is refused")
  func snapshot() throws {
    try withFolder { folder in
      let (path, copy) = (folder + "/file.h5", folder + "/copy.h5")
      try streaming(path) { stream, series in
        // Rows of the flush only, whatever libhdf5 still holds back.
        try series.append([Int16(3), 4])
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        let refusal = try #require(failure { _ = try ReadFile(reading: copy) })
        #expect(refusal.description.contains("file is already open for write"))
        let live = try ReadFile(reading: copy, live: true)
        #expect(try live.read("/g/series", rows: 0..<1) == [Int16(1), 2])
        #expect(try live.readStrings("/g/log") == ["µ start"])
        #expect(try live.value(of: "/g/start") == .number(0.5))
        #expect(try live.attribute("description", of: "/g") == "a group")
      }
      let closed = try ReadFile(reading: path)
      #expect(try closed.read("/g/series") == [Int16(1), 2, 3, 4])
    }
  }

  @Test(
    "Another process reads along with h5py",
    .enabled(if: Program.h5py != nil, "no Python with h5py (set DAQREC_PYTHON)"),
    .timeLimit(.minutes(1)))
  func h5py() throws {
    try withFolder { folder in
      let path = folder + "/file.h5"
      let script = """
        import h5py, sys
        with h5py.File(sys.argv[1], "r", swmr=sys.argv[2] == "live") as f:
            print(f["/g/series"][:].tolist(), f["/g/log"].asstr()[:].tolist(), f["/g/start"][()])
        """
      let python = try #require(Program.h5py)
      func seen(_ mode: String) throws -> String {
        try python.output(["-c", script, path, mode])
      }
      try streaming(path) { stream, series in
        #expect(try seen("live") == "[[1, 2]] ['µ start'] 0.5\n")
        try series.setRows(4)
        try [Int16(5), 6, 7, 8].withUnsafeBytes { try series.writeChunk($0, atRow: 2) }
        try stream.flush()
        #expect(try seen("live") == "[[1, 2], [0, 0], [5, 6], [7, 8]] ['µ start'] 0.5\n")
      }
      #expect(try seen("closed") == "[[1, 2], [0, 0], [5, 6], [7, 8]] ['µ start'] 0.5\n")
    }
  }

  @Test("The descriptor is the file's, and can be synced")
  func descriptor() throws {
    try withFolder { folder in
      let path = folder + "/file.h5"
      try streaming(path) { stream, _ in
        let descriptor = try stream.fileDescriptor()
        #expect(fdatasync(descriptor) == 0)
        var (open, named) = (stat(), stat())
        #expect(fstat(descriptor, &open) == 0 && stat(path, &named) == 0)
        #expect(open.st_ino == named.st_ino)
      }
    }
  }

  @Test(
    "A file left by its writer is made a normal one, with everything flushed; twice is harmless")
  func rescue() throws {
    try withFolder { folder in
      let (path, copy) = (folder + "/file.h5", folder + "/copy.h5")
      try streaming(path) { stream, series in
        try series.append((0..<20_000).map { Int16(truncatingIfNeeded: $0) })
        try stream.flush()
        try FileManager.default.copyItem(atPath: path, toPath: copy)
      }
      for _ in 0..<2 {
        let rescued = try EditFile(rescuing: copy)
        #expect(try rescued.growing("/g/series").rows == 10_001)
        try rescued.close()
        let normal = try ReadFile(reading: copy)
        #expect(try normal.read("/g/series", rows: 10_000..<10_001) == [Int16(19_998), 19_999])
      }
      let edited = try EditFile(editing: copy)
      try edited.growing("/g/log").append("rescued")
      try edited.close()
      #expect(try ReadFile(reading: copy).readStrings("/g/log") == ["µ start", "rescued"])
    }
  }

  @Test("A file torn by a power cut is refused in time", .timeLimit(.minutes(1)))
  func torn() throws {
    try withFolder { folder in
      let (path, copy) = (folder + "/file.h5", folder + "/copy.h5")
      try streaming(path) { _, _ in
        try FileManager.default.copyItem(atPath: path, toPath: copy)
      }
      var bytes = try Data(contentsOf: URL(filePath: copy))
      // One byte of every object header, so that no checksum is right.
      var from = bytes.startIndex
      var count = 0
      while let header = bytes.range(of: Data("OHDR".utf8), in: from..<bytes.endIndex) {
        bytes[header.upperBound + 8] ^= 0xFF
        from = header.upperBound
        count += 1
      }
      #expect(count >= 5)
      try bytes.write(to: URL(filePath: copy))
      let error = failure { _ = try ReadFile(reading: copy, live: true).children(of: "/") }
      #expect(error != nil)
    }
  }
}
