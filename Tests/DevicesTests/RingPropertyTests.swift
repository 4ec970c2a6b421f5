import Clocks
import Devices
import Samples
import Testing

/// Random histories of a naive ring, polled by the reader: whatever happens, each frame delivered
/// is the right one at the right place, and whatever is missing is marked.
@Suite("Reading a ring, whatever happens")
struct RingPropertyTests {
  @Test("Nothing happens: nothing is lost but what was overwritten")
  func withoutFaults() {
    check(seeds: 1...200, breaksPerFault: 0) { RingHistory(seed: $0, faults: []) }
  }

  @Test("Torn positions are repaired without loss")
  func tornPositions() {
    check(seeds: 1...200, breaksPerFault: 0) {
      RingHistory(seed: $0, faults: [.torn], hasCycle: true)
    }
  }

  @Test("Stalls, resets and tears leave nothing unmarked")
  func faults() {
    check(seeds: 1...300, breaksPerFault: 2) {
      RingHistory(seed: $0, faults: [.torn, .stall, .reset, .resetIndex], hasCycle: true)
    }
  }

  @Test("Resets and stalls of an index-only ring leave nothing unmarked")
  func indexOnly() {
    check(seeds: 1...200, breaksPerFault: 3) {
      RingHistory(seed: $0, faults: [.stall, .reset], hasCycle: false)
    }
  }

  @Test("What a gated store writes is delivered, or marked")
  func gated() {
    check(seeds: 1...200, breaksPerFault: 3) {
      RingHistory(seed: $0, faults: [.stall, .resetIndex], isGated: true)
    }
  }

  /// Runs a history for each seed.
  ///
  /// `breaksPerFault`: segments that may begin for each fault injected.
  private func check(
    seeds: ClosedRange<UInt64>, breaksPerFault: Int, _ history: (UInt64) -> RingHistory
  ) {
    for seed in seeds {
      var history = history(seed)
      history.run(polls: 150)
      #expect(history.complaint == nil, "seed \(seed)")
      #expect(history.breaks <= breaksPerFault * history.faultCount, "seed \(seed)")
    }
  }
}

/// One random history, and the checks.
struct RingHistory {
  enum Fault { case torn, stall, reset, resetIndex }

  private var random: SplitMix64
  private let faults: [Fault]
  private let attributes: BufferAttributes
  private var model: RingModel
  private var reader: RingReader
  private let framesPerUnit: Int64
  private let hasCycle: Bool

  /// The first thing that was wrong.
  private(set) var complaint: String?
  /// Segments begun, and faults injected.
  private(set) var breaks = 0
  private(set) var faultCount = 0

  /// The next frame of the recording, and by how much the clock's places may be wrong.
  private var nextFrame: Int64 = 0
  private var tolerance: Double = 0
  /// Word minus unit of the recording, in this segment.
  private var shift: Int64?
  private var firstTick: Int64 = 0
  private var pollsSinceFault = 0

  init(seed: UInt64, faults: [Fault], hasCycle: Bool? = nil, isGated: Bool = false) {
    var random = SplitMix64(seed: seed)
    self.faults = faults
    let mayHaveCycle = random.next(below: 4) > 0
    let hasCycle = hasCycle ?? mayHaveCycle
    self.hasCycle = hasCycle
    let formats = [
      SlotFormat(source: .float32, destination: .float32, channels: 1),
      SlotFormat(source: .int16, destination: .float32, channels: 8),
      SlotFormat(source: .int8, destination: .float32, channels: 1),
    ]
    let format = formats[random.next(below: formats.count)]
    let units = 100 + random.next(below: 200)
    let slots = units * format.slotsPerUnit
    framesPerUnit = Int64(format.framesPerUnit)
    // A unit a millisecond, give or take 100 ppm.
    let circuit = TableCircuit.with(slots: slots, rate: 1000 * Double(framesPerUnit))
    if !hasCycle { _ = circuit.without("lfp_c") }
    let request = BufferRequest(
      name: "lfp", dataTag: "lfp", format: format,
      blockSize: format.framesPerUnit * (1 + random.next(below: 3) * random.next(below: 8)),
      isGated: isGated)
    do {
      attributes = try BufferAttributes(opening: request, on: circuit)
    } catch {
      preconditionFailure("\(error)")
    }
    reader = RingReader(attributes)
    model = RingModel(
      size: slots, unit: format.slotsPerUnit, period: 999_900 + Int64(random.next(below: 201)))
    model.run(to: Int64(random.next(below: 2_000_000_000)))
    self.random = random
  }

