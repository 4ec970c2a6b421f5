import Clocks
import Devices
import Samples
import Testing

/// A ring of 1000 slots at 1000 slots a second, so that a slot is a millisecond, polled by calls
/// that take no time unless said.
@Suite("Reading a ring")
struct RingReaderTests {
  // MARK: - Without incident

  @Test("The first poll sets frame 0 and transfers nothing")
  func firstPoll() {
    var reader = RingReader(attributes())
    #expect(reader.nextSlot == .max)
    let step = reader.digest(ring(417, 417), first: at(0), second: at(0))
    #expect(step.slots == 0 && step.sample == 0 && step.isClockReading)
    #expect(reader.nextSlot == 417)
    #expect(reader.nextFrame == 0)
    #expect(reader.deviceFrameOfZero == 417)
  }

  @Test("What was written between two polls is delivered once and in order")
  func normal() {
    var reader = begun(at: 417)
    let step = reader.digest(ring(517, 517, from: 417), first: at(100), second: at(100))
    #expect(step.slots == 100)
    #expect(step.offset == 0)
    #expect(step.firstFrame == 0)
    #expect(step.sample == 100)
    #expect(step.pending == 0)
    #expect(step.fill == 0.1)
    #expect(step.loss == nil)
    #expect(step.isClockReading && !step.beginsSegment && !step.repairedRace)
    let next = reader.digest(ring(717, 717, from: 517), first: at(300), second: at(300))
    #expect(next.firstFrame == 100)
    #expect(next.slots == 200)
    #expect(reader.nextFrame == 300)
  }

  @Test("Several laps are read poll by poll")
  func laps() {
    var reader = begun(at: 0)
    for poll in 1...20 {
      let now = Int64(poll) * 300
      let step = reader.digest(
        ring(now, now, from: now - 300), first: at(now), second: at(now))
      #expect(step.firstFrame == now - 300)
      #expect(step.slots == 300)
      #expect(step.loss == nil)
    }
  }

  @Test("Only whole blocks are delivered; the remainder waits")
  func blocks() {
    var reader = begun(at: 0, attributes(blockSize: 64))
    let step = reader.digest(ring(150, 150, from: 0), first: at(150), second: at(150))
    #expect(step.slots == 128)
    #expect(step.pending == 22)
    #expect(reader.nextSlot == 128)
    let all = reader.digest(
      ring(160, 160, from: 128), first: at(160), second: at(160), wholeBlocks: false)
    #expect(all.slots == 32)
    #expect(all.firstFrame == 128)
    #expect(all.pending == 0)
  }

  @Test("A destination with little room is filled; the rest waits")
  func room() {
    var reader = begun(at: 0)
    let step = reader.digest(
      ring(500, 500, from: 0, room: 200), first: at(500), second: at(500))
    #expect(step.slots == 200)
    #expect(step.pending == 300)
    #expect(reader.nextSlot == 200)
  }

  @Test("In layout time a slot is several frames")
  func layoutTime() {
    var reader = begun(
      at: 10, attributes(source: .int8, blockSize: 8, rate: 4000))
    #expect(reader.deviceFrameOfZero == 40)
    let step = reader.digest(ring(25, 25, from: 10), first: at(15), second: at(15))
    #expect(step.slots == 14)
    #expect(step.firstFrame == 0)
    #expect(step.sample == 60)
    #expect(step.pending == 4)
    #expect(reader.nextFrame == 56)
  }

  @Test("In layout channels a frame is several slots")
  func layoutChannels() {
    var reader = begun(
      at: 40, attributes(source: .int16, channels: 8, blockSize: 2, rate: 250))
    #expect(reader.deviceFrameOfZero == 10)
    let step = reader.digest(ring(84, 84, from: 40), first: at(44), second: at(44))
    #expect(step.slots == 40)
    #expect(step.sample == 11)
    #expect(step.pending == 1)
    #expect(reader.nextFrame == 10)
  }

