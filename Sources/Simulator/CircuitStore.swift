import Clocks
import Devices
import Samples

/// One ring of a simulated circuit: its timeline and what is in its slots.
///
/// The slots of a samples store are made when they are read; only an output store has memory.
final class CircuitStore {
  let store: SimulatedStore
  var timeline: StoreTimeline
  /// The position at the last latch.
  var latched = RingPosition(cycle: 0, index: 0)
  /// nil: not an output store.
  let player: OutputPlayer?
  private let overflow: SlotEncoder.Overflow
  private var generator: (any SignalGenerator)?
  /// Whether the slots are the frame numbers, which are filled the quick way.
  private var isCounter = false

  private var values: [Double]
  private var row: [Double]
  private var slots: [UInt32]

  init(_ store: SimulatedStore, decimation: Int, overflow: SlotEncoder.Overflow, memory: Int64) {
    self.store = store
    timeline = StoreTimeline(store, decimation: decimation)
    player = store.kind == .output ? OutputPlayer(store, memory: memory) : nil
    self.overflow = overflow
    let length = Int(SignalBlock.length)
    values = Array(repeating: 0, count: length * store.format.channels)
    row = Array(repeating: 0, count: length)
    slots = Array(
      repeating: 0, count: Int(store.format.slots(ofFrames: SignalBlock.length)))
  }

  func generate(_ model: SignalModel, _ context: SignalContext) throws(DeviceError) {
    if case .counter = model, store.format.packOrder == .lsb { isCounter = true }
    generator = try makeGenerator(model, context, path: store.data)
  }

  // MARK: - Slots

  /// Gives successive places of the ring what they held at a tick.
  func read(
    _ words: UnsafeMutableBufferPointer<UInt32>, from index: Int, at tick: Int64,
    _ oscillator: Oscillator?
  ) {
    if let player {
      for place in words.indices {
        let slot = index + place
        words[place] = player.slots.indices.contains(slot) ? player.slots[slot] : 0
      }
      return
    }
    var done = 0
    while done < words.count {
      let run = timeline.content(of: index + done, at: tick)
      let count = min(run.count, words.count - done)
      let part = UnsafeMutableBufferPointer(rebasing: words[done..<done + count])
      if let era = run.era, let oscillator {
        make(part, from: run.slot, of: timeline.eras[era], oscillator)
      } else {
        part.update(repeating: 0)
      }
      done += count
    }
  }

  /// Whether some of `count` places from `index` on change their content between two ticks.
  func changes(_ index: Int, count: Int, from: Int64, to: Int64) -> Bool {
    guard let first = timeline.era(at: from) else { return timeline.era(at: to) != nil }
    guard first == timeline.era(at: to) else { return true }
    let era = timeline.eras[first]
    let written = timeline.written(in: era, at: to) - timeline.written(in: era, at: from)
    let next = timeline.position(at: from).index
    let ahead = (index - next + era.size) % era.size
    return written > 0 && (Int64(ahead) < written || ahead + count > era.size)
  }

  /// Makes slots of an era, counted from its start.
  fileprivate func make(
    _ words: UnsafeMutableBufferPointer<UInt32>, from slot: Int64, of era: StoreTimeline.Era,
    _ oscillator: Oscillator
  ) {
    let format = store.format
    let unit = Int64(format.slotsPerUnit)
    var done = 0
    while done < words.count {
      let next = slot + Int64(done)
      let frame = era.firstFrame + format.frames(inSlots: next / unit * unit)
      let skipped = Int(next % unit)
      let toBlock = SignalBlock.length - frame % SignalBlock.length
      let slotsLeft = Int64(words.count - done + skipped)
      let units = min(
        (toBlock + Int64(format.framesPerUnit) - 1) / Int64(format.framesPerUnit),
        (slotsLeft + unit - 1) / unit)
      let count = min(Int(units * unit) - skipped, words.count - done)
      let part = UnsafeMutableBufferPointer(rebasing: words[done..<done + count])
      if isCounter, skipped == 0, count % Int(unit) == 0 {
        CounterGenerator.fill(part, from: frame, format)
      } else {
        makeUnits(Int(units), from: frame, era, oscillator)
        for place in 0..<count { part[place] = slots[skipped + place] }
      }
      done += count
    }
  }

  /// Makes whole units into ``slots``; the last may reach beyond its block.
  private func makeUnits(
    _ units: Int, from frame: Int64, _ era: StoreTimeline.Era, _ oscillator: Oscillator
  ) {
    let format = store.format
    let channels = format.channels
    let end = frame + Int64(units * format.framesPerUnit)
    let count = units * format.slotsPerUnit
    let samples = count * format.source.samplesPerSlot
    if samples > values.count { values += Array(repeating: 0, count: samples - values.count) }
    if count > slots.count { slots += Array(repeating: 0, count: count - slots.count) }
    var start = frame
    while start < end {
      let stop = min(end, (start / SignalBlock.length + 1) * SignalBlock.length)
      let block = SignalBlock(
        start..<stop, enabled: era.enabledFrame, decimation: era.decimation,
        scalingFactor: era.scalingFactor, oscillator: oscillator)
      let offset = Int(start - frame) * channels
      row.withUnsafeMutableBufferPointer { row in
        let part = UnsafeMutableBufferPointer(rebasing: row[..<block.frames.count])
        for channel in 0..<channels {
          part.update(repeating: 0)
          generator?.add(block, channel: channel, to: part)
          for place in part.indices { values[offset + place * channels + channel] = part[place] }
        }
      }
      start = stop
    }
    let encoder = SlotEncoder(
      format: format, scalingFactor: era.scalingFactor, overflow: overflow)
    values.withUnsafeBufferPointer { values in
      slots.withUnsafeMutableBufferPointer { slots in
        _ = encoder.encode(
          UnsafeBufferPointer(rebasing: values[..<samples]),
          into: UnsafeMutableBufferPointer(rebasing: slots[..<count]))
      }
    }
  }
}

extension CircuitStore {
  /// The words of successive frames, in whole units, with the present factor and decimation.
  func words(ofFrames frames: Range<Int64>, _ oscillator: Oscillator) -> [UInt32] {
    let era = StoreTimeline.Era(
      startTick: 0, firstFrame: frames.lowerBound, endFrame: .max, index: 0, cycle: 0,
      size: timeline.size,
      scalingFactor: timeline.eras.last?.scalingFactor ?? timeline.scalingFactor,
      decimation: timeline.decimation, enabledFrame: timeline.eras.last?.enabledFrame ?? 0)
    let count = Int(store.format.slots(ofFrames: Int64(frames.count)))
    var words = [UInt32](repeating: 0, count: count)
    words.withUnsafeMutableBufferPointer { make($0, from: 0, of: era, oscillator) }
    return words
  }
}
