import Clocks
import Devices
import Samples
import Synchronization
import Testing

@testable import Bridge
@testable import Simulator

/// A stimulator that notes what is asked of it, and can be slow.
private final class Witness: Stimulator {
  final class Notes: Sendable {
    private let calls = Mutex<[String]>([])
    var all: [String] { calls.withLock { $0 } }
    func add(_ call: String) { calls.withLock { $0.append(call) } }
  }

  let notes: Notes
  let info = simulatedStimulator().info
  private let timekeeper = RealTimekeeper()

  init(_ notes: Notes) { self.notes = notes }

  func configure(_ setup: StimulatorSetup) -> StimulatorSetup { setup }

  func arm(limits: [SignalLimits?], queueMilliseconds: Int, timeToLiveMilliseconds: Int) {
    notes.add("arm")
  }

  /// Takes 200 ms.
  func feed(_ chunks: [FeedChunk], _ reply: inout FeedReply) {
    notes.add("feed")
    timekeeper.sleep(until: timekeeper.now + 200_000_000)
  }

  func start(triggers: UInt32) -> Bracket {
    notes.add("start")
    return Bracket(before: timekeeper.now, after: timekeeper.now)
  }

  func stop(triggers: UInt32, gracefully: Bool) {
    notes.add(gracefully ? "stop gracefully" : "stop")
  }

  func heartbeat() {}
  func emergencyStop() { notes.add("estop") }
  func download(channel: Int, amplitudes: [Int], durations: [Int], repeats: Int) {}
  func close() { notes.add("close") }
}