  @Test("Skipping begins with the first frame written from now on")
  func skip() {
    var reader = begun(at: 0)
    _ = reader.digest(ring(100, 100, from: 0, room: 0), first: at(100), second: at(100))
    reader.skipPending()
    #expect(reader.nextSlot == 100)
    #expect(reader.nextFrame == 100)
  }

  // MARK: - Overruns

  @Test("A ring that is exactly full is read whole")
  func exactlyFull() {
    var reader = begun(at: 200)
    let step = reader.digest(ring(1200, 1200, from: 200), first: at(1000), second: at(1000))
    #expect(step.slots == 1000)
    #expect(step.loss == nil)
    #expect(step.fill == 1)
  }

  @Test("What was overwritten before the transfer is lost exactly")
  func overrunBefore() {
    var reader = begun(at: 0)
    let step = reader.digest(ring(1300, 1300, from: 0), first: at(1300), second: at(1300))
    #expect(step.loss == .init(first: 0, count: 300, reason: .overrun, uncertainty: 0))
    #expect(step.firstFrame == 300)
    #expect(step.offset == 0, "the device began with slot 300 itself")
    #expect(step.slots == 1000)
    #expect(step.fill == 1.3)
    let next = reader.digest(ring(1400, 1400, from: 1300), first: at(1400), second: at(1400))
    #expect(next.loss == nil)
    #expect(next.firstFrame == 1300)
  }

  @Test("What was overwritten during the transfer is lost too; the rest is kept")
  func overrunDuring() {
    var reader = begun(at: 0)
    let step = reader.digest(ring(900, 1150, from: 0), first: at(900), second: at(1150))
    #expect(step.loss == .init(first: 0, count: 150, reason: .overrun, uncertainty: 0))
    #expect(step.offset == 150)
    #expect(step.firstFrame == 150)
    #expect(step.slots == 750)
  }

  @Test("A lap of exactly one buffer during the transfer leaves nothing valid")
  func lapDuring() {
    var reader = begun(at: 0)
    let step = reader.digest(ring(400, 1400, from: 0), first: at(400), second: at(1400))
    #expect(step.loss == .init(first: 0, count: 400, reason: .overrun, uncertainty: 0))
    #expect(step.slots == 0)
    #expect(step.pending == 0)
    let next = reader.digest(ring(1500, 1500, from: 400), first: at(1500), second: at(1500))
    #expect(next.loss == .init(first: 400, count: 100, reason: .overrun, uncertainty: 0))
    #expect(next.firstFrame == 500)
    #expect(next.slots == 1000)
  }

  @Test("Several laps before the poll")
  func severalLaps() {
    var reader = begun(at: 0)
    let step = reader.digest(ring(3700, 3750, from: 0), first: at(3700), second: at(3750))
    #expect(step.loss == .init(first: 0, count: 2750, reason: .overrun, uncertainty: 0))
    #expect(step.offset == 50)
    #expect(step.slots == 950)
  }

  @Test("A loss ends with a whole block")
  func lossInBlocks() {
    var reader = begun(at: 0, attributes(blockSize: 64))
    let step = reader.digest(ring(1300, 1300, from: 0), first: at(1300), second: at(1300))
    #expect(step.loss == .init(first: 0, count: 320, reason: .overrun, uncertainty: 0))
    #expect(step.offset == 20)
    #expect(step.slots == 960)
    #expect(step.pending == 20)
  }

  // MARK: - Torn positions

  @Test("Index wrapped, cycle not yet counted: repaired, nothing is lost")
  func tornLow() {
    var reader = begun(at: 900)
    let step = reader.digest(ring(20, 1021, from: 900), first: at(120), second: at(121))
    #expect(step.repairedRace)
    #expect(step.isClockReading)
    #expect(step.loss == nil)
    #expect(step.pending == 120)
    let next = reader.digest(ring(1050, 1051, from: 900), first: at(150), second: at(151))
    #expect(!next.repairedRace)
    #expect(next.firstFrame == 0)
    #expect(next.slots == 150)
  }

