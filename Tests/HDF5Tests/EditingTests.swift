import Testing

@testable import HDF5

@Suite struct EditingTests {
  /// A closed file with one series and one empty table, edited, closed, and opened again.
  private func edited(_ edit: (borrowing EditFile) throws -> Void) throws -> ReadFile {
    try withFolder { folder in
      let path = folder + "/file.h5"
      let file = try LayoutFile(creating: path)
      try file.createGroup("/events")
      let series = try file.createGrowing("/series", of: .float64, columns: 2, chunkRows: 4)
      _ = try file.createGrowing(
        "/events/id", of: .int64, chunkRows: 4, filters: [.shuffle, .deflate(level: 1)])
      let streaming = try file.startStreaming()
      try series.append([1.0, 2, 3, 4])
      try streaming.close()
      let editing = try EditFile(editing: path)
      try edit(editing)
      try editing.close()
      return try ReadFile(reading: path)
    }
  }

  @Test("Objects are added to a closed file, and its datasets lengthened, overwritten and cut")
  func adding() throws {
    let file = try edited { file in
      try file.createGroup("/processing", attributes: ["series": .reference(to: "/series")])
      try file.createDataset("/processing/onsets", .numbers([0.25, 0.5]))
      let series = try file.growing("/series")
      #expect(series.rows == 2 && series.columns == 2 && series.chunkRows == 4)
      #expect(series.type == .float64)
      try series.append([5.0, 6])
      try series.overwrite([-1.0, -2], atRow: 0)
      let id = try file.growing("/events/id")
      #expect(id.columns == nil)
      try id.append((0..<9).map { Int64($0) })
      try id.setRows(3)
    }
    #expect(try file.read("/series") == [-1.0, -2, 3, 4, 5, 6])
    #expect(try file.read("/events/id") == [Int64(0), 1, 2])
    #expect(try file.value(of: "/processing/onsets").numbers() == [0.25, 0.5])
    #expect(try file.attribute("series", of: "/processing")?.references == ["/series"])
  }

  @Test("An unlinked object is gone with all it contains")
  func unlinking() throws {
    let file = try edited { file in
      try file.unlink("/events")
      #expect(try file.exists("/events/id") == false)
      let error = failure { try file.unlink("/events") }
      #expect(error?.path == "/events")
    }
    #expect(try file.children(of: "/") == [Child(name: "series", kind: .dataset)])
  }

  @Test("A dataset that cannot grow is not opened as one that can")
  func fixed() throws {
    let file = try edited { file in
      try file.createDataset("/fixed", .numbers([1.0]))
      expectFailure("cannot open dataset /fixed: it is not a dataset of rows that can grow") {
        _ = try file.growing("/fixed")
      }
    }
    #expect(try file.exists("/fixed"))
  }
}
