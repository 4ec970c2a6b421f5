import CHDF5
import Testing

@testable import HDF5

@Suite struct HandleTests {
  @Test("Only the file and the growing datasets stay open: every other handle is closed")
  func leaks() throws {
    try withFolder { folder in
      let path = folder + "/file.h5"
      let file = try LayoutFile(creating: path)
      try file.createGroup("/g", attributes: ["a": .numbers([1.5]), "r": .reference(to: "/")])
      try file.createDataset("/g/d", .strings(["x"]), attributes: ["s": "t"])
      _ = failure { try file.createDataset("/g/d", "again") }
      #expect(openObjects(file.handle.id) == 1)
      let series = try file.createGrowing("/g/s", of: .text(bytes: 4, .utf8), chunkRows: 2)
      #expect(openObjects(file.handle.id) == 2)
      let streaming = try file.startStreaming()
      for _ in 0..<10 { try series.append("x") }
      try streaming.flush()
      #expect(openObjects(streaming.handle.id) == 2)
      let id = streaming.handle.id
      try streaming.close()
      #expect(H5Iis_valid(id) == 0)

      let read = try ReadFile(reading: path)
      _ = try read.children(of: "/g")
      _ = try read.attributeNames(of: "/g")
      _ = try read.attribute("r", of: "/g")
      _ = try read.value(of: "/g/d")
      _ = try read.info(of: "/g/s")
      _ = try read.storedChunks(of: "/g/s")
      _ = failure { _ = try read.read("/g/d", as: Double.self) }
      #expect(openObjects(read.handle.id) == 1)
      try read.close()
    }
  }

  @Test("Closing a file closes its datasets; one used afterwards throws and closes no stranger")
  func closedFile() throws {
    try withFolder { folder in
      let file = try LayoutFile(creating: folder + "/a.h5")
      var series: GrowingDataset? = try file.createGrowing("/x", of: .int16, chunkRows: 2)
      try series?.append(Int16(5))
      try file.close()
      expectFailure(
        "cannot append to /x: H5Dset_extent: dset_id parameter is not a valid dataset identifier"
      ) { try series?.append(Int16(6)) }

      let other = try LayoutFile(creating: folder + "/b.h5")
      let stranger = try other.createGrowing("/x", of: .int16, chunkRows: 2)
      series = nil
      try stranger.append(Int16(7))
      try other.close()
      #expect(try ReadFile(reading: folder + "/a.h5").read("/x") == [Int16(5)])
      #expect(try ReadFile(reading: folder + "/b.h5").read("/x") == [Int16(7)])
    }
  }

  @Test("A handle whose identifier was closed behind its back is left alone")
  func staleHandle() throws {
    let operation = Operation("test", "/")
    do {
      let space = try operation.own(H5Screate(H5S_SCALAR), "H5Screate")
      #expect(H5Sclose(space.id) == 0)
      #expect(H5Iis_valid(space.id) == 0)
    }
    let id: hid_t
    do {
      let space = try operation.own(H5Screate(H5S_SCALAR), "H5Screate")
      id = space.id
      #expect(H5Iis_valid(id) > 0)
    }
    #expect(H5Iis_valid(id) == 0)
  }

  @Test("A file that goes out of scope is closed complete")
  func scope() throws {
    try withFolder { folder in
      let path = folder + "/file.h5"
      do {
        let streaming = try LayoutFile(creating: path).startStreaming()
        #expect(streaming.path == path)
      }
      #expect(try ReadFile(reading: path).children(of: "/") == [])
    }
  }

  /// Files and objects open in a file.
  private func openObjects(_ file: hid_t) -> Int {
    let all = H5F_OBJ_FILE | H5F_OBJ_DATASET | H5F_OBJ_GROUP | H5F_OBJ_DATATYPE | H5F_OBJ_ATTR
    return H5Fget_obj_count(file, UInt32(all))
  }
}
