import Devices
public import NWB

/// Everything one recording is to do, as its session file says and as checked before any device is
/// touched.
///
/// A key that is null is a key that is missing. Names are those of the file; units are in the names
/// or their comments.
public struct Session: Sendable {
  /// `session`: who, what, why.
  public var texts = SessionTexts(id: "", description: "")
  /// `session.subject`.
  public var subject: SubjectDescription?
  public var file = FileSettings()
  public var circuits: [CircuitSettings] = []
  public var buffers: [BufferSettings] = []
  public var outputs: [OutputSettings] = []
  public var stimulator: StimulatorSettings?
  public var stimulus = StimulusSettings()
  public var control = ControlSettings()
  public var run = RunSettings()

  /// Seconds of the session's timekeeper in one second of real time; infinity: virtual time. What
  /// any simulated device's `speed` says, as all share one time; 1 with real devices.
  public var speed = 1.0

  /// The file's path as given, and its text, verbatim.
  public var path = ""
  public var text = ""
  /// What the command line set besides, `key.path=value` each.
  public var settings: [String] = []

  public init() {}

  /// The circuit of a name.
  public func circuit(_ name: String) -> CircuitSettings? { circuits.first { $0.name == name } }

  /// The buffers of a circuit, in the session's order.
  public func buffers(of circuit: String) -> [BufferSettings] {
    buffers.filter { $0.circuit == circuit }
  }
}

extension Session {
  /// Reads everything; problems are collected, and what has any is left at its default.
  static func read(_ root: ObjectReader, in folder: SessionFolder) -> Session {
    var session = Session()
    if let section = root.required("session", "a section with id and description") {
      _ = section.object { reader in
        session.texts = SessionTexts(reading: reader)
        session.subject = reader.object("subject") { SubjectDescription(reading: $0) }
      }
    }
    session.file = root.object("file") { FileSettings(reading: $0) } ?? session.file
    session.circuits = root.list("circuits") { value in
      value.object { CircuitSettings(reading: $0, in: folder) }
    }
    session.buffers = root.list("buffers") { value in
      value.object { BufferSettings(reading: $0, in: folder) }
    }
    session.outputs = root.list("outputs") { value in
      value.object { OutputSettings(reading: $0, in: folder) }
    }
    session.stimulator = root.object("stimulator") { StimulatorSettings(reading: $0) }
    let mode = session.stimulator?.mode ?? .current
    session.stimulus =
      root.object("stimulus") { StimulusSettings(reading: $0, mode: mode, in: folder) }
      ?? session.stimulus
    session.control = root.object("control") { ControlSettings(reading: $0) } ?? session.control
    session.run = root.object("run") { RunSettings(reading: $0) } ?? session.run
    session.shareSpeed()
    return session
  }

  /// Gives every simulated device the one speed that was asked for.
  private mutating func shareSpeed() {
    let asked = circuits.map { $0.simulation.speed } + [stimulator?.simulationSpeed]
    speed = asked.compactMap(\.self).first ?? 1
    for index in circuits.indices { circuits[index].simulation.device.speed = speed }
  }
}
