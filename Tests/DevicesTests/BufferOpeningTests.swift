import Devices
import Samples
import Testing

@Suite("Opening a buffer fails with what is allowed")
struct BufferOpeningTests {
  @Test("No such data tag: the buffers there are")
  func noDataTag() {
    let circuit = TableCircuit.with("emg")
    circuit.tags.append(TagInfo(name: "aux", type: .buffer, size: 10))
    expect(
      .noSuchTag, "the circuit has no data tag lfp; its buffers are aux, emg", circuit)
    expect(
      .noSuchTag, "the circuit has no data tag lfp; its buffers are none", TableCircuit(tags: []))
  }

  @Test("The tag is not a buffer, or an empty one")
  func notABuffer() {
    let scalar = TableCircuit(tags: [TagInfo(name: "lfp", type: .float, size: 1)])
    expect(.notABuffer, "tag lfp is not a buffer but float", scalar)
    let empty = TableCircuit(tags: [TagInfo(name: "lfp", type: .buffer, size: 0)])
    expect(.notABuffer, "tag lfp is not a buffer but empty", empty)
  }

  @Test("The index tag is missing")
  func noIndex() {
    expect(
      .requiredTagMissing,
      "the circuit has no index tag lfp_i: a buffer needs one; name it (idx_tag)",
      TableCircuit.with().without("lfp_i"))
  }

  @Test("A tag that is named must exist, optional or not", arguments: 0..<5)
  func explicitTag(which: Int) {
    let tags: [WritableKeyPath<BufferRequest, String?>] = [
      \.indexTag, \.sizeTag, \.scalingTag, \.cycleTag, \.decimationTag,
    ]
    expect(
      .noSuchTag, "the circuit has no tag nope, which the session names", TableCircuit.with()
    ) { $0[keyPath: tags[which]] = "nope" }
  }

  @Test("A tag that is named must be a scalar")
  func explicitBuffer() {
    expect(
      .notAScalar,
      "tag lfp is a buffer; a scalar is wanted (idx_tag, size_tag, sf_tag, cycle_tag, dec_tag)",
      TableCircuit.with()
    ) { $0.indexTag = "lfp" }
  }

  @Test("A buffer that has the customary name of a tag is not that tag")
  func customaryBuffer() throws {
    let circuit = TableCircuit.with().without("lfp_c")
    circuit.tags.append(TagInfo(name: "lfp_c", type: .buffer, size: 10))
    let request = BufferRequest(name: "lfp", dataTag: "lfp", format: Self.float)
    #expect(try BufferAttributes(opening: request, on: circuit).cycleTag == nil)
  }

  @Test("One tag cannot be two things")
  func sameTag() {
    expect(
      .sameTag, "tag lfp_c is both idx_tag and cycle_tag; each needs a tag of its own",
      TableCircuit.with()
    ) { $0.indexTag = "lfp_c" }
    expect(
      .sameTag, "tag lfp_i is both idx_tag and sf_tag; each needs a tag of its own",
      TableCircuit.with()
    ) { $0.scalingTag = "lfp_i" }
  }

  @Test(
    "The scaling factor is zero, negative or not finite",
    arguments: [(Float(0), "0.0"), (-2, "-2.0"), (.infinity, "inf"), (.nan, "nan")])
  func scalingFactor(factor: Float, text: String) {
    expect(
      .badScalingFactor,
      "scaling factor \(text) (tag lfp_sf) is not allowed: it must be positive and finite",
      TableCircuit.with(scale: factor))
  }

  @Test(
    "The circuit's decimation is no whole number from 1",
    arguments: [(Float(0), "0.0"), (1.5, "1.5"), (.nan, "nan")])
  func decimation(ticks: Float, text: String) {
    expect(
      .badDecimation,
      "decimation \(text) (tag lfp_d) is not allowed: a whole number from 1",
      TableCircuit.with(decimation: ticks))
  }

