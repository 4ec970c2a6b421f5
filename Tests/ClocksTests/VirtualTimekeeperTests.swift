import Clocks
import Testing

@Suite("Virtual time", .timeLimit(.minutes(1)))
struct VirtualTimekeeperTests {
  let time = VirtualTimekeeper()
  let start = VirtualTimekeeper.start

  @Test("A sleep of the only owner advances time to its deadline, exactly")
  func sleepAdvances() {
    #expect(time.isVirtual)
    #expect(time.now == 1_000_000_000)
    time.sleep(until: start + 7)
    #expect(time.now == 1_000_000_007)
    time.sleep(until: start + 3)
    #expect(time.now == 1_000_000_007)
  }

  @Test("A started owner runs when its starter next waits, at the time of its start")
  func startedOwnerWaitsForTheBaton() {
    let journal = Journal()
    let time = time
    let owner = time.startOwner("second") { journal.write("owner at \(time.now)") }
    journal.write("starter at \(time.now)")
    time.sleep(until: start + 10)
    journal.write("starter at \(time.now)")
    owner.join()
    #expect(
      journal.lines == [
        "starter at 1000000000", "owner at 1000000000", "starter at 1000000010",
      ])
  }

  @Test("Owners with equal deadlines go on in the order in which they began to wait")
  func tiesKeepTheOrderOfWaiting() {
    let journal = Journal()
    let (time, start) = (time, start)
    let owners = ["a", "b", "c"].map { name in
      time.startOwner(name) {
        for step in 1...2 {
          time.sleep(until: start + Int64(step) * 100)
          journal.write("\(name)\(step)")
        }
      }
    }
    for owner in owners { owner.join() }
    #expect(journal.lines == ["a1", "b1", "c1", "a2", "b2", "c2"])
    #expect(time.now == start + 200)
  }

  @Test("A script of owners, gates and joins runs in the same order 20 times of 20")
  func runsAreIdentical() {
    let first = Self.script(seed: 1)
    #expect(first.count == 600)
    for _ in 1..<20 { #expect(Self.script(seed: 1) == first) }
    #expect(Self.script(seed: 2) != first)
  }

  /// Six owners that sleep, signal and wait at random, seeded.
  private static func script(seed: UInt64) -> [String] {
    let time = VirtualTimekeeper()
    let journal = Journal()
    let gate = time.makeGate()
    let owners = (0..<6).map { index in
      time.startOwner("owner \(index)") {
        var random = SeededGenerator(seed: seed * 100 + UInt64(index))
        var last = time.now
        for step in 0..<100 {
          let ticket = gate.ticket
          switch Int.random(in: 0..<4, using: &random) {
          case 0, 1: time.sleep(until: time.now + .random(in: 0..<5, using: &random))
          case 2: gate.signal()
          default: gate.wait(since: ticket, until: time.now + .random(in: 0..<9, using: &random))
          }
          if time.now < last { journal.write("time went backwards") }
          last = time.now
          journal.write("\(index).\(step) at \(time.now), ticket \(gate.ticket)")
        }
      }
    }
    for owner in owners { owner.join() }
    #expect(!journal.lines.contains("time went backwards"))
    return journal.lines
  }

  @Test("A signal before the deadline wakes the waiter at the time of the signal")
  func signalBeforeDeadline() {
    let gate = time.makeGate()
    let (time, start) = (time, start)
    let signaller = time.startOwner("signaller") {
      time.sleep(until: start + 40)
      gate.signal()
    }
    #expect(gate.wait(since: gate.ticket, until: start + 50))
    #expect(time.now == start + 40)
    signaller.join()
    #expect(time.now == start + 40)
  }

  @Test("A deadline before the signal wakes the waiter at the deadline, without a signal")
  func deadlineBeforeSignal() {
    let gate = time.makeGate()
    let (time, start) = (time, start)
    let signaller = time.startOwner("signaller") {
      time.sleep(until: start + 60)
      gate.signal()
    }
    #expect(!gate.wait(since: gate.ticket, until: start + 50))
    #expect(time.now == start + 50)
    signaller.join()
    #expect(time.now == start + 60)
    #expect(gate.ticket == 1)
  }

  @Test("A signal between the ticket and the wait is not lost")
  func signalBetweenTicketAndWait() {
    let gate = time.makeGate()
    let ticket = gate.ticket
    gate.signal()
    #expect(gate.wait(since: ticket, until: nil))
    #expect(!gate.wait(since: gate.ticket, until: start))
    #expect(time.now == start)
  }

  @Test("A signal wakes every waiter, in the order in which they began to wait")
  func signalWakesAll() {
    let (time, journal, gate) = (time, Journal(), time.makeGate())
    let owners = ["a", "b", "c"].map { name in
      time.startOwner(name) {
        gate.wait(since: 0, until: nil)
        journal.write("\(name) at \(time.now)")
      }
    }
    time.sleep(until: start + 5)
    gate.signal()
    for owner in owners.reversed() { owner.join() }
    #expect(journal.lines == ["a at 1000000005", "b at 1000000005", "c at 1000000005"])
  }

  @Test("Joining an owner that has ended returns at once")
  func joinAfterTheEnd() {
    let owner = time.startOwner("short") {}
    time.sleep(until: start + 1)
    owner.join()
    owner.join()
    #expect(time.now == start + 1)
  }

  @Test("When every owner waits without a deadline, a thread outside wakes them; time stands still")
  func externalSignals() {
    // Two gates in turn: a lost signal would leave both sides waiting (the time limit fails it).
    let (asked, answered) = (time.makeGate(), RealTimekeeper().makeGate())
    let outside = RealTimekeeper().startOwner("outside") {
      for round in 0..<1000 {
        asked.signal()
        answered.wait(since: UInt64(round), until: nil)
      }
    }
    for round in 0..<1000 {
      #expect(asked.wait(since: UInt64(round), until: nil))
      answered.signal()
    }
    outside.join()
    #expect(asked.ticket == 1000)
    #expect(time.now == start)
  }

  @Test("Owners started by owners run, and their processor time is known after they ended")
  func nestedOwners() {
    let (time, journal) = (time, Journal())
    let outer = time.startOwner("outer") {
      let inner = time.startOwner("inner") {
        var sum: UInt64 = 0
        for number in 0..<200_000 { sum &+= UInt64(number) }
        journal.write("inner \(sum)")
      }
      journal.write("outer")
      inner.join()
      journal.write("joined \(inner.processorSeconds > 0)")
    }
    outer.join()
    #expect(journal.lines == ["outer", "inner 19999900000", "joined true"])
    #expect(outer.processorSeconds > 0)
  }
}
