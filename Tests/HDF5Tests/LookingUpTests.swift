import Testing

@testable import HDF5

@Suite struct LookingUpTests {
  @Test("Children are listed by name with their kind; links are followed")
  func children() throws {
    let file = try written { file in
      try file.createGroup("/z")
      try file.createDataset("/a", "x")
      try file.createSoftLink("/link", to: "/a")
      try file.createSoftLink("/dangling", to: "/nowhere")
      try file.createGroup("/µ")
    }
    #expect(
      try file.children(of: "/") == [
        Child(name: "a", kind: .dataset), Child(name: "dangling", kind: .other),
        Child(name: "link", kind: .dataset), Child(name: "z", kind: .group),
        Child(name: "µ", kind: .group),
      ])
    #expect(try file.children(of: "/z") == [])
    #expect(try file.value(of: "/link").string == "x")
  }

  @Test(
    "A path exists if every link on it leads somewhere",
    arguments: [
      ("/", true), ("/g", true), ("/g/d", true), ("/link/d", true), ("g/d", true),
      ("/x", false), ("/x/y/z", false), ("/g/d2", false), ("/dangling", false),
    ])
  func exists(path: String, expected: Bool) throws {
    let file = try written { file in
      try file.createGroup("/g")
      try file.createDataset("/g/d", "x")
      try file.createSoftLink("/link", to: "/g")
      try file.createSoftLink("/dangling", to: "/nowhere")
    }
    #expect(try file.exists(path) == expected)
  }

  @Test("Information tells shape, type, chunks and filters; sizes are asked for")
  func info() throws {
    let file = try written { file in
      try file.createDataset("/names", .strings(["a", "b"]))
      try file.createDataset("/where", .reference(to: "/names"))
      try file.createDataset("/flags", .numbers([true]))
      let series = try file.createGrowing(
        "/series", of: .float32, columns: 3, chunkRows: 4, filters: [.shuffle, .deflate(level: 1)])
      try series.setRows(5)
      let kinds = try file.createGrowing("/kinds", of: .text(bytes: 16, .ascii), chunkRows: 8)
      try kinds.append("start")
    }
    let names = try file.info(of: "/names")
    #expect(names.shape == [2] && names.type == .string && names.chunk == nil)
    #expect(!names.isGrowing && names.filterCount == 0)
    #expect(try file.info(of: "/where").type == .reference)
    #expect(try file.info(of: "/where").shape == [])
    #expect(try file.info(of: "/flags").type == .fixed(.bool))
    let series = try file.info(of: "/series")
    #expect(series.shape == [5, 3] && series.type == .fixed(.float32))
    #expect(series.chunk == [4, 3] && series.isGrowing && series.filterCount == 2)
    #expect(try file.storedBytes(of: "/series") == 0)
    let kinds = try file.info(of: "/kinds")
    #expect(kinds.type == .fixed(.text(bytes: 16, .ascii)))
    #expect(try file.storedBytes(of: "/kinds") == 16 * 8)
  }
}
