import Clocks
import Devices
import Foundation
import Samples
import Testing

@testable import Simulator

@Suite struct SignalTests {
  /// Frames of a float store as [frame][channel].
  private func frames(
    _ model: SignalModel, _ range: Range<Int64>, channels: Int = 1, rate: Double = 1000,
    seed: UInt64 = 1
  ) throws -> [[Float]] {
    let bench = SimulatorBench()
    let circuit = try bench.circuit([.float(channels: channels)]) {
      $0.rate = rate
      $0.seed = seed
      $0.signals["x"] = model
    }
    try circuit.run()
    let words = try #require(circuit.words(ofFrames: range, in: "x"))
    return stride(from: 0, to: words.count, by: channels).map { start in
      words[start..<start + channels].map { Float(bitPattern: $0) }
    }
  }

  private func statistics(_ values: [Float]) -> (mean: Double, deviation: Double) {
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    let square = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    return (mean, (square / Double(values.count)).squareRoot())
  }

  @Test(
    "A counter wraps to its type and shows frame and channel",
    arguments: [SourceType.int8, .int16, .int32], PackOrder.allCases)
  func counter(source: SourceType, order: PackOrder) throws {
    let bench = SimulatorBench()
    let format = SlotFormat(source: source, destination: .int32, channels: 8, packOrder: order)
    let circuit = try bench.circuit([
      SimulatedStore(data: "x", format: format, slots: 8000, scalingFactor: 7)
    ])
    try circuit.run()
    let start: Int64 = 32_760
    let words = try #require(circuit.words(ofFrames: start..<start + 300, in: "x"))
    var codes = [Int32](repeating: 0, count: 300 * 8)
    let decoder = SlotDecoder(format: format, scalingFactor: 7)
    try words.withUnsafeBufferPointer { words in
      try codes.withUnsafeMutableBytes { try decoder.decode(words, into: $0) }
    }
    for frame in 0..<300 {
      for channel in 0..<8 {
        let number = start + Int64(frame) + 1000 * Int64(channel)
        let expected: Int32 =
          switch source {
          case .int8: Int32(Int8(truncatingIfNeeded: number))
          case .int16: Int32(Int16(truncatingIfNeeded: number))
          default: Int32(number)
          }
        #expect(codes[frame * 8 + channel] == expected)
      }
    }
  }

  @Test("A float counter starts again at 2^20, which float32 still counts")
  func floatCounter() throws {
    let values = try frames(.counter, (1 << 20) - 1..<(1 << 20) + 1, channels: 2)
    #expect(values == [[1_048_575, 1_049_575], [0, 1000]])
  }

  @Test("Successive times of one channel fill a slot")
  func timeLayout() throws {
    let bench = SimulatorBench()
    let format = SlotFormat(source: .int16, destination: .int16, channels: 1)
    let circuit = try bench.circuit([SimulatedStore(data: "x", format: format, slots: 1000)]) {
      $0.rate = 1000
    }
    try circuit.run()
    let (ring, words) = try bench.poll(circuit, "x", size: 1000, from: 0, room: 3)
    #expect(ring.first.index == 125)
    #expect(words == [0x0001_0000, 0x0003_0002, 0x0005_0004])
  }

  @Test("A sine has its amplitude, frequency and phase step")
  func sine() throws {
    let values = try frames(
      .sine(amplitude: 2, frequency: 1, phaseStep: 0.25), 0..<1000, channels: 2)
    // Frame n is sampled at tick n + 1.
    #expect(abs(values[999][0]) < 1e-6)
    #expect(values[999][1] == 2)
    #expect(values[249][0] == 2)
    #expect(abs(values[249][1]) < 1e-6)
    #expect(values[749][0] == -2)
  }

  @Test(
    "Noise has its deviation and correlation, on every channel another", arguments: [0, 0.5, 0.99])
  func noise(correlation: Double) throws {
    let values = try frames(
      .noise(deviation: 3, correlation: correlation), 0..<40_000, channels: 2, seed: 4)
    let first = values.map { $0[0] }
    let (mean, deviation) = statistics(first)
    // 40 000 samples, of which (1 − ρ) / (1 + ρ) are independent: 200 at 0.99.
    #expect(abs(mean) < 0.9)
    #expect(abs(deviation - 3) < 0.4)
    let lag = zip(first, first.dropFirst()).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let square = first.reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect(abs(lag / square - correlation) < 0.03)
    let across = values.reduce(0.0) { $0 + Double($1[0]) * Double($1[1]) }
    #expect(abs(across / square) < 0.3)
  }

