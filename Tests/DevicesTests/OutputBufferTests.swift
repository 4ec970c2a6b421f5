import Clocks
import Devices
import Samples
import Simulator
import Testing

/// An output of 1000 slots at 1000 ticks a second, and an input that records what it plays.
@Suite("An output buffer")
struct OutputBufferTests {
  private static let float = SlotFormat(source: .float32, destination: .float32, channels: 1)

  // MARK: - Epochs

  @Test("A waveform is played from its first value on, at its own length")
  func set() throws {
    let rig = try Rig(gate: .init(trigger: .software(2), length: .ring, resetsPosition: true))
    let output = try rig.output()
    try output.set(ramp(1...300))
    #expect(try rig.circuit.values(of: ["speaker_n"]) == [300])
    #expect(output.attributes.size == 300)
    try rig.run()
    _ = try rig.recorded(0.1)
    try rig.circuit.fire(.software(2), mode: .pulse)
    let played = try rig.recorded(0.5)
    // Its first value is on the output before it is enabled, and after it has wrapped.
    let onset = try #require(played.firstIndex(of: 2)) - 1
    #expect(Array(played[onset..<onset + 300]) == ramp(1...300))
    #expect(Set(played[..<onset]) == [1])
    #expect(Set(played[(onset + 300)...]) == [1])
  }