  @Test("Cycle counted, index not yet wrapped: the words are those of the lap before")
  func tornHigh() {
    var reader = begun(at: 900)
    // The device takes itself to be at 1990, and sends the last 1000 slots.
    let step = reader.digest(ring(1990, 991, from: 900), first: at(90), second: at(91))
    #expect(step.repairedRace)
    #expect(step.loss == nil)
    #expect(step.offset == 910)
    #expect(step.slots == 90)
    #expect(step.firstFrame == 0)
  }

  @Test("A torn second position waits for the next poll: it may be a reset in the first lap")
  func tornSecond() {
    var reader = begun(at: 900)
    let step = reader.digest(ring(999, 0, from: 900), first: at(99), second: at(100))
    #expect(step.repairedRace && step.isUnsettled)
    #expect(step.loss == nil && step.slots == 0)
    let next = reader.digest(ring(1100, 1101, from: 900), first: at(200), second: at(201))
    #expect(next.loss == nil && next.slots == 200 && next.firstFrame == 0)
  }

  @Test("A torn first poll begins with the next one")
  func tornBeginning() {
    var reader = RingReader(attributes())
    _ = reader.digest(ring(5, 1006), first: at(0), second: at(1))
    #expect(reader.nextSlot == .max)
    _ = reader.digest(ring(1050, 1050), first: at(45), second: at(45))
    #expect(reader.nextSlot == 1050)
  }

  @Test("A stall as long as the buffer is no torn position")
  func stallOfOneBuffer() {
    var reader = begun(at: 0)
    _ = reader.digest(ring(100, 100, from: 0), first: at(100), second: at(100))
    for now in stride(from: Int64(200), through: 1100, by: 100) {
      let step = reader.digest(ring(100, 100, from: 100), first: at(now), second: at(now))
      #expect(step.standsStill == (now > 200), "at \(now) ms: one look is none")
      #expect(!step.repairedRace && step.slots == 0, "at \(now) ms")
    }
    let step = reader.digest(ring(150, 151, from: 100), first: at(1200), second: at(1201))
    #expect(step.loss?.reason == .stall)
    #expect(step.loss?.first == 100)
    #expect(abs((step.loss?.count ?? 0) - 1050) <= 1)
    #expect(step.slots == 50)
  }

  // MARK: - Stalls, resets, gates

  @Test("A store that stands still loses nothing; then what was not made is the gap")
  func stall() {
    var reader = begun(at: 0)
    _ = reader.digest(ring(100, 100, from: 0), first: at(100), second: at(100))
    // It stopped at slot 130.
    let late = reader.digest(ring(130, 130, from: 100), first: at(200), second: at(200))
    #expect(late.slots == 0, "it may have stopped and gone on: the next poll tells")
    let still = reader.digest(ring(130, 130, from: 100), first: at(300), second: at(300))
    #expect(still.standsStill && !still.isClockReading)
    #expect(still.slots == 30)
    #expect(still.loss == nil)
    // It went on at 380 ms.
    let on = reader.digest(ring(150, 151, from: 130), first: at(400), second: at(401))
    #expect(on.beginsSegment && !on.standsStill)
    #expect(on.loss?.first == 130)
    #expect(on.loss?.reason == .stall)
    #expect(abs((on.loss?.count ?? 0) - 250) <= 1)
    #expect((on.loss?.uncertainty ?? .infinity) < 2)
    #expect(on.slots == 20)
    #expect(on.firstFrame == reader.nextFrame - 20)
    let later = reader.digest(ring(251, 251, from: 150), first: at(501), second: at(501))
    #expect(later.isClockReading && later.loss == nil && later.slots == 101)
  }

