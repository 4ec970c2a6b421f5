import Clocks
import Devices
import Samples
import Simulator
import Testing

/// At 1000 frames a second the simulator's counter says which millisecond a frame is of.
@Suite("An input buffer")
struct InputBufferTests {
  private static let counts = SlotFormat(source: .int32, destination: .int32, channels: 2)

  @Test("Reads every frame once and in order, latched or not", arguments: [nil, 3] as [Int?])
  func continuous(latch: Int?) throws {
    let rig = try rig(latch: latch, latency: .optical)
    let buffer = try rig.input(Self.counts, latch: latch)
    try rig.circuit.run()
    #expect(try buffer.read().frameCount == 0, "reading begins with the first call")
    var next: Int32?
    for _ in 0..<40 {
      rig.wait(0.1)
      let block = try buffer.read()
      #expect(block.losses.isEmpty)
      #expect(block.frameCount >= 99 && block.frameCount < 130)
      let values = block.values(as: Int32.self)
      for frame in 0..<block.frameCount {
        let expected = next ?? values[0]
        #expect(values[2 * frame] == expected)
        #expect(values[2 * frame + 1] == expected + 1000)
        next = expected + 1
      }
    }
  }

  @Test("Pending counts frames, and blocks rounded down")
  func pending() throws {
    let rig = try begun(blockSize: 64)
    rig.rig.wait(0.2)
    #expect(try rig.buffer.pending() == 200)
    #expect(try rig.buffer.blocksPending() == 3)
    #expect(try rig.buffer.read().frameCount == 192)
    #expect(try rig.buffer.pending() == 8)
    let rest = try rig.buffer.readAll()
    #expect(rest.frameCount == 8)
    #expect(rest.firstFrame == 192)
    #expect(try rig.buffer.pending() == 0)
  }

  @Test("So many samples are read as are asked for, in whole blocks")
  func readSamples() throws {
    let rig = try begun(blockSize: 10)
    rig.rig.wait(0.2)
    #expect(try rig.buffer.read(samples: 50).frameCount == 50)
    #expect(try rig.buffer.read(samples: 59).frameCount == 50)
    #expect(try rig.buffer.read(samples: 0).frameCount == 0)
    #expect(rig.buffer.nextFrame == 100)
    #expect(try rig.buffer.pending() == 100)
  }

  @Test("Asking for more than is pending says so and reads nothing")
  func overAsking() throws {
    let rig = try begun()
    rig.rig.wait(0.2)
    let error = #expect(throws: BufferError.self) { try rig.buffer.read(samples: 201) }
    #expect(error?.kind == .notPending)
    #expect(error?.message == "201 samples were asked for, but 200 are pending")
    #expect(try rig.buffer.read(samples: 200).frameCount == 200)
  }

