import Devices
import Samples
import Testing

@Suite("Attributes of a buffer")
struct BufferAttributesTests {
  @Test("A decimation of 80 at 97656.25 Hz gives 1220.703125 frames a second")
  func decimation() throws {
    let circuit = TableCircuit.with(decimation: 80, rate: 97656.25)
    let attributes = try open(.init(source: .float32, destination: .float32, channels: 1), circuit)
    #expect(attributes.decimation == 80)
    #expect(attributes.rate == 1220.703125)
  }

  @Test("int8 is four samples a slot; a scaling factor of 127 resolves 1/127")
  func resolution() throws {
    let circuit = TableCircuit.with(scale: 127)
    let attributes = try open(.init(source: .int8, destination: .float32, channels: 4), circuit)
    #expect(attributes.format.source.samplesPerSlot == 4)
    #expect(attributes.scalingFactor == 127)
    #expect(attributes.resolution == 1.0 / 127)
  }

  @Test("A floating source has no resolution")
  func noResolution() throws {
    let attributes = try open(
      .init(source: .float32, destination: .float32, channels: 1), TableCircuit.with(scale: 2))
    #expect(attributes.resolution == nil)
  }

  @Test("4000 slots of int16 in 16 channels hold 8000 samples, 500 a channel, 0.04096 s")
  func sizes() throws {
    let circuit = TableCircuit.with(slots: 4000, rate: 12207.03125)
    let attributes = try open(.init(source: .int16, destination: .float32, channels: 16), circuit)
    #expect(attributes.slots == 4000)
    #expect(attributes.samples == 8000)
    #expect(attributes.size == 500)
    #expect(attributes.sampleTime == 0.04096)
    #expect(attributes.maximumSlots == 4000)
    #expect(attributes.maximumSamples == 8000)
    #expect(attributes.maximumSize == 500)
    #expect(attributes.maximumSampleTime == 0.04096)
    #expect(attributes.slotRate == 12207.03125 * 8)
  }

  @Test("Tags are found by suffix, or as named")
  func tags() throws {
    let circuit = TableCircuit.with()
    circuit.tags.append(TagInfo(name: "wraps", type: .integer, size: 1))
    var request = request(.init(source: .float32, destination: .float32, channels: 1))
    request.cycleTag = "wraps"
    let attributes = try BufferAttributes(opening: request, on: circuit)
    #expect(attributes.indexTag == "lfp_i")
    #expect(attributes.cycleTag == "wraps")
    #expect(attributes.sizeTag == "lfp_n")
    #expect(attributes.scalingTag == "lfp_sf")
    #expect(attributes.decimationTag == "lfp_d")
    #expect(circuit.settings.isEmpty)
  }

  @Test("Without the optional tags: allocated size, factor 1, decimation 1, index only")
  func optionalTags() throws {
    let circuit = TableCircuit.with(slots: 100, scale: 5, decimation: 7)
    for suffix in ["_n", "_sf", "_c", "_d"] { _ = circuit.without("lfp" + suffix) }
    let attributes = try open(.init(source: .int32, destination: .int32, channels: 1), circuit)
    #expect(attributes.slots == 100)
    #expect(attributes.scalingFactor == 1)
    #expect(attributes.decimation == 1)
    #expect(attributes.ringTags == RingTags(data: "lfp", index: "lfp_i", cycle: nil))
  }

  @Test(
    "A block size that is not given is the fewest frames",
    arguments: [
      (SourceType.int16, 1, 2), (.int8, 1, 4), (.float32, 1, 1), (.int16, 2, 1), (.int8, 8, 1),
    ])
  func fewestFrames(source: SourceType, channels: Int, block: Int) throws {
    let attributes = try open(
      .init(source: source, destination: .float32, channels: channels), TableCircuit.with())
    #expect(attributes.blockSize == block)
  }

  @Test("Size and decimation are set as asked, in slots and ticks")
  func settings() throws {
    let circuit = TableCircuit.with(slots: 4000)
    var request = request(.init(source: .int16, destination: .float32, channels: 16))
    request.size = 250
    request.decimation = 4
    let attributes = try BufferAttributes(opening: request, on: circuit)
    #expect(circuit.settings == ["lfp_n 2000.0", "lfp_d 4.0"])
    #expect(attributes.size == 250)
    #expect(attributes.slots == 2000)
    #expect(attributes.maximumSize == 500)
    #expect(attributes.rate == 24414.0625 / 4)
  }

  @Test("A buffer can be resized again, up and down")
  func resize() throws {
    let circuit = TableCircuit.with(slots: 4000)
    var attributes = try open(.init(source: .int8, destination: .float32, channels: 1), circuit)
    #expect(attributes.size == 16000)
    try attributes.resize(to: 400, on: circuit)
    #expect(attributes.slots == 100)
    try attributes.resize(to: 16000, on: circuit)
    #expect(attributes.slots == 4000)
    #expect(circuit.settings == ["lfp_n 100.0", "lfp_n 4000.0"])
  }

  private func request(_ format: SlotFormat) -> BufferRequest {
    BufferRequest(name: "lfp", dataTag: "lfp", format: format)
  }

  private func open(_ format: SlotFormat, _ circuit: TableCircuit) throws -> BufferAttributes {
    try BufferAttributes(opening: request(format), on: circuit)
  }
}
