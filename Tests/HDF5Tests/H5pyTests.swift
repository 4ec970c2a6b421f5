import HDF5
import Testing

@Suite(.enabled(if: Program.h5py != nil, "no Python with h5py (set DAQREC_PYTHON)"))
struct H5pyTests {
  @Test("h5py sees Python's own types, UTF-8 names, references, pages and chunks")
  func types() throws {
    let script = """
      import h5py, sys
      with h5py.File(sys.argv[1], "r") as f:
          a = f["/µ"].attrs
          print(repr(a["text"]), a["flag"].dtype, a["rate"].dtype, f[a["where"]].name)
          print([f[r].name for r in f["/groups"]], f["/texts"].asstr()[:].tolist())
          d = f["/log"]
          print(d.dtype, h5py.check_string_dtype(d.dtype).encoding, d.maxshape, d.chunks)
          d = f["/series"]
          print(d.dtype, d.shape, d.maxshape, d.chunks, d.shuffle, d.compression, d[:].tolist())
          p = f.id.get_create_plist()
          print(p.get_file_space_strategy()[0] == h5py.h5f.FSPACE_STRATEGY_PAGE,
                p.get_file_space_page_size(), f["/flags"][:].tolist())
      """
    try withFolder { folder in
      let file = try LayoutFile(creating: folder + "/file.h5")
      try file.createGroup(
        "/µ",
        attributes: [
          "text": "5 µV", "flag": .number(true), "rate": .number(Float(2)),
          "where": .reference(to: "/"),
        ])
      try file.createDataset("/groups", .references(to: ["/µ", "/"]))
      try file.createDataset("/texts", .pairs([("a", "ä")]))
      try file.createDataset("/flags", .numbers([false, true]))
      let log = try file.createGrowing("/log", of: .text(bytes: 6, .utf8), chunkRows: 3)
      let series = try file.createGrowing(
        "/series", of: .uint16, columns: 2, chunkRows: 4, filters: [.shuffle, .deflate(level: 1)])
      try log.append("x")
      try series.append([UInt16(1), 2])
      try file.close()
      let python = try #require(Program.h5py)
      let output = try python.output(["-c", script, folder + "/file.h5"])
      #expect(
        output == """
          '5 µV' bool float32 /
          ['/µ', '/'] [['a', 'ä']]
          |S6 utf-8 (None,) (3,)
          uint16 (1, 2) (None, 2) (4, 2) True gzip [[1, 2]]
          True 4096 [False, True]

          """)
    }
  }
}
