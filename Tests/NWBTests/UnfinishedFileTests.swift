import Foundation
import Testing

@testable import NWB

@Suite("A file that is being made")
struct UnfinishedFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ text: String, _ path: String) throws {
    try text.write(toFile: path, atomically: false, encoding: .utf8)
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  @Test("lies hidden in the folder of its final name and moves there")
  func publish() throws {
    let path = folder.path("a.nwb.h5")
    let file = try UnfinishedFile(for: path)
    try write("new", file.path)
    #expect(try folder.names.allSatisfy { $0.hasPrefix(".a.nwb.h5.") })
    try file.publish()
    #expect(try folder.names == ["a.nwb.h5"])
    #expect(try text(path) == "new")
  }

  @Test("does not replace a file that came to exist meanwhile")
  func taken() throws {
    let path = folder.path("a.nwb.h5")
    let file = try UnfinishedFile(for: path)
    try write("new", file.path)
    try write("old", path)
    #expect(throws: NWBError.exists(path: path)) { try file.publish() }
    #expect(try text(path) == "old")
    file.remove()
    #expect(try folder.names == ["a.nwb.h5"])
  }

  @Test("in a folder that does not exist is an error that names the path")
  func noFolder() throws {
    let path = folder.path("nowhere/a.nwb.h5")
    #expect {
      let file = try RecordingFile(creating: path, exampleDescription())
      _ = consume file
    } throws: { error in
      "\(error)".contains("nowhere")
    }
  }
}
