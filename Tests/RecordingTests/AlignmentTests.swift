import Clocks
import Foundation
import NWB
import Recording
import Testing

@Suite("Alignment of a closed recording")
struct AlignmentTests {
  static let frame = 1 / 6103.515625

  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  /// Of each change, the edge of the recorded line next to it.
  private func shown(_ path: String, near onsets: [Double]) throws -> [Double] {
    let edges = try shownEdges(in: "sync", of: path).map(\.seconds)
    return try onsets.map { onset in
      try #require(edges.min { abs($0 - onset) < abs($1 - onset) })
    }
  }

  @Test("With a sync line every onset lies within a frame of the edge that was recorded")
  func syncLine() throws {
    let path = try AlignmentRecording.synced.copied(to: folder)
    let alignment = try Alignment(ofRecording: path)
    let onsets = alignment.content.onsets
    #expect(onsets.count == 3)
    #expect(onsets.allSatisfy { $0.basis == .syncEdge })
    for (onset, edge) in zip(onsets, try shown(path, near: onsets.map(\.onset))) {
      #expect(abs(onset.onset - edge) <= Self.frame / 2 + onset.uncertainty)
      #expect(onset.uncertainty < Self.frame)
      #expect(abs((onset.residual ?? .nan) - (edge - onset.onset)) < 1e-9)
    }
    // A pulse a second and three changes, and not one of them is without its edge.
    let sync = try #require(alignment.quality.sync)
    #expect(sync.pulses == sync.matched)
    #expect(sync.unmatchedEdges == 0)
    #expect(sync.runnerUp * 2 < sync.matched)
    #expect(alignment.content.edges.count == sync.matched)
  }

  @Test("Without one the uncertainty covers the edge that was recorded, live and afterwards")
  func readingsAlone() throws {
    let path = try AlignmentRecording.synced.copied(to: folder)
    let alignment = try Alignment(ofRecording: path, .init(usesSync: false))
    #expect(alignment.quality.sync == nil)
    #expect(alignment.content.edges.isEmpty)
    let reader = try RecordingReader(reading: path)
    let live = try #require(try reader.ledger()).changes
    try reader.close()
    let edges = try shown(path, near: live.map(\.onset))
    for ((onset, live), edge) in zip(zip(alignment.content.onsets, live), edges) {
      #expect(onset.basis == .clockMap)
      #expect(onset.residual == nil)
      // Two successive times share a slot: the store is known to two ticks (comments: phase).
      #expect(abs(onset.onset - edge) <= onset.uncertainty + Self.frame)
      #expect(abs(live.onset - edge) <= live.uncertainty + Self.frame)
      #expect(onset.uncertainty < 1e-3)
    }
  }

  @Test("What is stored is read back the same")
  func roundTrip() throws {
    let path = try AlignmentRecording.synced.copied(to: folder)
    let alignment = try Alignment(ofRecording: path)
    #expect(!alignment.isStored)
    try alignment.store()
    let reader = try RecordingReader(reading: path)
    #expect(try reader.alignment() == alignment.content)
    #expect(reader.state == .complete)
    try reader.close()
  }

  @Test("A second run changes not a byte; other options replace what was there, as they would anew")
  func idempotence() throws {
    let path = try AlignmentRecording.synced.copied(to: folder)
    try Alignment(ofRecording: path).store()
    let once = try bytes(of: path)
    let again = try Alignment(ofRecording: path)
    #expect(again.isStored)
    try again.store()
    #expect(try bytes(of: path) == once)

    let other = try Alignment(ofRecording: path, .init(usesSync: false))
    #expect(!other.isStored)
    try other.store()
    let reader = try RecordingReader(reading: path)
    #expect(try reader.alignment() == other.content)
    #expect(try reader.alignment()?.edges.isEmpty == true)
    try reader.close()
    let anew = try TestFolder()
    let fresh = try AlignmentRecording.synced.copied(to: anew)
    #expect(try Alignment(ofRecording: fresh, .init(usesSync: false)).content == other.content)
  }

