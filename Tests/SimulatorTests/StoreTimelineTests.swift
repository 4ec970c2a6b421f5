import Samples
import Testing

@testable import Simulator

@Suite struct StoreTimelineTests {
  /// What a device does, slot by slot: the model that the timeline's arithmetic must agree with.
  private struct Device {
    var memory: [Int64?]
    var index = 0
    var cycle = 0
    var size: Int
    var isEnabled = true

    init(slots: Int) {
      memory = Array(repeating: nil, count: slots)
      size = slots
    }

    mutating func write(_ frame: Int64) {
      guard isEnabled else { return }
      memory[index] = frame
      index += 1
      if index == size { (index, cycle) = (0, cycle + 1) }
    }
  }

  @Test(
    "Positions and contents agree with a device stepped tick by tick", arguments: UInt64(1)...20)
  func model(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let store = SimulatedStore(
      data: "x", format: SlotFormat(source: .int32, destination: .int32, channels: 1), slots: 37)
    var timeline = StoreTimeline(store, decimation: 1)
    var device = Device(slots: 37)
    timeline.begin(at: 0, isEnabled: true)
    for tick in Int64(0)..<2000 {
      // Before the tick's frame is written, something may change.
      switch random.next(below: 60) {
      case 0:
        timeline.reset(at: tick)
        (device.index, device.cycle) = (0, 0)
      case 1:
        timeline.pause(true, at: tick)
        device.isEnabled = false
      case 2, 3, 4:
        timeline.pause(false, at: tick)
        device.isEnabled = true
      case 5:
        let size = 1 + random.next(below: 37)
        timeline.set(at: tick, size: size)
        device.size = size
        if device.index >= size { (device.index, device.cycle) = (0, device.cycle + 1) }
      default: break
      }
      let position = timeline.position(at: tick)
      #expect(position == RingPosition(cycle: device.cycle, index: device.index), "seed \(seed)")
      var place = 0
      while place < 37 {
        let run = timeline.content(of: place, at: tick)
        for offset in 0..<min(run.count, 37 - place) {
          let frame = run.era.map { timeline.eras[$0].firstFrame + run.slot + Int64(offset) }
          #expect(frame == device.memory[place + offset], "seed \(seed), tick \(tick)")
        }
        place += min(run.count, 37 - place)
      }
      device.write(tick)
    }
  }

  @Test("Slots of two channels in a slot and of four times in a slot come in whole units")
  func units() {
    let pairs = SimulatedStore(
      data: "x", format: SlotFormat(source: .int16, destination: .int16, channels: 6), slots: 30)
    var timeline = StoreTimeline(pairs, decimation: 10)
    timeline.begin(at: 0, isEnabled: true)
    #expect(timeline.position(at: 9).index == 0)
    #expect(timeline.position(at: 10).index == 3)
    #expect(timeline.position(at: 105) == RingPosition(cycle: 1, index: 0))

    let times = SimulatedStore(
      data: "x", format: SlotFormat(source: .int8, destination: .int8, channels: 1), slots: 30)
    timeline = StoreTimeline(times, decimation: 1)
    timeline.begin(at: 0, isEnabled: true)
    #expect(timeline.position(at: 3).index == 0)
    #expect(timeline.position(at: 4).index == 1)
  }

  @Test(
    "A gate makes its number of frames whatever the decimation and the trigger's phase",
    arguments: 1...5, [true, false])
  func gates(decimation: Int, resetsPosition: Bool) {
    let store = SimulatedStore(
      data: "x", format: SlotFormat(source: .int32, destination: .int32, channels: 1), slots: 50)
    var timeline = StoreTimeline(store, decimation: decimation)
    timeline.begin(at: 0, isEnabled: false)
    let ticks = Int64(20 * decimation)
    // Each trigger comes at another phase of the frames.
    for trial in 0..<Int64(7) {
      let tick = 10 + trial * (ticks + 31)
      timeline.enable(at: tick, ticks: ticks, resetsPosition: resetsPosition)
      let before = trial * 20 % 50
      #expect(timeline.position(at: tick).index == (resetsPosition ? 0 : Int(before)))
      let after = timeline.position(at: tick + ticks)
      #expect(after.index == (resetsPosition ? 20 : Int((before + 20) % 50)))
      #expect(timeline.position(at: tick + ticks + 30) == after)
    }
  }
}
