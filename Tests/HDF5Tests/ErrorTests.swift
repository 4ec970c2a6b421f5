import Foundation
import Testing

@testable import HDF5

@Suite struct ErrorTests {
  @Test("A missing file is named with the system's reason")
  func missingFile() throws {
    try withFolder { folder in
      let path = folder + "/missing.h5"
      let error = try #require(failure { _ = try ReadFile(reading: path) })
      #expect(
        error.description
          == "cannot open file \(path): H5Fopen: unable to open file: unable to open file: "
          + "name = '\(path)', errno = 2, error message = 'No such file or directory', "
          + "flags = 0, o_flags = 0")
      #expect(error.operation == "open file" && error.path == path)
    }
  }

  @Test("An existing file is never replaced")
  func existingFile() throws {
    try withFolder { folder in
      let path = folder + "/taken.h5"
      try Data("mine".utf8).write(to: URL(filePath: path))
      let error = failure { _ = try LayoutFile(creating: path) }
      #expect(
        error?.description
          == "cannot create file \(path): H5Fcreate: unable to create file: unable to open file: "
          + "name = '\(path)', errno = 17, error message = 'File exists', "
          + "flags = 15, o_flags = c2")
      #expect(try Data(contentsOf: URL(filePath: path)) == Data("mine".utf8))
    }
  }

  @Test("A file of another format is told as such")
  func otherFormat() throws {
    try withFolder { folder in
      let path = folder + "/text.h5"
      try Data("this is not HDF5".utf8).write(to: URL(filePath: path))
      expectFailure(
        "cannot open file \(path): H5Fopen: unable to open file: file signature not found"
      ) { _ = try EditFile(editing: path) }
    }
  }

  @Test("The stack runs from the public function to the innermost cause")
  func stack() throws {
    _ = try written { file in
      try file.createGroup("/taken")
      let error = try #require(failure { try file.createGroup("/taken") })
      guard case .library("H5Gcreate2", let stack) = error.cause else {
        Issue.record("\(error.cause)")
        return
      }
      #expect(stack.first == .init(function: "H5Gcreate2", message: "unable to create group"))
      #expect(stack.last?.message == "name already exists")
      #expect(stack.count > 3)
      #expect(
        error.description
          == "cannot create group /taken: H5Gcreate2: unable to create group: name already exists")
    }
  }

  @Test("Each failure tells what was being done to which object")
  func messages() throws {
    let file = try written { file in
      expectFailure(
        "cannot create group /no/where: H5Gcreate2: unable to create group: "
          + "component not found"
      ) { try file.createGroup("/no/where") }
      expectFailure(
        "cannot set attribute /none@unit: H5Acreate_by_name: unable to create attribute: "
          + "object 'none' doesn't exist"
      ) { try file.setAttribute("unit", on: "/none", to: "V") }
      let level = failure {
        _ = try file.createGrowing("/x", of: .int8, chunkRows: 1, filters: [.deflate(level: -1)])
      }
      #expect(
        level?.description
          == "cannot create dataset /x: H5Pset_deflate: invalid deflate level")
    }
    expectFailure(
      "cannot look up dataset /none: H5Dopen2: unable to open dataset: "
        + "object 'none' doesn't exist"
    ) { _ = try file.info(of: "/none") }
    expectFailure(
      "cannot list group /none: H5Gopen2: unable to open group: "
        + "object 'none' doesn't exist"
    ) { _ = try file.children(of: "/none") }
  }

  @Test("The library tells its version")
  func version() {
    #expect(HDF5Library.version.split(separator: ".").count == 3)
    #expect(HDF5Library.version.hasPrefix("1."))
  }
}
