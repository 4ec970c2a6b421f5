import Samples

/// The memory of an output store, and what was played from it.
///
/// The memory can be written again before what it played is asked for, so what is played is noted
/// as time passes, for as long as the circuit's rings reach back.
final class OutputPlayer {
  private let format: SlotFormat
  /// Ticks that are kept.
  private let memory: Int64
  private(set) var slots: [UInt32]
  /// [frame, channel], from frame `firstFrame` on; empty if nobody listens.
  private var played: [Float] = []
  private var firstFrame: Int64 = 0
  private var decimation = 0
  var hasListeners = false

  init(_ store: SimulatedStore, memory: Int64) {
    format = store.format
    self.memory = memory
    slots = Array(repeating: 0, count: store.maximumSlots)
  }

  func write(_ word: UInt32, at index: Int) {
    if slots.indices.contains(index) { slots[index] = word }
  }

  /// Notes what has been played before a tick.
  func advance(to tick: Int64, _ timeline: StoreTimeline) {
    guard hasListeners, let first = timeline.eras.first else { return }
    if decimation != timeline.decimation {
      decimation = timeline.decimation
      played.removeAll(keepingCapacity: true)
      firstFrame = first.startTick / Int64(decimation)
    }
    let frames = memory / Int64(decimation) + 1
    let end = tick / Int64(decimation)
    var next = firstFrame + Int64(played.count / format.channels)
    if end - next > frames {
      played.removeAll(keepingCapacity: true)
      firstFrame = end - frames
      next = firstFrame
    }
    while next < end {
      play(next, timeline)
      next += 1
    }
    let surplus = played.count / format.channels - Int(frames)
    if surplus > Int(frames) {
      played.removeFirst(surplus * format.channels)
      firstFrame += Int64(surplus)
    }
  }

  /// What was on the output at a tick that has passed; 0 outside of what is known.
  func value(at tick: Int64, channel: Int) -> Double {
    guard decimation > 0 else { return 0 }
    let frame = Int(tick / Int64(decimation) - firstFrame)
    let place = frame * format.channels + channel % format.channels
    return played.indices.contains(place) ? Double(played[place]) : 0
  }

  private func play(_ frame: Int64, _ timeline: StoreTimeline) {
    // What counts is the end of the frame: there a store that begins in its midst is at its first.
    guard let number = timeline.era(at: (frame + 1) * Int64(timeline.decimation) - 1) else {
      played.append(contentsOf: repeatElement(0, count: format.channels))
      return
    }
    let era = timeline.eras[number]
    // A store that stands still holds the frame it would play next.
    let since = max(0, min(frame, era.endFrame) - era.firstFrame)
    let unit = since / Int64(format.framesPerUnit) * Int64(format.slotsPerUnit)
    let row = Int(since % Int64(format.framesPerUnit)) * format.channels
    let perSlot = format.source.samplesPerSlot
    for sample in row..<row + format.channels {
      let slot = Int64(era.index) + unit + Int64(sample / perSlot)
      let word = slots[Int(slot % Int64(era.size))]
      played.append(value(of: word, lane: sample % perSlot) / Float(era.scalingFactor))
    }
  }

  private func value(of word: UInt32, lane: Int) -> Float {
    let perSlot = format.source.samplesPerSlot
    let bits = 32 / perSlot
    let shift = bits * (format.packOrder == .lsb ? lane : perSlot - 1 - lane)
    return switch format.source {
    case .float32: Float(bitPattern: word)
    case .int32: Float(Int32(bitPattern: word))
    case .int16: Float(Int16(truncatingIfNeeded: word >> UInt32(shift)))
    case .int8: Float(Int8(truncatingIfNeeded: word >> UInt32(shift)))
    }
  }
}

/// What an output store of the same circuit plays.
final class PlayedGenerator: SignalGenerator {
  private let player: OutputPlayer

  init(_ player: OutputPlayer) {
    self.player = player
    player.hasListeners = true
  }

  func add(_ block: SignalBlock, channel: Int, to values: UnsafeMutableBufferPointer<Double>) {
    for (place, frame) in block.frames.enumerated() {
      values[place] += player.value(at: frame * Int64(block.decimation), channel: channel)
    }
  }
}