  @Test(
    "Every signal is a function of the frame alone: read in any order, in any pieces",
    arguments: [
      SignalModel.noise(deviation: 1, correlation: 0.97),
      .spikes(amplitude: 100, rate: 30, noise: 5),
      .sum([
        .sine(amplitude: 3, frequency: 17, phaseStep: 0.1), .noise(deviation: 1, correlation: 0),
      ]),
      .channel(1, .counter, else: .noise(deviation: 2, correlation: 0.5)),
    ])
  func order(model: SignalModel) throws {
    let bench = SimulatorBench()
    let circuit = try bench.circuit([.float(channels: 3)]) { $0.signals["x"] = model }
    try circuit.run()
    let whole = try #require(circuit.words(ofFrames: 0..<5000, in: "x"))
    var random = SplitMix64(seed: 8)
    for _ in 0..<100 {
      let start = random.next(below: 4900)
      let end = start + 1 + random.next(below: 100)
      let part = try #require(circuit.words(ofFrames: Int64(start)..<Int64(end), in: "x"))
      #expect(part == Array(whole[3 * start..<3 * end]), "frames \(start) ..< \(end)")
    }
  }

  @Test("Spikes come at their rate and reach their peak downwards")
  func spikes() throws {
    let values = try frames(
      .spikes(amplitude: 50, rate: 20, noise: 0), 0..<2_441_406, rate: 24414.0625
    ).map { $0[0] }
    let troughs = values.indices.dropFirst().filter { values[$0] < -25 && values[$0 - 1] >= -25 }
    // 100 s at 20 Hz: 2000 spikes, with a deviation of about 45.
    #expect((1800...2200).contains(troughs.count))
    #expect((-50...(-45)).contains(try #require(values.min())))
    #expect((20...25.01).contains(try #require(values.max())))
  }