  @Test("The circuit's size is beyond what it allocated, or no whole number")
  func sizeTag() {
    let circuit = TableCircuit.with(slots: 4000)
    for (size, text) in [(Float(4001), "4001.0"), (0, "0.0"), (10.5, "10.5")] {
      circuit.scalars["lfp_n"] = size
      expect(
        .badSize,
        "size \(text) slots (tag lfp_n) is not allowed: 1 … 4000, what the circuit allocated",
        circuit)
    }
  }

  @Test("The circuit's size is no multiple of the words per tick")
  func wordsPerTick() {
    let circuit = TableCircuit.with(slots: 4000)
    circuit.scalars["lfp_n"] = 3999
    expect(
      .badSize, "3999 slots are no multiple of the 4 words per tick of 8 channels of int16",
      circuit
    ) { $0.format = SlotFormat(source: .int16, destination: .float32, channels: 8) }
  }

  @Test("The size asked for is no whole number of slots")
  func wholeSlots() {
    expect(
      .badSize,
      "size 401 is not allowed: multiples of 4 (whole slots) up to 16000 samples per channel",
      TableCircuit.with()
    ) {
      $0.format = SlotFormat(source: .int8, destination: .float32, channels: 1)
      $0.size = 401
    }
  }

  @Test("The size asked for is zero, negative or enormous", arguments: [0, -8, .max])
  func senselessSize(size: Int) {
    expect(
      .badSize,
      "size \(size) is not allowed: multiples of 1 (whole slots) up to 2000 samples per channel",
      TableCircuit.with()
    ) {
      $0.format = SlotFormat(source: .float32, destination: .float32, channels: 2)
      $0.size = size
    }
  }

  @Test("The size asked for is above the maximum")
  func aboveMaximum() {
    let circuit = TableCircuit.with(slots: 4000)
    expect(
      .badSize,
      "size 501 (4008 slots) is not allowed: 1 … 500 samples per channel (4000 slots)", circuit
    ) {
      $0.format = SlotFormat(source: .int16, destination: .float32, channels: 16)
      $0.size = 501
    }
    #expect(circuit.settings.isEmpty)
  }

  @Test("A ring whose index float32 could not hold")
  func aboveExactIndex() {
    expect(
      .badSize,
      "size 20000000 (20000000 slots) is not allowed: 1 … 16777216 samples per channel "
        + "(16777216 slots)", TableCircuit.with(slots: 20_000_000))
  }

  @Test("A size is asked for that cannot be set")
  func noSizeTag() {
    expect(
      .badSize,
      "size 100 cannot be set: the circuit has no tag lfp_n; leave size out, or give 4000",
      TableCircuit.with().without("lfp_n")
    ) { $0.size = 100 }
  }

  @Test("The size that is there can be asked for without a size tag")
  func sizeAsIs() throws {
    let circuit = TableCircuit.with().without("lfp_n")
    var request = BufferRequest(name: "lfp", dataTag: "lfp", format: Self.float)
    request.size = 4000
    #expect(try BufferAttributes(opening: request, on: circuit).size == 4000)
  }

  @Test("Channels that do not fill whole slots")
  func channels() {
    expect(
      .badChannels,
      "3 channels of int16 do not fill whole slots: a multiple of 2, or one channel",
      TableCircuit.with()
    ) { $0.format = SlotFormat(source: .int16, destination: .float32, channels: 3) }
  }

  @Test("Channels that are not positive", arguments: [0, -4])
  func positiveChannels(channels: Int) {
    expect(
      .badChannels, "channels \(channels) is not allowed: at least 1", TableCircuit.with()
    ) { $0.format = SlotFormat(source: .float32, destination: .float32, channels: channels) }
  }

  @Test("Layout time with several channels")
  func layout() {
    expect(
      .badLayout, "layout time is for a single channel, not for 4 channels", TableCircuit.with()
    ) {
      $0.format = SlotFormat(
        source: .int16, destination: .float32, channels: 4, layout: .time)
    }
  }