  @Test("A shorter and a longer waveform can follow")
  func setAgain() throws {
    let rig = try Rig()
    let output = try rig.output()
    for length in [300, 20, 1000] {
      try output.set(ramp(1...length))
      #expect(output.attributes.size == length)
    }
    let error = #expect(throws: BufferError.self) { try output.set(ramp(1...1001)) }
    #expect(error?.kind == .badSize)
    #expect(
      error?.message
        == "1001 frames are not allowed: 1 … 1000, what the circuit has memory for")
  }

  @Test("Without a size tag the length must match")
  func exactLength() throws {
    let rig = try Rig { $0.size = nil }
    let output = try rig.output()
    try output.set(ramp(1...1000))
    let error = #expect(throws: BufferError.self) { try output.set(ramp(1...999)) }
    #expect(
      error?.message
        == "999 frames are not allowed: exactly 1000, for the circuit has no tag speaker_n that sets "
        + "the size (another name: size_tag)")
  }

  @Test("Integer formats of several channels are scaled; what does not fit is saturated, counted")
  func scaled() throws {
    let format = SlotFormat(source: .int16, destination: .int16, channels: 2)
    let circuit = TableCircuit.with("speaker", slots: 1000, scale: 1000)
    let output = try open(format, circuit)
    try output.set([0.5, -0.5, 1.25, -1.25, 40, -40])
    #expect(output.saturatedSamples == 2)
    #expect(circuit.settings == ["speaker_n 3.0"])
    // Channel 0 in the low half: 500 and -500, 1250 and -1250, 32767 and -32768.
    #expect(circuit.memory[..<4] == [0xFE0C_01F4, 0xFB1E_04E2, 0x8000_7FFF, 0])
  }

  @Test("Values that fill no whole frame are refused")
  func wholeFrames() throws {
    let format = SlotFormat(source: .int8, destination: .int8, channels: 1)
    let output = try open(format, TableCircuit.with("speaker"))
    let error = #expect(throws: BufferError.self) { try output.set(ramp(1...6)) }
    #expect(
      error?.message
        == "6 frames do not fill whole slots; allowed: multiples of 4")
    let stereo = try open(
      SlotFormat(source: .float32, destination: .float32, channels: 2),
      TableCircuit.with("speaker"))
    #expect(
      #expect(throws: BufferError.self) { try stereo.set(ramp(1...5)) }?.message
        == "5 values are no whole number of frames; allowed: multiples of 2, the channels")
  }

  @Test("What the type would limit is counted before anything is queued")
  func saturation() throws {
    let format = SlotFormat(source: .int8, destination: .int8, channels: 1)
    let output = try open(format, TableCircuit.with("speaker", scale: 100))
    // 127 and -128 codes are the limits; a slot holds four samples.
    #expect(output.saturatedSamples(in: [1.27, 1.28, -1.28, -1.29, 9]) == 3)
    #expect(output.saturatedSamples == 0)
  }

  @Test("Clearing writes zeros to exactly the buffer", arguments: [SourceType.int8, .float32])
  func clear(source: SourceType) throws {
    let format = SlotFormat(source: source, destination: .float32, channels: 4)
    let circuit = TableCircuit.with("speaker", slots: 1000)
    let output = try open(format, circuit)
    try output.set([Float](repeating: 1, count: 4 * output.attributes.maximumSize))
    try output.set([Float](repeating: 2, count: 4 * 100))
    try output.clear()
    let cleared = 100 * format.slotsPerUnit
    #expect(circuit.memory.count == 1000)
    #expect(circuit.memory[..<cleared].allSatisfy { $0 == 0 })
    #expect(circuit.memory[cleared...].allSatisfy { $0 != 0 })
  }

  // MARK: - Continuous output

  @Test("What is written ahead of the position is played without a break")
  func continuous() throws {
    let rig = try Rig()
    let output = try rig.output()
    #expect(try output.available() == 1000)
    try output.write(ramp(1...600))
    #expect(try output.available() == 400)
    #expect(output.nextOffset == 600)
    try rig.run()
    var next = 601
    var played: [Float] = []
    for _ in 0..<40 {
      played += try rig.recorded(0.1)
      let room = try output.available()
      #expect(output.playedOffset == Int64(played.count))
      try output.write(ramp(next...next + room - 1))
      next += room
    }
    #expect(output.underruns == 0)
    #expect(played == ramp(1...played.count))
    #expect(output.nextOffset == Int64(next - 1))
  }

  @Test("Blocks available are whole ones")
  func blocks() throws {
    let rig = try Rig()
    let output = try rig.output(blockSize: 300)
    #expect(try output.blocksAvailable() == 3)
    try output.write(ramp(1...600))
    #expect(try output.blocksAvailable() == 1)
  }

  @Test("More than is available is refused, and nothing is overwritten")
  func tooMuch() throws {
    let rig = try Rig()
    let output = try rig.output()
    try output.write(ramp(1...600))
    let error = #expect(throws: BufferError.self) { try output.write(ramp(1...401)) }
    #expect(error?.kind == .notPending)
    #expect(error?.message == "401 samples were offered, but 400 are available")
    #expect(output.nextOffset == 600)
  }

  @Test("What is queued and not yet played can be replaced")
  func replace() throws {
    let rig = try Rig()
    let output = try rig.output()
    try output.write(ramp(1...900))
    try rig.run()
    _ = try output.available()
    #expect(output.playedOffset == 250)
    #expect(try output.available(at: 400) == 850)
    try output.write(ramp(5001...5100), at: 400)
    #expect(output.nextOffset == 500)
    let played = try rig.recorded(0.2)
    #expect(played == ramp(1...400) + ramp(5001...5050))
  }

  @Test("What was played, or is not queued, cannot be replaced")
  func replaceNot() throws {
    let rig = try Rig()
    let output = try rig.output()
    try output.write(ramp(1...900))
    try rig.run()
    for offset in [Int64(249), 901] {
      let error = #expect(throws: BufferError.self) { try output.write([0], at: offset) }
      #expect(error?.kind == .notQueued)
      #expect(
        error?.message == "offset \(offset) is not allowed: 250 … 900, what is queued")
    }
  }

  @Test(
    "An underrun is seen by the position, counted, and writing goes on", arguments: [true, false])
  func underrun(hasCycle: Bool) throws {
    let rig = try Rig { if !hasCycle { $0.cycle = nil } }
    let output = try rig.output()
    try output.write(ramp(1...300))
    try rig.run()
    _ = try rig.recorded(0)
    #expect(try output.available() == 950)
    #expect(output.underruns == 0)
    // 50 are left for the next 200 ms.
    var played = try rig.recorded(0.2)
    #expect(try output.available() < 1000)
    #expect(output.underruns == 1)
    let (offset, _) = try output.write(ramp(301...500))
    #expect(offset == 453)
    #expect(output.underrunFrames == 153)
    played += try rig.recorded(0.1)
    #expect(output.underruns == 1)
    // What was in the memory was played meanwhile: zeros.
    let onset = Int(offset) - 250
    #expect(Set(played[50..<onset]) == [0])
    #expect(Array(played[onset...]) == ramp(301...300 + played.count - onset))
  }

  @Test("What arrives too late is an underrun though it was written")
  func lateWrite() throws {
    let rig = try Rig(latency: .optical)
    let output = try rig.output()
    try output.write(ramp(1...300))
    try rig.run()
    rig.rig.wait(0.03)
    let left = try 1000 - output.available()
    rig.rig.wait(Double(left) * 0.001 - 0.0015)
    // Two frames are left; the write takes longer.
    try output.write(ramp(301...500))
    #expect(output.underruns == 1)
    #expect(output.underrunFrames > 0 && output.underrunFrames < 10)
  }

  @Test("A store that ran before anything was queued has not run dry")
  func startWhileRunning() throws {
    let rig = try Rig()
    try rig.run()
    let output = try rig.output()
    #expect(try output.available() <= 1000)
    let (offset, _) = try output.write(ramp(1...100))
    // 50 ms ahead of the position, so that it is in time even if the write is slow.
    #expect(offset == 301)
    #expect(output.underruns == 0)
  }

  // MARK: - Help

  private func ramp(_ values: ClosedRange<Int>) -> [Float] { values.map(Float.init) }

  private func open(_ format: SlotFormat, _ circuit: TableCircuit) throws -> OutputBuffer {
    let request = BufferRequest(name: "speaker", dataTag: "speaker", format: format)
    return OutputBuffer(try BufferAttributes(opening: request, on: circuit), on: circuit)
  }

  /// Calls take no time unless said.
  private final class Rig {
    let rig: SimulatedRig
    private let recorder: InputBuffer
    var circuit: SimulatedCircuit { rig.circuit }

    init(
      _ format: SlotFormat = float, gate: SimulatedStore.Gate? = nil,
      latency: LatencyModel = .none, change: (inout SimulatedStore) -> Void = { _ in }
    ) throws {
      var speaker = SimulatedStore(
        .output, data: "speaker", format: format, slots: 1000, gate: gate)
      change(&speaker)
      rig = try SimulatedRig([
        speaker, SimulatedStore(data: "lfp", format: float, slots: 2000),
      ]) {
        $0.rate = 1000
        $0.latency = latency
        $0.signals = ["lfp": .playedBy(dataTag: "speaker")]
      }
      recorder = try rig.input(float)
    }

    func run() throws {
      _ = try recorder.read()
      try rig.circuit.run()
    }

    func recorded(_ seconds: Double) throws -> [Float] {
      rig.wait(seconds)
      return try recorder.read().values()
    }

    func output(_ format: SlotFormat = float, blockSize: Int? = nil) throws -> OutputBuffer {
      try OutputBuffer(
        BufferAttributes(
          opening: BufferRequest(
            name: "speaker", dataTag: "speaker", format: format, blockSize: blockSize),
          on: circuit),
        on: circuit)
    }
  }
}