  @Test("A stall between two polls is marked though it was not seen")
  func shortStall() {
    var reader = begun(at: 0)
    _ = reader.digest(ring(100, 100, from: 0), first: at(100), second: at(100))
    // It stood still for 40 of the next 100 ms.
    let late = reader.digest(ring(160, 161, from: 100), first: at(200), second: at(201))
    // Slots 100 to 160 may be from before it or after it; they are given up.
    #expect(late.slots == 0 && !late.standsStill && !late.isClockReading)
    #expect(late.loss?.reason == .stall)
    #expect(late.loss?.first == 100)
    #expect(abs((late.loss?.count ?? 0) - 100) <= 1)
    let next = reader.digest(ring(260, 261, from: 160), first: at(300), second: at(301))
    #expect(next.loss == nil)
    #expect(next.offset == 0)
    #expect(next.slots == 100)
  }

  @Test("After a reset reading goes on with the first position that the next one follows from")
  func reset() {
    var reader = begun(at: 0)
    _ = reader.digest(ring(700, 700, from: 0), first: at(700), second: at(700))
    // It began anew at 740 ms; whether it ran ever since, nobody knows.
    let step = reader.digest(ring(60, 60, from: 700), first: at(800), second: at(800))
    #expect(step.isUnsettled && step.loss == nil && step.slots == 0)
    #expect(reader.nextSlot == 60)
    let next = reader.digest(ring(160, 160, from: 60), first: at(900), second: at(900))
    #expect(next.loss?.reason == .reset)
    #expect(next.loss?.first == 700)
    #expect(abs((next.loss?.count ?? 0) - 100) <= 1)
    #expect(next.beginsSegment && !next.isClockReading)
    #expect(next.slots == 100)
    #expect(abs(next.firstFrame - 800) <= 1)
  }

  @Test("A gated store that begins anew is read from index 0 on, whatever its cycle")
  func gatedAnew() {
    var reader = begun(at: 2000, attributes(isGated: true))
    _ = reader.digest(ring(2700, 2700, from: 2000), first: at(700), second: at(700))
    let step = reader.digest(ring(2060, 2061, from: 2700), first: at(800), second: at(801))
    #expect(step.loss?.reason == .gate)
    #expect(abs((step.loss?.count ?? 0) - 40) <= 1)
    #expect(step.slots == 0, "the device was asked for slot 2700")
    #expect(reader.nextSlot == 2000)
  }

  @Test("Two resets in a row lose what lies between them, and no more is believed")
  func twoResets() {
    var reader = begun(at: 0)
    _ = reader.digest(ring(700, 700, from: 0), first: at(700), second: at(700))
    _ = reader.digest(ring(60, 60, from: 700), first: at(800), second: at(800))
    let again = reader.digest(ring(10, 20, from: 60), first: at(900), second: at(910))
    #expect(again.loss?.reason == .reset)
    #expect(abs((again.loss?.count ?? 0) - 200) <= 1)
    #expect(reader.nextSlot == 10)
  }

  @Test("A reset during the transfer voids the words, which are mixed")
  func resetDuringTransfer() {
    var reader = begun(at: 0)
    let step = reader.digest(ring(700, 1, from: 0), first: at(700), second: at(703))
    #expect(step.slots == 0)
    let next = reader.digest(ring(98, 98, from: 0), first: at(800), second: at(800))
    #expect(next.loss?.reason == .reset)
    #expect(next.loss?.first == 0)
    #expect(abs((next.loss?.count ?? 0) - 703) <= 1)
    #expect(next.slots == 97, "from slot 1 on: what lies before it may be older")
  }

  @Test("A position behind the clock by more than half a buffer is a reset")
  func farBehind() {
    var reader = begun(at: 0)
    _ = reader.digest(ring(100, 100, from: 0), first: at(100), second: at(100))
    let step = reader.digest(ring(290, 295, from: 100), first: at(1000), second: at(1005))
    #expect(step.loss?.reason == .reset)
    #expect(step.loss?.first == 100)
    #expect(abs((step.loss?.count ?? 0) - 900) <= 1)
    #expect(step.slots == 0)
  }

