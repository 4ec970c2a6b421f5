import Clocks
import Devices
import Foundation
import NWB
import Recording
import Simulator
import Testing

@Suite("What reading the clocks costs")
struct AlignmentClockCostTests {
  private func record(seconds: Int) throws -> (calls: [String: Int], readings: Int) {
    let test = try TestSession(
      """
      {
        session: { id: "cost", description: "calls of a circuit" },
        circuits: [{ name: "rz", latch_trigger: 1, poll_ms: 50,
          simulate: { rate: 6103.515625, speed: "max" } }],
        buffers: [{ name: "lfp", circuit: "rz", channels: 2, src_type: "int16" }],
        run: { duration_s: \(seconds) },
      }
      """)
    defer { test.remove() }
    let calls = CallCounter()
    let simulated = DeviceOpeners.simulated(test.session, in: test.world)
    let openers = DeviceOpeners(
      circuit: { [session = test.session, world = test.world] settings, _ in
        CountedCircuit(try SimulatedCircuit(settings, of: session, in: world), calls)
      }, stimulator: simulated.stimulator)
    let plan = SessionPlan(
      test.session, openers: openers, output: test.path, software: [("daqrec", "test")])
    _ = try Recorder(plan, timekeeper: test.timekeeper) { _ in }.run { _ in }
    let reader = try RecordingReader(reading: test.path)
    let readings = try reader.readings(ofCircuit: "rz").samples.count
    try reader.close()
    return (calls.all, readings)
  }

  @Test("Every poll is one call and one reading; the longer session makes no other but health")
  func onePollOneCall() throws {
    let short = try record(seconds: 2)
    let long = try record(seconds: 6)
    #expect(short.calls["poll"] == short.readings)
    #expect(long.calls["poll"] == long.readings)
    // 20 polls a second.
    #expect((75...85).contains(long.readings - short.readings))
    let others = { (calls: [String: Int]) in
      calls.filter { $0.key != "poll" && $0.key != "health" }
    }
    #expect(others(short.calls) == others(long.calls))
    // When it was opened, after a second, and once in five seconds then.
    #expect(short.calls["health"] == 2)
    #expect((2...3).contains(long.calls["health", default: 0]))
  }

  @Test("A map's memory is the same after an hour as after two minutes")
  func constantMemory() {
    var map = LiveClockMap(rate: 1000)
    var sizes: [Int] = []
    for poll in 0..<72_000 {
      let host = Nanoseconds(poll) * 50_000_000
      map.add(
        ClockReading(
          stored: Int64(poll) * 50, in: Bracket(before: host - 100_000, after: host + 300_000)))
      if poll == 2400 || poll == 71_999 { sizes.append(map.map?.table.count ?? 0) }
    }
    #expect(sizes.count == 2)
    #expect(sizes[0] == sizes[1])
  }
}