@Suite(.timeLimit(.minutes(1))) struct WatchdogTests {
  private static let armed = #","ttl_ms":100,"queue_max_ms":1,"limits":[]"#

  /// A host that has started trigger 1.
  private func running(_ notes: Witness.Notes, ttl: Int = 5000) throws -> (RawHost, String) {
    let host = try RawHost { .stimulator { Witness(notes) } }
    try host.ask("stg.open")
    let token = try host.arm(#","ttl_ms":\#(ttl),"queue_max_ms":1,"limits":[]"#)
    #expect(try host.ask("stg.start", #","token":"\#(token)","triggers":1"#).error == nil)
    return (host, token)
  }

  @Test("A host that says nothing for the time to live finds the stimulator stopped until armed")
  func missedHeartbeat() throws {
    let notes = Witness.Notes()
    let (host, token) = try running(notes, ttl: 100)
    let start = ContinuousClock().now
    while !notes.all.contains("stop"), ContinuousClock().now - start < .seconds(2) {
      Descriptors.wait(nanoseconds: 5_000_000)
    }
    #expect(ContinuousClock().now - start < .seconds(1), "silent within a second")
    #expect(notes.all == ["arm", "start", "stop gracefully", "stop"])
    #expect(try host.ask("clock").error?.code == "heartbeat")
    #expect(host.events.map(\.event) == ["fault", "stopped"])
    #expect(host.events.first?.message.hasPrefix("heartbeat: nothing heard for 1") == true)
    #expect(
      try host.ask("stg.start", #","token":"\#(token)","triggers":1"#).error?.code == "heartbeat")
    #expect(try host.ask("arm", Self.armed).error == nil)
    #expect(try host.ask("clock").error == nil)
    #expect(
      try host.ask("stg.start", #","token":"\#(token)","triggers":1"#).error?.code == "token")
  }

  @Test("The end of its input stops the stimulator and ends the server")
  func endOfInput() throws {
    let notes = Witness.Notes()
    let (host, _) = try running(notes)
    host.hangUp()
    #expect(try host.exitCode() == 0)
    #expect(notes.all == ["arm", "start", "stop gracefully", "stop"])
    #expect(host.events.map(\.event) == ["fault", "stopped"])
  }

  @Test("A fatal frame stops the stimulator and ends the server with 70")
  func fatalFrame() throws {
    let notes = Witness.Notes()
    let (host, _) = try running(notes)
    var bytes = try wire(#"{"id":9,"op":"clock"}"#)
    bytes[20] ^= 1
    try host.send(bytes: bytes)
    let error = try host.answer(Refusal.self)
    #expect(error.id == nil && error.error.code == "bad-frame" && error.error.fatal == true)
    #expect(try host.exitCode() == 70)
    #expect(notes.all == ["arm", "start", "stop gracefully", "stop"])
  }

  @Test("An intact frame with senseless JSON is refused, and nothing else happens")
  func badJSON() throws {
    let notes = Witness.Notes()
    let (host, _) = try running(notes)
    try host.send(bytes: wire("[1"))
    let error = try host.answer(Refusal.self)
    #expect(error.id == nil && error.error.code == "bad-frame" && error.error.fatal == false)
    #expect(try host.ask("stg.dance").error?.code == "unknown-op")
    #expect(try host.ask("clock").error == nil)
    #expect(notes.all == ["arm", "start"])
  }

  @Test("Asked to end, the server stops the stimulator first")
  func terminate() throws {
    let notes = Witness.Notes()
    let flag = Flag()
    var options = BridgeServer.Options()
    options.isAskedToEnd = { flag.isSet }
    let host = try RawHost(options: options) { .stimulator { Witness(notes) } }
    try host.ask("stg.open")
    let token = try host.arm(Self.armed)
    try host.ask("stg.start", #","token":"\#(token)","triggers":1"#)
    flag.set()
    #expect(try host.exitCode() == 0)
    #expect(notes.all == ["arm", "start", "stop gracefully", "stop"])
  }

  @Test("An emergency stop is served ahead of what waits, and latches until armed")
  func emergencyStopOvertakes() throws {
    let notes = Witness.Notes()
    let (host, token) = try running(notes)
    let feed = #","token":"\#(token)","chunks":[]"#
    let first = try host.send("stg.feed", feed)
    let second = try host.send("stg.feed", feed)
    let stop = try host.send("estop")
    let heads = try (0..<3).map { _ in try host.answer() }
    #expect(heads.map(\.id) == [first, stop, second] || heads.map(\.id) == [stop, first, second])
    #expect(heads[2].error?.code == "estop")
    #expect(notes.all.filter { $0 == "feed" }.count <= 1)
    #expect(try host.ask("stg.feed", feed).error?.code == "estop")
    #expect(try host.ask("arm", Self.armed).error == nil)
    #expect(try host.ask("stg.feed", feed).error?.code == "token")
  }

  @Test("A circuit runs on when its host leaves")
  func circuitRunsOn() throws {
    let halted = Flag()
    let host = try RawHost {
      .circuit { attach throws(DeviceError) in
        try HaltWitness(simulatedCircuit(attach: attach), halted)
      }
    }
    let opened = try host.ask("tdt.open", #","model":"RZ2","index":1"#)
    #expect(opened.error == nil)
    #expect(try host.ask("tdt.run").error == nil)
    host.hangUp()
    #expect(try host.exitCode() == 0)
    #expect(!halted.isSet)
  }

  @Test("More requests than eight at once are answered busy")
  func busy() throws {
    let notes = Witness.Notes()
    let (host, token) = try running(notes)
    var wires: [UInt8] = []
    for id in 100..<112 {
      wires += try wire(#"{"id":\#(id),"op":"stg.feed","token":"\#(token)","chunks":[]}"#)
    }
    try host.send(bytes: wires)
    let codes = try (0..<12).map { _ in try host.answer().error?.code }
    // The first may have been taken before the others came.
    #expect((3...4).contains(codes.count { $0 == "busy" }))
  }
}

/// A circuit that notes being halted or closed.
private final class HaltWitness: Circuit {
  private let circuit: SimulatedCircuit
  private let halted: Flag

  init(_ circuit: SimulatedCircuit, _ halted: Flag) {
    self.circuit = circuit
    self.halted = halted
  }

  var deviceDescription: String { circuit.deviceDescription }
  var rate: Double { circuit.rate }
  var tags: [TagInfo] { circuit.tags }
  func run() throws(DeviceError) { try circuit.run() }
  func halt() throws(DeviceError) {
    halted.set()
    try circuit.halt()
  }
  func health() throws(DeviceError) -> (status: CircuitStatus, cycleUsage: Int) {
    try circuit.health()
  }
  func values(of tags: [String]) throws(DeviceError) -> [Float] { try circuit.values(of: tags) }
  func set(_ tag: String, to value: Float) throws(DeviceError) { try circuit.set(tag, to: value) }
  func fire(_ trigger: Trigger, mode: TriggerMode) throws(DeviceError) -> Bracket {
    try circuit.fire(trigger, mode: mode)
  }
  func poll(_ poll: inout Poll) throws(DeviceError) { try circuit.poll(&poll) }
  func write(
    _ words: UnsafeBufferPointer<UInt32>, to ring: RingTags, size: Int, from: Int64
  ) throws(DeviceError) -> (position: RingPosition, bracket: Bracket) {
    try circuit.write(words, to: ring, size: size, from: from)
  }
  func reconnect() throws(DeviceError) { try circuit.reconnect() }
  func close() {
    halted.set()
    circuit.close()
  }
}