  @Test("A position ahead of the clock is marked")
  func ahead() {
    var reader = begun(at: 0)
    _ = reader.digest(ring(50, 50, from: 0), first: at(50), second: at(50))
    let step = reader.digest(ring(300, 310, from: 50), first: at(100), second: at(110))
    #expect(step.loss?.reason == .clock)
    #expect(step.slots == 0)
  }

  @Test("A gated store opens a segment at each trial, and keeps its last frames")
  func gated() {
    var reader = begun(at: 0, attributes(isGated: true))
    for now in [Int64(100), 200] {
      let idle = reader.digest(ring(0, 0, from: 0), first: at(now), second: at(now))
      #expect(idle.loss == nil && idle.standsStill)
    }
    let onset = reader.digest(ring(50, 51, from: 0), first: at(300), second: at(301))
    #expect(onset.loss?.reason == .gate)
    #expect(onset.loss?.first == 0)
    #expect(abs(onset.firstFrame - 250) <= 1)
    #expect(onset.slots == 50)
    // It stopped at 80, and began anew at 600 ms.
    _ = reader.digest(ring(80, 80, from: 50), first: at(400), second: at(400))
    let tail = reader.digest(ring(80, 80, from: 50), first: at(500), second: at(500))
    #expect(tail.slots == 30 && tail.loss == nil)
    let again = reader.digest(ring(20, 21, from: 80), first: at(620), second: at(621))
    #expect(again.loss?.reason == .gate)
    let words = reader.digest(ring(30, 31, from: 0), first: at(630), second: at(631))
    #expect(words.slots == 30)
    #expect(abs(words.firstFrame - 600) <= 1)
  }

  @Test("A trigger that resets a store is told from a store that goes on")
  func expectedRestart() {
    var reader = begun(at: 0, attributes(isGated: true))
    _ = reader.digest(ring(80, 80, from: 0), first: at(80), second: at(80))
    _ = reader.digest(ring(80, 80, from: 80), first: at(500), second: at(500))
    reader.expectRestart(after: at(600))
    let waiting = reader.digest(ring(80, 80, from: 80), first: at(601), second: at(601))
    #expect(waiting.standsStill && waiting.loss == nil)
    // Beyond where it was, and all of it new.
    let anew = reader.digest(ring(95, 96, from: 80), first: at(700), second: at(701))
    #expect(anew.loss?.reason == .gate)
    #expect(reader.nextSlot == 0)

    reader = begun(at: 0, attributes(isGated: true))
    _ = reader.digest(ring(80, 80, from: 0), first: at(80), second: at(80))
    _ = reader.digest(ring(80, 80, from: 80), first: at(500), second: at(500))
    reader.expectRestart(after: at(600))
    let on = reader.digest(ring(85, 86, from: 80), first: at(605), second: at(606))
    #expect(on.slots == 5, "five milliseconds do not write 85 slots")
  }

  // MARK: - Index only

  @Test("Without a cycle tag laps are counted by the clock")
  func indexOnly() {
    var reader = begun(at: 200, attributes(hasCycle: false))
    for slot in stride(from: Int64(400), through: 1000, by: 200) {
      let step = reader.digest(
        indexRing(slot, slot, from: slot - 200), first: at(slot - 200), second: at(slot - 200))
      #expect(step.slots == 200)
      #expect(step.firstFrame == slot - 400)
    }
    var step = reader.digest(indexRing(1100, 1100, from: 1000), first: at(900), second: at(900))
    #expect(step.slots == 100)
    // 1300 ms: one lap and 300 slots.
    step = reader.digest(indexRing(2400, 2400, from: 1100), first: at(2200), second: at(2200))
    #expect(step.loss == .init(first: 900, count: 300, reason: .overrun, uncertainty: 0))
    step = reader.digest(
      indexRing(2410, 2410, from: reader.nextSlot), first: at(2210), second: at(2210))
    // What the next poll was likely to find overwritten was left alone: 200 slots are usual from
    // poll to poll, and a quarter more for safety.
    #expect(step.loss == .init(first: 1200, count: 251, reason: .overrun, uncertainty: 0))
    #expect(step.firstFrame == 1451)
    #expect(step.slots == 759)
  }