  @Test("A stored array plays frame by frame, then zeros or again")
  func playback() throws {
    let path = NSTemporaryDirectory() + "daqrec-playback-\(UInt64.random(in: 0 ... .max)).npy"
    let array = NumpyArray(elements: .int16([1, 10, 2, 20, 3, 30]), channels: 2)
    #expect(FileManager.default.createFile(atPath: path, contents: Data(array.serialized)))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let once = try frames(.playback(path: path, scale: 0.5, loop: false), 0..<5, channels: 2)
    #expect(once == [[0.5, 5], [1, 10], [1.5, 15], [0, 0], [0, 0]])
    let again = try frames(.playback(path: path, scale: 1, loop: true), 2..<5, channels: 3)
    #expect(again == [[3, 30, 30], [1, 10, 10], [2, 20, 20]])
    #expect(throws: DeviceError.self) {
      try frames(.playback(path: path + ".gone", scale: 1, loop: true), 0..<1)
    }
  }

  @Test("A stored array begins with the gate of its store, again with each trigger")
  func gatedPlayback() throws {
    let path = NSTemporaryDirectory() + "daqrec-playback-\(UInt64.random(in: 0 ... .max)).npy"
    let array = NumpyArray(elements: .int16([1, 2, 3, 4, 5, 6]), channels: 1)
    #expect(FileManager.default.createFile(atPath: path, contents: Data(array.serialized)))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let bench = SimulatorBench()
    let store = SimulatedStore(
      data: "x", format: SlotFormat(source: .float32, destination: .float32, channels: 1),
      slots: 100, ticksPerFrame: 10,
      gate: .init(trigger: .software(2), length: .unlimited, resetsPosition: true))
    let circuit = try bench.circuit([store]) {
      $0.rate = 1000
      $0.signals["x"] = .playback(path: path, scale: 1, loop: false)
    }
    try circuit.run()
    for pause: Int64 in [313, 2718] {
      bench.wait(pause)
      try circuit.fire(.software(2), mode: .pulse)
      bench.wait(100)
      let words = try bench.poll(circuit, "x", size: 100, from: 0, room: 8).1
      #expect(words.map { Float(bitPattern: $0) } == [1, 2, 3, 4, 5, 6, 0, 0])
    }
  }

  @Test("A code beyond the type saturates or wraps, as the settings say")
  func overflow() throws {
    func code(_ overflow: SlotEncoder.Overflow) throws -> UInt32 {
      let bench = SimulatorBench()
      let format = SlotFormat(source: .int16, destination: .int16, channels: 2)
      let circuit = try bench.circuit([
        SimulatedStore(data: "x", format: format, slots: 10, scalingFactor: 1000)
      ]) {
        $0.overflow = overflow
        $0.signals["x"] = .sine(amplitude: 40, frequency: 0, phaseStep: 0.25)
      }
      try circuit.run()
      return try #require(circuit.words(ofFrames: 0..<1, in: "x"))[0]
    }
    // 40 · 1000 in the high half: 32767, or 40000 − 65536.
    #expect(try code(.saturate) == 0x7FFF_0000)
    #expect(try code(.wrap) == UInt32(40_000) << 16)
  }

  @Test("A store of stamps writes the tick of each period when it is over")
  func stamps() throws {
    let bench = SimulatorBench()
    let format = SlotFormat(source: .int32, destination: .int32, channels: 1)
    let circuit = try bench.circuit([SimulatedStore(.events, data: "x", format: format, slots: 50)])
    {
      $0.rate = 1000
      $0.signals["x"] = .stamps(period: 70)
    }
    try circuit.run()
    bench.wait(100)
    let (ring, words) = try bench.poll(circuit, "x", size: 50, from: 0, room: 50)
    #expect(ring.count == 5)
    #expect(words == [70, 140, 210, 280, 350])
    #expect(circuit.hostTime(ofTick: 350).map { $0 <= bench.timekeeper.now } == true)
  }

  @Test("An input hears what an output plays, stale data on underrun included")
  func playedBy() throws {
    let bench = SimulatorBench()
    let out = SimulatedStore(
      .output, data: "out",
      format: SlotFormat(source: .float32, destination: .float32, channels: 1), slots: 100)
    let circuit = try bench.circuit([out, .float(slots: 5000)]) {
      $0.rate = 1000
      $0.signals["x"] = .playedBy(dataTag: "out")
    }
    try circuit.run()
    func write(_ values: Range<Int>, from: Int64) throws -> RingPosition {
      let words = values.map { Float($0).bitPattern }
      let tags = RingTags(data: "out", index: "out_i", cycle: "out_c")
      return try words.withUnsafeBufferPointer {
        try circuit.write($0, to: tags, size: 100, from: from).position
      }
    }
    // Slot 300 is played at tick 300; the device is at 250.
    #expect(try write(1..<51, from: 300) == RingPosition(cycle: 2, index: 50))
    bench.wait(250)
    // By now slots 300 … 349 were played twice: as slots 400 … 449 again, unasked.
    #expect(try write(500..<510, from: 520) == RingPosition(cycle: 5, index: 0))
    bench.wait(100)
    let (_, words) = try bench.poll(circuit, "x", size: 5000, from: 0, room: 5000)
    let heard = words.map { Float(bitPattern: $0) }
    #expect(heard[0..<300].allSatisfy { $0 == 0 })
    #expect(heard[300..<350] == (1..<51).map { Float($0) }[...])
    #expect(heard[350..<400].allSatisfy { $0 == 0 })
    #expect(heard[400..<450] == (1..<51).map { Float($0) }[...])
    #expect(heard[500..<520] == (1..<21).map { Float($0) }[...])
    #expect(heard[520..<530] == (500..<510).map { Float($0) }[...])
    #expect(throws: DeviceError.self) {
      try frames(.playedBy(dataTag: "nothing"), 0..<1)
    }
  }

  @Test("An epoch plays the ring once at its trigger, and holds the first value before it")
  func epoch() throws {
    let bench = SimulatorBench()
    let gate = SimulatedStore.Gate(trigger: .software(2), length: .ring, resetsPosition: true)
    let out = SimulatedStore(
      .output, data: "out",
      format: SlotFormat(source: .float32, destination: .float32, channels: 1), slots: 100,
      gate: gate)
    let circuit = try bench.circuit([out, .float(slots: 5000)]) {
      $0.rate = 1000
      $0.signals["x"] = .playedBy(dataTag: "out")
    }
    try circuit.run()
    try circuit.set("out_n", to: 4)
    let words = [5, 6, 7, 8].map { Float($0).bitPattern }
    _ = try words.withUnsafeBufferPointer {
      try circuit.write(
        $0, to: RingTags(data: "out", index: "out_i", cycle: "out_c"), size: 4, from: 0)
    }
    bench.wait(50)
    for _ in 0..<2 {
      try circuit.fire(.software(2), mode: .pulse)
      bench.wait(100)
    }
    #expect(try circuit.values(of: ["out_i", "out_c"]) == [0, 1])
    let heard = try bench.poll(circuit, "x", size: 5000, from: 0, room: 5000).1.map {
      Float(bitPattern: $0)
    }
    let starts = heard.indices.filter { heard[$0] == 6 }
    #expect(starts.count == 2)
    for start in starts { #expect(heard[start - 1...start + 2] == [5, 6, 7, 8]) }
    #expect(starts.count == 2 && starts[1] - starts[0] == 100)
    #expect(heard[260] == 5)
  }
}
