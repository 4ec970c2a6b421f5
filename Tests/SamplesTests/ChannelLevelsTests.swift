import Samples
import Testing

@Suite struct ChannelLevelsTests {
  private func levels(
    _ slots: [UInt32], _ format: SlotFormat, sf: Double = 1
  ) -> ChannelLevels {
    var levels = ChannelLevels(format: format, scalingFactor: sf)
    slots.withUnsafeBufferPointer { levels.add($0) }
    return levels
  }

  /// Channel 0: 3, −4 → mean square 12.5; channel 1: 32767 and −32768, both at the limits.
  @Test func `level is in values and limits are counted`() {
    let format = SlotFormat(source: .int16, destination: .float32, channels: 2)
    let levels = levels([0x7FFF_0003, 0x8000_FFFC], format, sf: 2)
    let first = levels.level(of: 0)
    #expect(first.rms == 12.5.squareRoot() / 2)
    #expect(first.minimum == -2)
    #expect(first.maximum == 1.5)
    #expect(first.clipped == 0)
    #expect(first.frames == 2)
    #expect(levels.level(of: 1).clipped == 2)
  }

  @Test func `samples of a float store that are not finite are clipped and nothing else`() {
    let format = SlotFormat(source: .float32, destination: .float32, channels: 1)
    let level = levels(
      [Float(2), .nan, .infinity, -2].map(\.bitPattern), format
    ).level(of: 0)
    #expect(level.clipped == 2)
    #expect(level.rms == 2)
    #expect(level.minimum == -2)
    #expect(level.maximum == 2)
  }

  @Test func `nothing added has no level`() {
    let format = SlotFormat(source: .int8, destination: .int8, channels: 4)
    let level = levels([], format).level(of: 3)
    #expect(level.rms.isNaN && level.minimum.isNaN && level.maximum.isNaN)
    #expect(level.frames == 0)
  }

  @Test func `a reset forgets everything`() {
    let format = SlotFormat(source: .int8, destination: .int8, channels: 4)
    var levels = levels([0x7F7F_7F7F], format)
    levels.reset()
    [UInt32(0x0101_0101)].withUnsafeBufferPointer { levels.add($0) }
    let level = levels.level(of: 0)
    #expect(level == ChannelLevels.single(value: 1))
  }

  @Test(arguments: everyFormat.filter { $0.destination == .float64 })
  func `blocks of any size add up like a plain loop`(format: SlotFormat) {
    let seed: UInt64 = 31
    var generator = SplitMix64(seed: seed)
    let units = 150
    let slots = (0..<format.slotsPerUnit * units).map { _ in
      format.source == .float32
        ? Float.random(in: -5...5, using: &generator).bitPattern
        : UInt32(truncatingIfNeeded: generator.next())
    }
    let reference = ReferenceSamples(format: format, slots: slots)
    var halves = [
      ChannelLevels(format: format, scalingFactor: 4),
      ChannelLevels(format: format, scalingFactor: 4),
    ]
    var start = 0
    while start < units {
      let end = min(units, start + Int.random(in: 0...40, using: &generator))
      slots[start * format.slotsPerUnit..<end * format.slotsPerUnit].withUnsafeBufferPointer {
        halves[Int.random(in: 0...1, using: &generator)].add($0)
      }
      start = end
    }
    halves[0].merge(halves[1])
    for channel in 0..<format.channels {
      let samples = stride(from: channel, to: reference.count, by: format.channels).map {
        format.source == .float32 ? Double(reference.float($0)) : Double(reference.code($0))
      }
      let level = halves[0].level(of: channel)
      let square = samples.reduce(0) { $0 + $1 * $1 } / Double(samples.count)
      #expect(abs(level.rms * 4 / square.squareRoot() - 1) < 1e-12, "seed \(seed)")
      #expect(level.minimum * 4 == samples.min(), "seed \(seed)")
      #expect(level.maximum * 4 == samples.max(), "seed \(seed)")
      let limits = format.source.codes.map { [Double($0.lowerBound), Double($0.upperBound)] } ?? []
      #expect(level.clipped == samples.count { limits.contains($0) }, "seed \(seed)")
      #expect(level.frames == samples.count)
    }
  }
}

extension ChannelLevels {
  /// The level of a channel that had this value in its only frame.
  fileprivate static func single(value: Int8) -> ChannelLevel {
    let format = SlotFormat(source: .int8, destination: .int8, channels: 4)
    var levels = ChannelLevels(format: format, scalingFactor: 1)
    let byte = UInt32(UInt8(bitPattern: value))
    [byte * 0x0101_0101].withUnsafeBufferPointer { levels.add($0) }
    return levels.level(of: 0)
  }
}
