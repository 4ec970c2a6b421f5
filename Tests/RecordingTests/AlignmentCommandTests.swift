import Foundation
import Testing

/// The program that was built beside the tests.
private let program: URL? = {
  let url = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("daqrec")
  return FileManager.default.isExecutableFile(atPath: url.path) ? url : nil
}()

/// `daqrec align` as people and programs run it; where the program has been built beside the tests.
@Suite("daqrec align", .enabled(if: program != nil))
struct AlignmentCommandTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private struct Answer {
    var code: Int32
    var out: String
    var complaint: String
  }

  private func align(_ words: String...) throws -> Answer {
    let process = Process()
    process.executableURL = program
    process.arguments = ["align"] + words
    let (out, complaint) = (Pipe(), Pipe())
    process.standardOutput = out
    process.standardError = complaint
    try process.run()
    // Both are short: neither fills its pipe.
    let text = try out.fileHandleForReading.readToEnd() ?? Data()
    let error = try complaint.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Answer(
      code: process.terminationStatus, out: String(decoding: text, as: UTF8.self),
      complaint: String(decoding: error, as: UTF8.self))
  }

  @Test(
    "A dry run shows the table and writes nothing; the next run writes; the third has nothing to do"
  )
  func runs() throws {
    let path = try AlignmentRecording.synced.copied(to: folder)
    let before = try bytes(of: path)
    let dry = try align(path, "--dry-run")
    #expect(dry.code == 0)
    #expect(dry.out.hasSuffix("\(path): dry run, nothing was written\n"))
    #expect(dry.out.contains("onsets: 3, 3 by the sync line"))
    #expect(dry.out.contains("the next best shift explains"))
    #expect(try bytes(of: path) == before)

    let first = try align(path)
    #expect(first.code == 0)
    #expect(first.out.hasSuffix("\(path): /processing/alignment written\n"))
    let written = try bytes(of: path)
    #expect(written != before)
    let second = try align(path)
    #expect(second.code == 0)
    #expect(second.out.hasSuffix("has this alignment already; nothing was changed\n"))
    #expect(try bytes(of: path) == written)
  }

  @Test("--json puts one object on stdout and nothing else")
  func json() throws {
    let path = try AlignmentRecording.synced.copied(to: folder)
    let answer = try align(path, "--json")
    #expect(answer.code == 0)
    #expect(answer.complaint.isEmpty)
    let object = try JSONSerialization.jsonObject(with: Data(answer.out.utf8)) as? [String: Any]
    #expect(object?["written"] as? Bool == true)
    let onsets = object?["onsets"] as? [String: Any]
    #expect(onsets?["count"] as? Int == 3)
    let sync = object?["sync"] as? [String: Any]
    #expect(sync?["channel"] as? String == "sync:0")
    #expect(sync?["runner_up"] is Int)
    let again = try align(path, "--json", "--no-sync", "-n")
    let other = try JSONSerialization.jsonObject(with: Data(again.out.utf8)) as? [String: Any]
    #expect(other?["written"] as? Bool == false)
    #expect(other?["sync"] is NSNull)
  }

  @Test("Exit codes: 66 without the file, 65 where it cannot be aligned, 64 for wrong words")
  func exitCodes() throws {
    let missing = folder.path("none.nwb.h5")
    let none = try align(missing)
    #expect(none.code == 66)
    #expect(none.complaint == "daqrec: \(missing): no such file\n")

    let path = try AlignmentRecording.unstimulated.copied(to: folder)
    let refused = try align(path, "--json")
    #expect(refused.code == 65)
    #expect(refused.out.contains("\"type\":\"error\",\"code\":65"))
    #expect(refused.out.contains("there is nothing to align"))
    try Data("no HDF5".utf8).write(to: URL(fileURLWithPath: path))
    #expect(try align(path).code == 65)

    #expect(try align().code == 64)
    #expect(try align(path, "--sync", "sync").code == 64)
    #expect(try align(path, "--sync", "sync:0", "--no-sync").code == 64)
    #expect(try align(path, "--nosync").code == 64)
  }

  @Test("A killed recording is refused, and what makes it a normal file is said")
  func killed() throws {
    let path = try AlignmentRecording.synced.copied(to: folder)
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try file.seek(toOffset: 11)
    try file.write(contentsOf: Data([5]))
    try file.close()
    let answer = try align(path)
    #expect(answer.code == 65)
    #expect(answer.complaint.contains("its writer was killed"))
    #expect(
      answer.complaint.contains("daqrec rescue") || answer.complaint.contains("h5clear -s"))
  }
}
