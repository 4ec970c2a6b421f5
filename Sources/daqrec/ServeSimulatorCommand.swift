import Bridge
import Clocks
import Devices
import Glibc
import Recording
import Simulator
import Synchronization

/// `daqrec serve-simulator`: a simulated device behind the bridge protocol.
enum ServeSimulatorCommand: Command {
  static let name = "serve-simulator"
  static let summary = "serves a session's simulated device behind the bridge protocol, on stdio"
  static let usage = "circuit|stimulator SESSION"
  static let options = [
    OptionSpec("name", value: "NAME", "which circuit of the session (the first)"),
    OptionSpec(
      "listen", value: "PATH",
      "be the device: listen on a Unix socket, outlive every client, end on SIGTERM"),
    OptionSpec(
      "device-socket", value: "PATH",
      "be the bridge alone: the device is the process that listens on PATH"),
    OptionSpec(
      "log", value: "FILE",
      "with a stimulator: write what left the device to FILE at the end, a JSON line a run"),
    ValidateCommand.sessionSetting,
  ]
  static let details = """
    A session reaches it with driver: "bridge" and
    command: ["daqrec", "serve-simulator", "circuit", "sim.json5"]. With --listen and
    --device-socket recorder, bridge and device are three processes, each of which can be killed
    while the others are watched.

    example: daqrec init && daqrec serve-simulator stimulator session.json5 --listen stg.sock
    """

  static func run(_ arguments: Arguments, _ console: Console) throws -> Int32 {
    Signals.block()
    guard arguments.operands.count == 2 else {
      throw UsageError(description: "circuit or stimulator, and a session, are expected")
    }
    let kind = arguments.operands[0]
    guard kind == "circuit" || kind == "stimulator" else {
      throw UsageError(description: "\(kind): circuit or stimulator is expected")
    }
    let session = try ValidateCommand.load(arguments.operands[1], arguments)
    let timekeeper = RealTimekeeper()
    let world = SimulatedWorld(timekeeper: timekeeper, keepsTruth: arguments.has("log"))
    let device = try served(kind, session, world, timekeeper, arguments)

    let end = EndFlag()
    Signals.wait { _ in end.raise() }
    var options = BridgeServer.Options()
    options.log = { console.say("\(kind): \($0)") }
    options.isAskedToEnd = { end.isRaised }
    defer {
      if let path = arguments.value("log") { write(world, channels: 8, to: path) }
    }
    if let path = arguments.value("listen") {
      do throws(DeviceError) {
        try DeviceSocketServer(device, path: path, timekeeper: timekeeper, options: options).run()
        return 0
      } catch {
        throw Failure(exitCode: 73, place: path, message: "\(error)")
      }
    }
    // Frames have descriptors of their own: nothing that prints can come between them.
    let (input, output) = (dup(STDIN_FILENO), dup(STDOUT_FILENO))
    dup2(STDERR_FILENO, STDOUT_FILENO)
    return BridgeServer(device, timekeeper: timekeeper, options: options)
      .run(input: input, output: output)
  }

  private static func served(
    _ kind: String, _ session: Session, _ world: SimulatedWorld, _ timekeeper: RealTimekeeper,
    _ arguments: Arguments
  ) throws(UsageError) -> ServedDevice {
    let socket = arguments.value("device-socket")
    guard kind == "circuit" else {
      guard let settings = session.stimulator else {
        throw UsageError(description: "\(session.path) has no stimulator")
      }
      return .stimulator { () throws(DeviceError) in
        if let socket {
          return try BridgedStimulator(
            name: settings.name, address: .socket(socket), serial: settings.serial,
            timekeeper: timekeeper)
        }
        return SimulatedStimulator(
          name: settings.name, serial: settings.serial ?? "SIM-1", settings: settings.simulation,
          world: world)
      }
    }
    let wanted = arguments.value("name") ?? session.circuits.first?.name ?? ""
    guard let settings = session.circuit(wanted) else {
      throw UsageError(description: "\(session.path) has no circuit \(wanted)")
    }
    return .circuit { attach throws(DeviceError) in
      if let socket {
        return try BridgedCircuit(
          name: settings.name, address: .socket(socket),
          opening: CircuitOpening(model: settings.model ?? "RZ2"), attach: attach,
          timekeeper: timekeeper)
      }
      guard !attach else {
        throw DeviceError(
          device: settings.name, call: "attach", code: .notRunning,
          message: "no circuit runs in a simulator that has just been started")
      }
      return try SimulatedCircuit(settings, of: session, in: world)
    }
  }

  /// What left the stimulator: time on the monotonic clock in ns, channel, code.
  private static func write(_ world: SimulatedWorld, channels: Int, to path: String) {
    guard let file = fopen(path, "w") else { return }
    defer { fclose(file) }
    for channel in 0..<channels {
      for run in world.runs(of: .channel(channel)) {
        let line: JSONValue = [
          "channel": .whole(channel), "time_ns": .whole(run.time), "code": .whole(run.code),
        ]
        fputs(line.description + "\n", file)
      }
    }
  }
}

/// Set by a signal, looked at by a server.
private final class EndFlag: Sendable {
  private let raised = Atomic(false)
  func raise() { raised.store(true, ordering: .releasing) }
  var isRaised: Bool { raised.load(ordering: .acquiring) }
}
