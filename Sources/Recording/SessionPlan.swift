public import Devices
public import Foundation
public import NWB
import Samples

/// What a device behind a link tells the recorder, from the thread that owns it.
public struct LinkReports: Sendable {
  /// A line of the link's log.
  public var log: @Sendable (String) -> Void
  /// The four times of an exchange.
  public var exchange: @Sendable (LinkClock.Exchange) -> Void
}

/// How the devices of a session are opened: the program says which kinds there are.
public struct DeviceOpeners: Sendable {
  /// What opens a circuit, on the thread that will own it.
  public var circuit: @Sendable (CircuitSettings, LinkReports) throws -> any Circuit
  public var stimulator: @Sendable (StimulatorSettings, LinkReports) throws -> any Stimulator

  public init(
    circuit: @escaping @Sendable (CircuitSettings, LinkReports) throws -> any Circuit,
    stimulator: @escaping @Sendable (StimulatorSettings, LinkReports) throws -> any Stimulator
  ) {
    self.circuit = circuit
    self.stimulator = stimulator
  }
}

/// A session as it will be run: what each thread is to do, and what the file will say.
public struct SessionPlan: Sendable {
  let session: Session
  let circuits: [CircuitPlan]
  let stimulator: StimulatorPlan?
  private(set) var file: FilePlan
  /// Seconds; nil: until stopped.
  var duration: Double?
  /// Everything but the file.
  var isPreview: Bool
  /// The program and what it is built of, for the file.
  let software: [Software]

  /// `output`: the file's path in place of the session's.
  /// `epochs`: trials of one buffer; the session has its circuit only.
  /// `now`: seconds since 1970 that the path's `{date}` and `{time}` say.
  public init(
    _ session: Session, openers: DeviceOpeners, output: String? = nil, duration: Double? = nil,
    isPreview: Bool = false, epochs: EpochRequest? = nil,
    software: [(name: String, version: String)], now: Date = Date()
  ) {
    self.session = session
    self.duration = duration ?? session.run.duration
    self.isPreview = isPreview
    self.software = software.map { Software($0.name, $0.version) }
    file = FilePlan(
      path: output ?? Self.path(of: session, at: now),
      flushInterval: Int64(session.file.flushSeconds * 1e9),
      syncInterval: Int64(session.file.syncSeconds * 1e9),
      reserve: Int64(session.file.reserveMegabytes * 1e6))

    var series = 0
    var tables = 0
    var numbers: [String: CircuitPlan.Buffer.Kind] = [:]
    for buffer in session.buffers {
      switch buffer.kind {
      case .samples:
        numbers[buffer.name] = .samples(series: series)
        series += 1
      case .events:
        numbers[buffer.name] = .events(table: tables)
        tables += 1
      }
    }
    let reference = session.buffers.first { $0.kind == .samples }?.circuit
    // The reference circuit comes first: its sample clock is the recording clock.
    let ordered =
      session.circuits.filter { $0.name == reference }
      + session.circuits.filter { $0.name != reference }
    circuits = ordered.enumerated().map { number, settings in
      CircuitPlan(
        name: settings.name, open: { try openers.circuit(settings, $0) },
        latch: settings.latchTrigger, pollInterval: settings.pollMilliseconds.map { $0 / 1000 },
        buffers: session.buffers(of: settings.name).compactMap { buffer in
          numbers[buffer.name].map {
            CircuitPlan.Buffer(
              request: buffer.request, kind: $0, stopsOnOverrun: buffer.onOverrun == .stop)
          }
        },
        outputs: session.outputs.enumerated().filter { $1.circuit == settings.name }.map {
          OutputPlan($1, number: $0)
        },
        tags: settings.tags, watchedTags: settings.watchTags,
        startTrigger: settings.startTrigger, epochs: epochs,
        isReference: settings.name == reference, number: number)
    }
    stimulator = session.stimulator.map { StimulatorPlan($0, openers) }
  }

  /// Calls `body` on the writer's thread before every flush: how tests stall the disk.
  package mutating func beforeFlush(_ body: @escaping @Sendable () -> Void) {
    file.beforeFlush = body
  }

  /// The path with `{id}`, `{date}` and `{time}` filled in.
  private static func path(of session: Session, at now: Date) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyy-MM-dd"
    let date = formatter.string(from: now)
    formatter.dateFormat = "HH-mm-ss"
    return session.file.path
      .replacingOccurrences(
        of: "{id}", with: session.texts.id.replacingOccurrences(of: "/", with: "-")
      )
      .replacingOccurrences(of: "{date}", with: date)
      .replacingOccurrences(of: "{time}", with: formatter.string(from: now))
  }

  /// The series' buffers in the order of the session.
  func seriesAttributes(_ opened: [OpenedCircuit]) -> [BufferAttributes] {
    var found: [Int: BufferAttributes] = [:]
    for (plan, circuit) in zip(circuits, opened) {
      for (buffer, attributes) in zip(plan.buffers, circuit.buffers) {
        if case .samples(let series) = buffer.kind { found[series] = attributes }
      }
    }
    return found.sorted { $0.key < $1.key }.map(\.value)
  }

  /// Names of the devices behind a link, in the order of their tables in the file.
  var links: [String] {
    session.circuits.filter { $0.driver == .bridge }.map(\.name)
      + (session.stimulator.map { $0.driver == .bridge ? [$0.name] : [] } ?? [])
  }

  /// The settings of the series, in the same order.
  var seriesSettings: [BufferSettings] { session.buffers.filter { $0.kind == .samples } }

  /// The two promises of the file, for the person at the rig.
  public var promises: [String] {
    guard !isPreview else { return ["preview: nothing is written"] }
    let flush = session.file.flushSeconds
    let sync = session.file.syncSeconds
    return [
      "output: \(file.path)",
      "a crash of the recorder costs at most \(flush) s, a power cut \(flush + sync) s and a sync",
    ]
      + circuits.filter { circuit in
        !circuit.isReference
          && circuit.buffers.contains { if case .samples = $0.kind { true } else { false } }
      }.map {
        "circuit \($0.name) has a clock of its own: its series are mapped by \($0.name)_clock"
      }
  }

  /// The board as it stands before anything is acquired.
  func statusBoard(
    _ opened: [OpenedCircuit], _ info: StimulatorInfo?
  ) -> StatusBoard.Snapshot {
    var board = StatusBoard.Snapshot()
    board.circuits = circuits.map { StatusBoard.Circuit(name: $0.name) }
    board.buffers = zip(seriesSettings, seriesAttributes(opened)).map { settings, attributes in
      var row = StatusBoard.Buffer(name: settings.name, circuit: settings.circuit)
      row.rate = attributes.rate
      return row
    }
    board.outputs = session.outputs.map { StatusBoard.Output(name: $0.name) }
    board.stimulator = stimulator.map { StatusBoard.Stimulator(name: $0.name) }
    board.file.path = isPreview ? "" : file.path
    return board
  }
}