  @Test("Without a cycle tag a lap during the transfer leaves nothing valid")
  func indexOnlyLap() {
    var reader = begun(at: 0, attributes(hasCycle: false))
    let step = reader.digest(indexRing(400, 1450, from: 0), first: at(400), second: at(1450))
    #expect(step.loss == .init(first: 0, count: 450, reason: .overrun, uncertainty: 0))
    #expect(step.slots == 0)
  }

  @Test(
    "Without a cycle tag an index that is where it was waits: it stands still, or lapped exactly")
  func indexOnlyExactLap() {
    for isStill in [false, true] {
      var reader = begun(at: 0, attributes(hasCycle: false))
      let step = reader.digest(indexRing(400, 1400, from: 0), first: at(400), second: at(1400))
      #expect(step.isUnsettled && step.slots == 0 && step.loss == nil)
      let next = reader.digest(
        indexRing(isStill ? 400 : 1500, isStill ? 400 : 1500, from: 0), first: at(1500),
        second: at(isStill ? 1510 : 1500))
      if isStill {
        #expect(next.standsStill)
        // A circuit halted at any time since 400 ms may have written over all of them.
        #expect(next.loss == .init(first: 0, count: 400, reason: .stall, uncertainty: 0))
      } else {
        #expect(next.loss == .init(first: 0, count: 500, reason: .overrun, uncertainty: 0))
      }
    }
  }

  @Test("Without a cycle tag an index that goes back is a reset")
  func indexOnlyReset() {
    var reader = begun(at: 0, attributes(hasCycle: false))
    _ = reader.digest(indexRing(700, 700, from: 0), first: at(700), second: at(700))
    let step = reader.digest(indexRing(60, 65, from: 700), first: at(800), second: at(805))
    #expect(step.loss?.reason == .reset)
    #expect(abs((step.loss?.count ?? 0) - 100) <= 1)
    #expect(reader.nextSlot == 60)
  }

  @Test("Without a cycle tag a ring that laps from poll to poll is read as far as it can be")
  func indexOnlyLapping() {
    var reader = begun(at: 0, attributes(hasCycle: false))
    var delivered = 0
    for ms in stride(from: Int64(1100), through: 11_000, by: 1100) {
      let step = reader.digest(
        indexRing(ms, ms, from: reader.nextSlot), first: at(ms), second: at(ms))
      delivered += step.slots
      #expect(step.slots == 0 || step.firstFrame + Int64(step.slots) == ms)
    }
    // Once two polls have told the pace, the others ask for what will be there, with a margin of a
    // quarter of a poll.
    #expect(delivered == 8 * (1000 - 276))
  }

  @Test("Without a cycle tag a ring that laps from poll to poll is read on after a reset")
  func indexOnlyLappingReset() {
    var reader = begun(at: 0, attributes(hasCycle: false))
    func poll(_ ms: Int64, since reset: Int64) -> RingReader.Step {
      let index = (ms - reset) % 1000
      return reader.digest(
        indexRing(index, index, from: reader.nextSlot), first: at(ms), second: at(ms))
    }
    for ms in stride(from: Int64(1100), through: 4400, by: 1100) { _ = poll(ms, since: 0) }
    // It begins anew at 4800 ms. One position that follows from the one before, whatever the laps
    // between them, may do so by chance; two do not.
    #expect(poll(5500, since: 4800).isUnsettled)
    #expect(poll(6600, since: 4800).isUnsettled)
    let step = poll(7700, since: 4800)
    #expect(step.loss?.reason == .clock && step.beginsSegment)
    let next = poll(8800, since: 4800)
    #expect(next.loss?.reason == .overrun && next.slots > 0)
    #expect(abs(next.firstFrame + Int64(next.slots) - 8800) <= 2)
  }

