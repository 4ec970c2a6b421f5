import Clocks
import Devices
import Testing

@testable import Recording

@Suite struct SampleLaneTests {
  private func lane(_ capacity: Int) -> SampleLane {
    let timekeeper = VirtualTimekeeper()
    return SampleLane(capacity: capacity, timekeeper: timekeeper, work: timekeeper.makeGate())
  }

  /// Fills the reserved stretch with a count and hands it on.
  private func put(_ lane: SampleLane, _ count: Int, from value: UInt32) {
    guard let words = lane.reserve(count) else { return }
    for index in 0..<count { words[index] = value + UInt32(index) }
    lane.commit(
      words, offset: 0, count: count, firstFrame: Int64(value), loss: nil, scalingFactor: 1,
      isScalingUncertain: false)
  }

  @Test func wordsComeOutInTheOrderTheyWentInAcrossTheEndOfTheMemory() throws {
    let lane = lane(10)
    var expected: UInt32 = 0
    var next: UInt32 = 0
    for count in [4, 3, 4, 2, 4, 1, 4, 4, 3] {
      put(lane, count, from: next)
      next += UInt32(count)
      let (run, words) = try #require(lane.next())
      #expect(run.firstFrame == Int64(expected))
      for word in words {
        #expect(word == expected)
        expected += 1
      }
      lane.release()
    }
    #expect(lane.next() == nil)
  }

  @Test func aLossWithoutWordsIsHandedOn() throws {
    let lane = lane(8)
    let words = try #require(lane.reserve(2))
    let loss = RingReader.Loss(first: 5, count: 7, reason: .overrun, uncertainty: 0)
    lane.commit(
      words, offset: 0, count: 0, firstFrame: 12, loss: loss, scalingFactor: 1,
      isScalingUncertain: false)
    #expect(try #require(lane.next()).run.loss == loss)
    #expect(try #require(lane.next()).words.isEmpty)
  }

  @Test func aFullLaneMakesItsAcquirerWaitUntilThereIsRoom() {
    let timekeeper = VirtualTimekeeper()
    let lane = SampleLane(capacity: 4, timekeeper: timekeeper, work: timekeeper.makeGate())
    put(lane, 4, from: 0)
    let acquirer = timekeeper.startOwner("acquirer") { put(lane, 3, from: 4) }
    timekeeper.sleep(until: timekeeper.now + 1_000_000)
    #expect(lane.next()?.run.count == 4)
    lane.release()
    acquirer.join()
    #expect(lane.next()?.run.count == 3)
    #expect(lane.worstFill == 1)
  }

  @Test func aClosedLaneLetsItsAcquirerGo() {
    let timekeeper = VirtualTimekeeper()
    let lane = SampleLane(capacity: 4, timekeeper: timekeeper, work: timekeeper.makeGate())
    put(lane, 4, from: 0)
    let acquirer = timekeeper.startOwner("acquirer") { #expect(lane.reserve(1) == nil) }
    timekeeper.sleep(until: timekeeper.now + 1_000_000)
    lane.close()
    acquirer.join()
  }
}
