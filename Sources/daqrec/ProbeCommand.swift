import Clocks
import Devices
import Recording
import Samples

/// `daqrec probe`: the devices of a session as they are.
enum ProbeCommand: Command {
  static let name = "probe"
  static let summary = "opens a session's devices and lists tags, sizes, rates and ranges"
  static let usage = "SESSION"
  static let options = [ValidateCommand.sessionSetting, .json]
  static let details = """
    Circuits are loaded as for a recording and not run; the stimulator is opened and not started.
    Every derived attribute of every buffer and output is shown, with the tags it was found by.

    example: daqrec probe session.json5 --json
    """

  static func run(_ arguments: Arguments, _ console: Console) throws -> Int32 {
    let session = try ValidateCommand.load(try arguments.only("SESSION"), arguments)
    let timekeeper: any Timekeeper =
      session.speed.isInfinite ? VirtualTimekeeper() : RealTimekeeper(speed: session.speed)
    let devices = SessionDevices(session, timekeeper)
    let plan = SessionPlan(session, openers: devices.openers, software: Software.list)
    let found: DeviceSurvey
    do throws(Recorder.StartError) {
      found = try plan.survey(timekeeper)
    } catch {
      throw Failure(exitCode: error.exitCode, place: error.place, message: error.description)
    }
    if console.isJSON {
      console.emit(found.json)
    } else {
      console.print(found.text)
    }
    return 0
  }
}

extension DeviceSurvey {
  fileprivate var json: JSONValue {
    [
      "circuits": .list(
        circuits.map { circuit in
          [
            "name": .text(circuit.name), "device": .text(circuit.device),
            "fs": .number(circuit.rate), "status": .whole(circuit.status.rawValue),
            "cycle_usage": .whole(circuit.cycleUsage),
            "tags": .list(
              circuit.tags.map { tag in
                [
                  "name": .text(tag.name), "type": .whole(tag.type.rawValue),
                  "size": .whole(tag.size),
                ]
              }),
          ]
        }),
      "buffers": .list(circuits.flatMap { circuit in circuit.buffers.map { $0.json(circuit) } }),
      "outputs": .list(circuits.flatMap { circuit in circuit.outputs.map { $0.json(circuit) } }),
      "stimulator": stimulator.map { .object($0.rows.map { .init($0.0, $0.1) }) } ?? .null,
    ]
  }

  fileprivate var text: String {
    var lines: [String] = []
    for circuit in circuits {
      lines.append(
        "circuit \(circuit.name): \(circuit.device), \(circuit.rate) ticks a second, status "
          + "\(circuit.status.rawValue), \(circuit.cycleUsage) % of the tick used")
      let width = (circuit.tags.map(\.name.count).max() ?? 0) + 2
      for tag in circuit.tags {
        lines.append("  \(tag.name.padding(to: width))\(tag.type)  \(tag.size)")
      }
      let buffers =
        circuit.buffers.map { ("buffer", $0) } + circuit.outputs.map { ("output", $0) }
      for (kind, buffer) in buffers {
        lines.append("\(kind) \(buffer.name)")
        for (key, value) in buffer.rows(circuit) {
          lines.append("  \(key.padding(to: 18))\(value)")
        }
      }
    }
    if let stimulator {
      lines.append("stimulator")
      for (key, value) in stimulator.rows { lines.append("  \(key.padding(to: 18))\(value)") }
    }
    return lines.joined(separator: "\n")
  }
}

extension BufferAttributes {
  fileprivate func json(_ circuit: DeviceSurvey.Circuit) -> JSONValue {
    .object(rows(circuit).map { .init($0.0, $0.1) })
  }

  fileprivate func rows(_ circuit: DeviceSurvey.Circuit) -> [(String, JSONValue)] {
    [("name", .text(name)), ("circuit", .text(circuit.name))]
      + listing(latch: circuit.latch).map { ($0.name, $0.value) }
  }
}

extension StimulatorInfo {
  fileprivate var rows: [(String, JSONValue)] {
    func list(_ values: [Double]) -> JSONValue { .list(values.map { .number($0) }) }
    return [
      ("name", .text(name)), ("serial", .text(serial)), ("version", .text(version)),
      ("dac_bits", .whole(dacBits)), ("channels", .whole(channels)),
      ("triggers", .whole(triggers)), ("range_nA", list(rangeNanoamperes)),
      ("resolution_nA", list(resolutionNanoamperes)), ("range_uV", list(rangeMicrovolts)),
      ("resolution_uV", list(resolutionMicrovolts)), ("memory_bytes", .whole(memoryBytes)),
    ]
  }
}
