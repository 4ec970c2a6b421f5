import Devices
import Samples
import Testing

/// A ring of 100 stamps.
@Suite("Reading stamps")
struct StampReaderTests {
  @Test("Stamps from before the recording are not its events")
  func beginning() {
    var reader = StampReader(attributes())
    #expect(reader.nextSlot == .max)
    let (words, lost) = reader.digest(ring(250, 250, from: .max))
    #expect(words.isEmpty && lost == 0)
    #expect(reader.nextSlot == 250)
  }

  @Test("Each stamp is given once, however long nothing happens")
  func stamps() {
    var reader = begun(at: 250)
    #expect(reader.digest(ring(253, 253, from: 250)) == (0..<3, 0))
    #expect(reader.digest(ring(253, 253, from: 253)) == (0..<0, 0))
    #expect(reader.digest(ring(310, 312, from: 253)) == (0..<57, 0))
    #expect(reader.nextSlot == 310)
  }

  @Test("What was overwritten is counted, before the transfer and during it")
  func overrun() {
    var reader = begun(at: 0)
    #expect(reader.digest(ring(130, 140, from: 0)) == (10..<100, 40))
    #expect(reader.nextSlot == 130)
  }

  @Test("A full ring is given whole")
  func full() {
    var reader = begun(at: 30)
    #expect(reader.digest(ring(130, 130, from: 30)) == (0..<100, 0))
  }

  @Test("A destination with little room is filled; the rest waits")
  func room() {
    var reader = begun(at: 0)
    var ring = ring(50, 50, from: 0)
    ring.count = 20
    #expect(reader.digest(ring) == (0..<20, 0))
    #expect(reader.nextSlot == 20)
  }

  @Test("A reset begins at slot 0 of the new count")
  func reset() {
    var reader = begun(at: 250)
    #expect(reader.digest(ring(7, 7, from: 250)) == (0..<0, 0))
    #expect(reader.nextSlot == 0)
    #expect(reader.hasBegunAnew)
    #expect(reader.digest(ring(9, 9, from: 0)) == (0..<9, 0))
    #expect(!reader.hasBegunAnew)
  }

  @Test("A torn position gives nothing, and nothing twice; the next poll does")
  func torn() {
    // Index wrapped, cycle not yet counted; and the reverse.
    for first in [Int64(201), 399] {
      var reader = begun(at: 298)
      #expect(reader.digest(ring(first, first == 201 ? 301 : 299, from: 298)) == (0..<0, 0))
      #expect(reader.nextSlot == 298)
      #expect(reader.digest(ring(303, 303, from: 298)) == (0..<5, 0))
    }
    var reader = StampReader(attributes())
    _ = reader.digest(ring(202, 302, from: .max))
    #expect(reader.nextSlot == .max, "a torn first poll begins with the next one")
  }

  @Test("Without a cycle tag fewer than a ring of stamps is taken to have come")
  func indexOnly() {
    var reader = StampReader(attributes(hasCycle: false))
    _ = reader.digest(indexRing(90, 90, from: .max))
    #expect(reader.nextSlot == 90)
    #expect(reader.digest(indexRing(5, 5, from: 90)) == (0..<15, 0))
    #expect(reader.nextSlot == 105)
    #expect(reader.digest(indexRing(95, 15, from: 105)) == (10..<90, 10))
  }

  // MARK: - Help

  private func attributes(hasCycle: Bool = true) -> BufferAttributes {
    let circuit = TableCircuit.with("stamp", slots: 100)
    if !hasCycle { _ = circuit.without("stamp_c") }
    let format = SlotFormat(source: .int32, destination: .int32, channels: 1)
    do {
      return try BufferAttributes(
        opening: BufferRequest(name: "stamp", dataTag: "stamp", format: format), on: circuit)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  private func begun(at slot: Int64) -> StampReader {
    var reader = StampReader(attributes())
    _ = reader.digest(ring(slot, slot, from: .max))
    return reader
  }

  /// A poll's answer: the positions in slots, and the words that the device then delivers.
  private func ring(_ first: Int64, _ second: Int64, from: Int64) -> Poll.Ring {
    var ring = emptyRing(cycle: "stamp_c")
    ring.from = from
    ring.first = RingPosition(cycle: Int(first / 100), index: Int(first % 100))
    ring.second = RingPosition(cycle: Int(second / 100), index: Int(second % 100))
    ring.start = max(from, first - 100)
    ring.count = Int(max(0, first - ring.start))
    return ring
  }

  private func indexRing(_ first: Int, _ second: Int, from: Int64) -> Poll.Ring {
    var ring = emptyRing(cycle: nil)
    ring.from = from
    ring.first = RingPosition(cycle: 0, index: first)
    ring.second = RingPosition(cycle: 0, index: second)
    ring.start = from
    ring.count = Int((Int64(first) - from % 100 + 100) % 100)
    return ring
  }

  private func emptyRing(cycle: String?) -> Poll.Ring {
    Poll.Ring(
      tags: RingTags(data: "stamp", index: "stamp_i", cycle: cycle), size: 100,
      destination: UnsafeMutableBufferPointer(start: nil, count: 0))
  }
}
