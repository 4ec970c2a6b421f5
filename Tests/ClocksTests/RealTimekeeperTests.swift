import Clocks
import Foundation
import Testing

@Suite("Real time", .timeLimit(.minutes(1)))
struct RealTimekeeperTests {
  let time = RealTimekeeper()

  @Test("A sleep is not early and leaves time that has passed alone")
  func sleepsAreNotEarly() {
    #expect(!time.isVirtual)
    for _ in 0..<20 {
      let deadline = time.now + 200_000
      time.sleep(until: deadline)
      #expect(time.now >= deadline)
    }
    time.sleep(until: 0)
    time.sleep(until: .min)
  }

  @Test("Now is the host's CLOCK_MONOTONIC")
  func nowIsMonotonic() {
    let before = clock()
    let now = time.now
    #expect(before <= now)
    #expect(now <= clock())
  }

  private func clock() -> Nanoseconds {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  @Test("Time runs `speed` times as fast from its making", arguments: [0.5, 20, 1000.0])
  func speedScales(speed: Double) {
    let (slow, fast) = (RealTimekeeper(), RealTimekeeper(speed: speed))
    let (hostBefore, start) = (slow.now, fast.now)
    let deadline = start + Int64(4_000_000 * speed)
    fast.sleep(until: deadline)
    let end = fast.now
    let elapsed = Double(slow.now - hostBefore)
    #expect(end >= deadline)
    #expect(elapsed >= 3_999_000)
    #expect(Double(end - start) <= elapsed * speed + 1)
  }

  @Test("A gate wakes across threads, and no signal is lost between ticket and wait")
  func gatesWake() {
    let (there, back) = (time.makeGate(), time.makeGate())
    let owner = time.startOwner("echo") {
      for round in 0..<1000 {
        there.wait(since: UInt64(round), until: nil)
        back.signal()
      }
    }
    for round in 0..<1000 {
      there.signal()
      #expect(back.wait(since: UInt64(round), until: time.now + 30_000_000_000))
    }
    owner.join()
    #expect(there.ticket == 1000)
  }

  @Test("A gate without a signal returns at the deadline", arguments: [1, 50.0])
  func gateDeadline(speed: Double) {
    let time = RealTimekeeper(speed: speed)
    let gate = time.makeGate()
    let deadline = time.now + Int64(1_000_000 * speed)
    #expect(!gate.wait(since: gate.ticket, until: deadline))
    #expect(time.now >= deadline)
    gate.signal()
    #expect(gate.wait(since: 0, until: deadline))
  }

  @Test("A deadline that never comes does not overflow at any speed", arguments: [0.001, 1, 1e6])
  func farDeadline(speed: Double) {
    let time = RealTimekeeper(speed: speed)
    let gate = time.makeGate()
    let owner = time.startOwner("signaller") { gate.signal() }
    #expect(gate.wait(since: 0, until: .max))
    owner.join()
  }

  @Test("An owner's name reaches the kernel, cut to 15 bytes; its processor time outlives it")
  func namesAndProcessorTime() {
    let journal = Journal()
    let owner = time.startOwner("acquirer of circuit rz") {
      let name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
      journal.write(name ?? "unreadable")
    }
    owner.join()
    #expect(journal.lines == ["acquirer of cir\n"])
    let used = owner.processorSeconds
    #expect(used > 0)
    #expect(owner.processorSeconds == used)
  }
}