  @Test("Nothing but the module is touched, and looking touches nothing")
  func nothingElse() throws {
    let path = try AlignmentRecording.synced.copied(to: folder)
    let before = try bytes(of: path)
    _ = try Alignment(ofRecording: path)
    #expect(try bytes(of: path) == before)
    let original = folder.path("original.nwb.h5")
    try before.write(to: URL(fileURLWithPath: original))
    try Alignment(ofRecording: path).store()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "h5diff", "--exclude-path", "/processing/alignment", original, path,
    ]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }

  @Test("A second circuit's frames come to the same time as those of the first")
  func secondCircuit() throws {
    let path = try AlignmentRecording.twoCircuits.copied(to: folder)
    let alignment = try Alignment(ofRecording: path)
    let clock = try #require(alignment.content.clocks.first { $0.name == "rx" })
    let edges = try shownEdges(in: "sync", of: path)
    let others = try shownEdges(in: "other", of: path)
    #expect(edges.count > 14)
    #expect(abs(edges.count - others.count) <= 1)
    var compared = 0
    for (frame, _) in others {
      guard let next = clock.knots.firstIndex(where: { $0.sample > frame }), next > 0 else {
        continue
      }
      let (left, right) = (clock.knots[next - 1], clock.knots[next])
      let share = (Double(frame) - 0.5 - Double(left.sample)) / Double(right.sample - left.sample)
      let time = left.time + share * (right.time - left.time)
      let nearest = try #require(edges.min { abs($0.seconds - time) < abs($1.seconds - time) })
      #expect(abs(time - nearest.seconds) <= left.uncertainty + Self.frame)
      compared += 1
    }
    #expect(compared > 12)
    // The two are 105 ppm apart: unmapped they would be a millisecond off after ten seconds.
    #expect(alignment.quality.clocks.map(\.name) == ["stg", "rz", "rx"])
  }

  @Test("A line on a second circuit is followed through that circuit's clock")
  func lineOnSecondCircuit() throws {
    let path = try AlignmentRecording.twoCircuits.copied(to: folder)
    let alignment = try Alignment(
      ofRecording: path, .init(sync: SyncChannel(buffer: "other", channel: 0)))
    for (onset, edge) in zip(
      alignment.content.onsets, try shown(path, near: alignment.content.onsets.map(\.onset)))
    {
      #expect(onset.basis == .syncEdge)
      #expect(abs(onset.onset - edge) <= onset.uncertainty + Self.frame)
    }
  }

  @Test("Where the circuit began anew a new stretch begins, and its onsets are as good")
  func reset() throws {
    let path = try AlignmentRecording.reset.copied(to: folder)
    let alignment = try Alignment(ofRecording: path)
    #expect(alignment.quality.clocks.first { $0.role == .reference }?.segments == 2)
    let onsets = alignment.content.onsets
    #expect(onsets.allSatisfy { $0.basis == .syncEdge })
    for (onset, edge) in zip(onsets, try shown(path, near: onsets.map(\.onset))) {
      #expect(abs(onset.onset - edge) <= Self.frame)
    }
    let sync = try #require(alignment.quality.sync)
    #expect(sync.matched == sync.pulses)
    #expect(sync.residualMaximum < Self.frame)
    let stream = try #require(alignment.content.clocks.first { $0.name == "stg" })
    #expect(Set(stream.knots.map(\.segment)) == [1, 2])
  }

  // MARK: - What cannot be aligned

  private func reason(
    _ recording: AlignmentRecording, _ options: Alignment.Options = .init(),
    _ change: (String) throws -> Void = { _ in }
  ) throws -> String {
    let path = try recording.copied(to: folder)
    try change(path)
    let before = try bytes(of: path)
    let error = #expect(throws: AlignmentError.self) {
      try Alignment(ofRecording: path, options)
    }
    #expect(try bytes(of: path) == before)
    return error.map { "\($0)" } ?? ""
  }

  @Test("Without signal changes and a second circuit there is nothing to do")
  func nothingToAlign() throws {
    let expected =
      "there is nothing to align: the file has no signal changes (/events/stimulus_changes) and no "
      + "second circuit"
    #expect(try reason(.silent) == expected)
    #expect(try reason(.unstimulated) == expected)
  }

  @Test("A channel that is not there is named with those that are")
  func noSuchChannel() throws {
    #expect(
      try reason(.synced, .init(sync: SyncChannel(buffer: "trig", channel: 0)))
        == "the file has no channel trig:0 for the sync line; it has sine:0…1, sync:0")
    #expect(
      try reason(.synced, .init(sync: SyncChannel(buffer: "sine", channel: 2)))
        == "the file has no channel sine:2 for the sync line; it has sine:0…1, sync:0")
  }

  @Test("A channel that carries something else is refused, not matched")
  func wrongChannel() throws {
    let message = try reason(.synced, .init(sync: SyncChannel(buffer: "sine", channel: 1)))
    #expect(message.hasPrefix("sync line sine:1: "))
    #expect(message.hasSuffix("(--no-sync aligns by the clocks' readings alone)"))
  }

  @Test("A file that was never closed is refused")
  func notClosed() throws {
    let message = try reason(.synced) { path in
      // The superblock's file consistency flags: a writer had the file open.
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
      try file.seek(toOffset: 11)
      try file.write(contentsOf: Data([5]))
      try file.close()
    }
    #expect(message == "the file was never closed: its writer was killed")
  }

  @Test("A recording without a sync line says so and goes by the readings")
  func noLine() throws {
    let path = try AlignmentRecording.unsynced.copied(to: folder)
    let alignment = try Alignment(ofRecording: path)
    #expect(alignment.quality.sync == nil)
    #expect(
      alignment.quality.notes == [
        "the session names no sync line: --sync BUFFER:CHANNEL names one"
      ])
    #expect(alignment.content.onsets.allSatisfy { $0.basis == .clockMap })
    // The line is recorded all the same, and can be named.
    let named = try Alignment(
      ofRecording: path, .init(sync: SyncChannel(buffer: "sync", channel: 0)))
    #expect(named.content.onsets.allSatisfy { $0.basis == .syncEdge })
  }

  @Test(
    "A channel is written BUFFER:CHANNEL",
    arguments: [
      ("sync:0", SyncChannel(buffer: "sync", channel: 0)),
      ("a:b:12", SyncChannel(buffer: "a:b", channel: 12)),
      ("sync", nil), ("sync:", nil), (":1", nil), ("sync:-1", nil), ("sync:x", nil),
    ] as [(String, SyncChannel?)])
  func channels(_ text: String, _ expected: SyncChannel?) {
    #expect(SyncChannel(text) == expected)
  }
}