  mutating func run(polls: Int) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: attributes.slots) { words in
      var poll = ModelPoll(
        ring: Poll.Ring(tags: attributes.ringTags, size: attributes.slots, destination: words))
      for number in 0..<polls where complaint == nil {
        // The last polls are quiet, so that everything is told in the end.
        step(&poll, words, isQuiet: number < 3 || number > polls - 8)
      }
    }
    if complaint == nil, reader.nextFrame != nextFrame {
      complaint = "the reader is at \(reader.nextFrame), not at \(nextFrame)"
    }
  }

  // MARK: - Polls

  private mutating func step(
    _ poll: inout ModelPoll, _ words: UnsafeMutableBufferPointer<UInt32>, isQuiet: Bool
  ) {
    let ringTime = Int64(attributes.sampleTime * 1e9)
    var times = ModelPoll.Durations()
    times.there = Int64(random.next(below: 700_000))
    times.back = Int64(random.next(below: 700_000))
    times.transfer = Int64(random.next(below: 2_000_000))
    var wait = 2_000_000 + Int64(random.next(below: Int(ringTime / 4)))
    // Late polls, slow calls and slow transfers; nothing that would hide a fault.
    if !isQuiet, pollsSinceFault > 4 || faults.isEmpty {
      switch random.next(below: 20) {
      case 0: wait = Int64(random.next(below: Int(3 * ringTime)))
      case 1: times.transfer = Int64(random.next(below: Int(2 * ringTime)))
      case 2: times.there += Int64(random.next(below: 30_000_000))
      case 3: times.back += Int64(random.next(below: 30_000_000))
      default: break
      }
    }
    var torn = (0, 0)
    var during: (inout RingModel) -> Void = { _ in }
    let mayFail = !isQuiet && pollsSinceFault > 4 && !model.isStalled
    pollsSinceFault = model.isStalled ? 0 : pollsSinceFault + 1
    if mayFail, !faults.isEmpty, random.next(below: 5) == 0 {
      pollsSinceFault = 0
      wait = min(wait, ringTime / 4)
      times = ModelPoll.Durations()
      let fault = faults[random.next(below: faults.count)]
      if fault != .torn { faultCount += 1 }
      let length = 5_000_000 + Int64(random.next(below: Int(ringTime)))
      let change: (inout RingModel) -> Void = { model in
        // A reset next to the ring's ends is a loss of a few units, which no clock can tell.
        let index = model.position.index / model.unit
        guard (5..<model.size / model.unit - 5).contains(index) else { return }
        switch fault {
        case .torn: break
        case .stall: model.stall(for: length)
        case .reset: model.reset()
        case .resetIndex: model.reset(keepsCycle: true)
        }
      }
      if fault == .torn {
        let tear = random.next(below: 2) * 2 - 1
        torn = random.next(below: 2) == 0 ? (tear, 0) : (0, tear)
      } else if random.next(below: 3) == 0 {
        during = change
        times.transfer = 20_000_000
      } else {
        model.run(to: model.time + Int64(random.next(below: Int(wait))))
        change(&model)
      }
    }
    model.run(to: model.time + wait)
    let isFirst = reader.nextSlot == .max
    poll.ring.destination = UnsafeMutableBufferPointer(
      rebasing: words[
        ..<(random.next(below: 10) == 0 && !isQuiet ? words.count / 3 : words.count)])
    poll.run(&model, from: reader.nextSlot, times, torn: torn, during: during)
    let wholeBlocks = random.next(below: 8) > 0
    let step = reader.digest(
      poll.ring, first: poll.first, second: poll.second, wholeBlocks: wholeBlocks)
    if isFirst {
      // The word of the first frame to come is the number of the unit after the position.
      firstTick = -1
      return
    }
    check(step, words)
  }

  // MARK: - Checks

  private mutating func check(
    _ step: RingReader.Step, _ words: UnsafeMutableBufferPointer<UInt32>
  ) {
    if let loss = step.loss {
      guard loss.first == nextFrame, loss.count > 0 else {
        complaint = "a loss from \(loss.first), \(loss.count) long, where \(nextFrame) was next"
        return
      }
      nextFrame += loss.count
      if loss.reason == .overrun {
        // Real, that is overwritten by the second position, up to a block's end; or by the unit due
        // then, where the position has not moved and the circuit may have been halted.
        let oldest = model.written - Int64(model.size)
        let block = attributes.format.slots(ofFrames: Int64(attributes.blockSize))
        let first = reader.nextSlot - Int64(step.slots)
        if hasCycle, first >= oldest + block + 2 * Int64(model.unit) {
          complaint = "slots up to \(first) are said to be lost; \(oldest) is the oldest left"
        }
      }
    }
    if step.beginsSegment {
      breaks += 1
      tolerance += (step.loss?.uncertainty ?? 0) / Double(framesPerUnit) + 2
      shift = nil
    }
    guard step.slots > 0 else { return }
    guard step.firstFrame == nextFrame else {
      complaint = "frame \(step.firstFrame) is delivered where \(nextFrame) was next"
      return
    }
    for slot in stride(from: 0, to: step.slots, by: model.unit) {
      let unit = nextFrame / framesPerUnit + Int64(slot / model.unit)
      let word = Int64(words[step.offset + slot])
      if firstTick < 0 { firstTick = word - unit }
      let found = word - unit
      if let shift, found != shift {
        complaint = "unit \(unit) holds the word of unit \(word - shift)"
        return
      }
      shift = found
      if abs(Double(found - firstTick)) > tolerance {
        complaint = "unit \(unit) is \(found - firstTick) units from its place, beyond \(tolerance)"
        return
      }
    }
    nextFrame += attributes.format.frames(inSlots: Int64(step.slots))
  }
}