  @Test("A negative number of samples is a programming error")
  func negative() async {
    await #expect(processExitsWith: .failure) {
      let rig = try InputBufferTests().begun()
      _ = try rig.buffer.read(samples: -3)
    }
  }

  @Test("An overrun is an exact range, and reading goes on")
  func overrun() throws {
    let rig = try begun(blockSize: 10)
    rig.rig.wait(0.1)
    #expect(try rig.buffer.read().endFrame == 100)
    // The ring holds 500 frames; 700 come.
    rig.rig.wait(0.7)
    let block = try rig.buffer.read()
    #expect(block.losses == [.init(first: 100, count: 200, reason: .overrun, uncertainty: 0)])
    #expect(block.firstFrame == 300)
    #expect(block.frameCount == 500)
    #expect(block.values(as: Int32.self)[0] == rig.first + 300)
    rig.rig.wait(0.1)
    let next = try rig.buffer.read()
    #expect(next.losses.isEmpty)
    #expect(next.firstFrame == 800)
    #expect(next.frameCount == 100)
  }

  @Test("A loss that a look at the position found is reported with the next read")
  func lossFoundByPending() throws {
    let rig = try begun()
    rig.rig.wait(0.7)
    #expect(try rig.buffer.pending() == 500)
    let block = try rig.buffer.read(samples: 100)
    #expect(block.losses == [.init(first: 0, count: 200, reason: .overrun, uncertainty: 0)])
    #expect(block.firstFrame == 200)
    #expect(block.frameCount == 100)
    #expect(try rig.buffer.read().losses.isEmpty)
  }

  @Test("A lap during the transfer loses what was overwritten, and no more")
  func lapDuringTransfer() throws {
    let rig = try begun { $0.faults = [CircuitFault(kind: .lap(times: 0.8), at: 0.4)] }
    rig.rig.wait(0.3)
    let block = try rig.buffer.read()
    // 300 were written; 400 more came while they travelled.
    #expect(block.losses == [.init(first: 0, count: 200, reason: .overrun, uncertainty: 0)])
    #expect(block.firstFrame == 200)
    #expect(block.values(as: Int32.self).first == rig.first + 200)
    #expect(block.frameCount == 100)
  }

  @Test("Resetting skips what is pending")
  func resetRead() throws {
    let rig = try begun()
    rig.rig.wait(0.2)
    try rig.buffer.resetRead()
    #expect(try rig.buffer.pending() == 0)
    rig.rig.wait(0.1)
    let block = try rig.buffer.read()
    #expect(block.firstFrame == 200)
    #expect(block.frameCount == 100)
    #expect(block.losses.isEmpty)
  }

  @Test("A resized buffer is read anew, at its new size")
  func resize() throws {
    let rig = try begun()
    try rig.buffer.resize(to: 100)
    #expect(rig.buffer.attributes.sampleTime == 0.1)
    #expect(try rig.buffer.read().frameCount == 0)
    rig.rig.wait(0.15)
    let block = try rig.buffer.read()
    #expect(block.losses == [.init(first: 0, count: 50, reason: .overrun, uncertainty: 0)])
    #expect(block.frameCount == 100)
    let error = #expect(throws: BufferError.self) { try rig.buffer.resize(to: 501) }
    #expect(error?.kind == .badSize)
  }

  @Test("A changed scaling factor counts from the next poll on; the frames about it are marked")
  func changedScaling() throws {
    let format = SlotFormat(source: .int32, destination: .float32, channels: 2)
    let rig = try begun(format)
    rig.rig.wait(0.1)
    #expect(try !rig.buffer.read().isScalingUncertain)
    try rig.rig.circuit.set("lfp_sf", to: 2)
    rig.rig.wait(0.1)
    #expect(try rig.buffer.read().isScalingUncertain)
    rig.rig.wait(0.1)
    #expect(try rig.buffer.read().isScalingUncertain)
    rig.rig.wait(0.1)
    let block = try rig.buffer.read()
    #expect(!block.isScalingUncertain)
    #expect(rig.buffer.attributes.scalingFactor == 2)
  }

  @Test(
    "A change that makes the codes mean something else ends the reading",
    arguments: [("lfp_sf", 2), ("lfp_n", 500), ("lfp_d", 2)] as [(String, Float)])
  func changed(tag: String, value: Float) throws {
    let rig = try begun()
    try rig.rig.circuit.set(tag, to: value)
    let error = #expect(throws: BufferError.self) { try rig.buffer.read() }
    #expect(error?.kind == .changed)
    #expect(error?.message.hasPrefix("tag \(tag) changed from ") == true)
  }

  @Test("A sample that does not fit is named with its place")
  func outOfRange() throws {
    let format = SlotFormat(source: .float32, destination: .int8, channels: 1)
    let rig = try SimulatedRig([SimulatedStore(data: "lfp", format: format, slots: 1000)]) {
      $0.rate = 1000
      $0.latency = .none
    }
    let buffer = try rig.input(format)
    try rig.circuit.run()
    _ = try buffer.read()
    rig.wait(0.2)
    let error = #expect(throws: BufferError.self) { try buffer.read() }
    #expect(error?.kind == .outOfRange)
    // The circuit had run for 250 ms.
    #expect(error?.message == "frame 0, channel 0: 250.0 does not fit int8")
  }

  @Test(
    "Values come in the type asked for",
    arguments: [DestinationType.float32, .float64, .int32, .int16])
  func types(destination: DestinationType) throws {
    let format = SlotFormat(source: .int16, destination: destination, channels: 2)
    let rig = try SimulatedRig([SimulatedStore(data: "lfp", format: format, slots: 1000)]) {
      $0.rate = 1000
      $0.latency = .none
    }
    let buffer = try rig.input(format)
    try rig.circuit.run()
    _ = try buffer.read()
    rig.wait(0.01)
    let block = try buffer.read()
    #expect(block.type == destination)
    #expect(block.bytes.count == 10 * 2 * destination.byteCount)
    let first = block.doubles[0]
    let expected: [Double] = (0..<10).flatMap { frame -> [Double] in
      [first + Double(frame), first + Double(frame) + 1000]
    }
    #expect(block.doubles == expected)
  }

  // MARK: - Help

  private func rig(
    latch: Int? = nil, latency: LatencyModel = .none,
    change: (inout CircuitSimulation) -> Void = { _ in }
  ) throws -> SimulatedRig {
    try SimulatedRig(
      [SimulatedStore(data: "lfp", format: Self.counts, slots: 1000)], latch: latch
    ) {
      $0.rate = 1000
      $0.latency = latency
      change(&$0)
    }
  }

  struct Begun {
    let rig: SimulatedRig
    let buffer: InputBuffer
    /// What the counter said in frame 0.
    let first: Int32
  }

  /// A running circuit of 500 frames of two channels, read up to now; calls take no time.
  private func begun(
    _ format: SlotFormat = counts, blockSize: Int = 1,
    change: (inout CircuitSimulation) -> Void = { _ in }
  ) throws -> Begun {
    let rig = try rig(change: change)
    try rig.circuit.run()
    // The frame before is found with a second buffer on the same store.
    let probe = try rig.input(Self.counts)
    _ = try probe.read()
    rig.wait(0.001)
    let last = try probe.read().values(as: Int32.self)[0]
    let buffer = try rig.input(format, blockSize: blockSize)
    _ = try buffer.read()
    return Begun(rig: rig, buffer: buffer, first: last + 1)
  }
}