  @Test("A block of less than a frame", arguments: [0, -1])
  func blockBelow(block: Int) {
    expect(
      .badBlockSize, "block_size \(block) is not allowed: at least 1", TableCircuit.with()
    ) { $0.blockSize = block }
  }

  @Test("A block larger than the buffer")
  func blockAbove() {
    expect(
      .badBlockSize, "block_size 4001 is not allowed: 1 … 4000 (the buffer's size)",
      TableCircuit.with()
    ) { $0.blockSize = 4001 }
  }

  @Test("A block of parts of slots in layout time")
  func blockParts() {
    expect(
      .badBlockSize,
      "block_size 6 is not allowed in layout time: multiples of 4, the samples per slot",
      TableCircuit.with()
    ) {
      $0.format = SlotFormat(source: .int8, destination: .float32, channels: 1)
      $0.blockSize = 6
    }
  }

  @Test("A decimation is asked for that cannot be set")
  func noDecimationTag() {
    let circuit = TableCircuit.with().without("lfp_d")
    expect(
      .noDecimationTag,
      "dec_factor 2 was asked for, but the circuit has no tag lfp_d: leave dec_factor out, or "
        + "name the tag (dec_tag)", circuit
    ) {
      $0.decimation = 2
      $0.size = 100
    }
    #expect(circuit.settings.isEmpty, "nothing is set before everything is checked")
  }

  @Test("A decimation that is not allowed", arguments: [0, -1, 16_777_217])
  func badDecimation(ticks: Int) {
    expect(
      .badDecimation, "dec_factor \(ticks) is not allowed: 1 … 16777216", TableCircuit.with()
    ) { $0.decimation = ticks }
  }

  @Test("A name that could not stand in the file", arguments: ["a/b", "a:b", ""])
  func name(name: String) {
    expect(
      .badName, "the name is not allowed: it must not be empty or contain / or :",
      TableCircuit.with(), buffer: name
    ) { $0.name = name }
  }

  @Test("A resize is checked like opening, and leaves the buffer as it was")
  func resizing() throws {
    let circuit = TableCircuit.with(slots: 4000)
    var request = BufferRequest(
      name: "lfp", dataTag: "lfp",
      format: SlotFormat(source: .int16, destination: .float32, channels: 16), blockSize: 100)
    var attributes = try BufferAttributes(opening: request, on: circuit)
    func refused(_ size: Int) -> String? {
      #expect(throws: BufferError.self) { try attributes.resize(to: size, on: circuit) }?.message
    }
    #expect(
      refused(501)
        == "size 501 (4008 slots) is not allowed: 1 … 500 samples per channel (4000 slots)")
    #expect(refused(99) == "block_size 100 is not allowed: 1 … 99 (the buffer's size)")
    #expect(
      refused(0)
        == "size 0 is not allowed: multiples of 1 (whole slots) up to 500 samples per channel")
    #expect(attributes.size == 500)
    #expect(circuit.settings.isEmpty)
    request.format = SlotFormat(source: .int16, destination: .float32, channels: 1)
    attributes = try BufferAttributes(opening: request, on: circuit)
    #expect(
      refused(301)
        == "size 301 is not allowed: multiples of 2 (whole slots) up to 8000 samples per channel")
  }

  private static let float = SlotFormat(source: .float32, destination: .float32, channels: 1)

  private func expect(
    _ kind: BufferError.Kind, _ message: String, _ circuit: TableCircuit, buffer: String = "lfp",
    sourceLocation: SourceLocation = #_sourceLocation,
    change: (inout BufferRequest) -> Void = { _ in }
  ) {
    var request = BufferRequest(name: "lfp", dataTag: "lfp", format: Self.float)
    change(&request)
    let error = #expect(throws: BufferError.self, sourceLocation: sourceLocation) {
      try BufferAttributes(opening: request, on: circuit)
    }
    #expect(error?.kind == kind, sourceLocation: sourceLocation)
    #expect(error?.message == message, sourceLocation: sourceLocation)
    #expect(error?.description == "buffer \(buffer): \(message)", sourceLocation: sourceLocation)
  }
}