  @Test("Without a cycle tag laps that the clock cannot count are a gap")
  func indexOnlyLost() {
    var reader = begun(at: 0, attributes(hasCycle: false))
    // 500 s without an answer: clocks may be apart by 300 ms either way.
    let step = reader.digest(
      indexRing(500_300, 500_310, from: 0), first: at(500_300), second: at(500_310))
    #expect(step.loss?.reason == .clock)
    #expect(step.slots == 0)
    #expect(step.beginsSegment)
    #expect((step.loss?.uncertainty ?? 0) >= 300)
  }

  @Test("Without a cycle tag an answer too slow to count laps by waits for the next one")
  func indexOnlySlow() {
    var reader = begun(at: 0, attributes(hasCycle: false))
    _ = reader.digest(indexRing(400, 400, from: 0), first: at(400), second: at(400))
    let vague = Bracket(before: at(1400).before, after: at(2000).before)
    let slow = reader.digest(indexRing(1700, 2010, from: 400), first: vague, second: at(2010))
    #expect(slow.isUnsettled && slow.loss == nil && slow.slots == 0)
    let next = reader.digest(indexRing(2100, 2110, from: 400), first: at(2100), second: at(2110))
    #expect(next.loss?.reason == .overrun && next.loss?.first == 400)
  }

  // MARK: - Help

  private func attributes(
    source: SourceType = .float32, channels: Int = 1, blockSize: Int? = nil, rate: Double = 1000,
    hasCycle: Bool = true, isGated: Bool = false
  ) -> BufferAttributes {
    let circuit = TableCircuit.with(slots: 1000, rate: rate)
    if !hasCycle { _ = circuit.without("lfp_c") }
    let request = BufferRequest(
      name: "lfp", dataTag: "lfp",
      format: SlotFormat(source: source, destination: .float32, channels: channels),
      blockSize: blockSize, isGated: isGated)
    do {
      return try BufferAttributes(opening: request, on: circuit)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// A reader whose first poll, at 0 ms, found a position.
  private func begun(at slot: Int64, _ attributes: BufferAttributes? = nil) -> RingReader {
    let attributes = attributes ?? self.attributes()
    var reader = RingReader(attributes)
    let first =
      attributes.cycleTag == nil ? indexRing(slot, slot, from: .max) : ring(slot, slot)
    _ = reader.digest(first, first: at(0), second: at(0))
    return reader
  }

  /// An instant, in milliseconds.
  private func at(_ milliseconds: Int64) -> Bracket {
    Bracket(before: milliseconds * 1_000_000, after: milliseconds * 1_000_000)
  }

  /// A poll's answer: the positions in slots, and the words that the device then delivers.
  private func ring(
    _ first: Int64, _ second: Int64, from: Int64 = .max, room: Int = 1000
  ) -> Poll.Ring {
    var ring = emptyRing(cycle: "lfp_c")
    ring.from = from
    ring.first = RingPosition(cycle: Int(first / 1000), index: Int(first % 1000))
    ring.second = RingPosition(cycle: Int(second / 1000), index: Int(second % 1000))
    ring.start = max(from, first - 1000)
    ring.count = Int(min(max(0, first - ring.start), Int64(room)))
    return ring
  }

  private func indexRing(_ first: Int64, _ second: Int64, from: Int64) -> Poll.Ring {
    var ring = emptyRing(cycle: nil)
    ring.from = from
    ring.first = RingPosition(cycle: 0, index: Int(first % 1000))
    ring.second = RingPosition(cycle: 0, index: Int(second % 1000))
    ring.start = from
    ring.count = Int(((first - from % 1000) % 1000 + 1000) % 1000)
    return ring
  }

  /// The words do not matter: no reader looks at them.
  private func emptyRing(cycle: String?) -> Poll.Ring {
    Poll.Ring(
      tags: RingTags(data: "lfp", index: "lfp_i", cycle: cycle), size: 1000,
      destination: UnsafeMutableBufferPointer(start: nil, count: 0))
  }
}
