import Clocks
import Devices
import Foundation
import Recording
import Samples
import Simulator
import Synchronization

/// Records one session of the clock campaign in virtual time, and writes down what the simulator
/// knows about it: `tools/campaigns/clock_campaign` aligns the file and compares.
enum ClockRun {
  static let usage =
    "usage: daqrec-bench clock --seed N --seconds S --output FILE --truth FILE [--second]"

  /// - Returns: the exit code.
  static func run(arguments: [String]) -> Int32 {
    var values: [String: String] = [:]
    var hasSecond = false
    var rest = arguments[...]
    while let word = rest.popFirst() {
      if word == "--second" { hasSecond = true } else { values[word] = rest.popFirst() }
    }
    guard let seed = values["--seed"].flatMap({ UInt64($0) }),
      let seconds = values["--seconds"].flatMap({ Double($0) }), let output = values["--output"],
      let truth = values["--truth"]
    else {
      complain(usage)
      return 64
    }
    do {
      let scenario = ClockScenario(seed: seed, seconds: seconds, hasSecond: hasSecond)
      return try record(scenario, output: output, truth: truth).exitCode
    } catch {
      complain("daqrec-bench clock: seed \(seed): \(error)")
      return 1
    }
  }

  private static func record(
    _ scenario: ClockScenario, output: String, truth: String
  ) throws -> Report {
    let session = try Session.load(text: scenario.text)
    let timekeeper = VirtualTimekeeper()
    let world = SimulatedWorld(timekeeper: timekeeper, keepsTruth: true)
    let kept = KeptCircuits()
    let openers = DeviceOpeners(
      circuit: { settings, _ in
        let circuit = try SimulatedCircuit(
          name: settings.name, settings: settings.simulation.device,
          stores: session.buffers(of: settings.name).map { buffer in
            SimulatedStore(
              data: buffer.dataTag, format: buffer.format,
              slots: Int(ClockScenario.rate) / buffer.format.framesPerUnit)
          }, latchTrigger: settings.latchTrigger, world: world)
        kept.keep(circuit, as: settings.name)
        return circuit
      },
      stimulator: { settings, _ in
        SimulatedStimulator(name: settings.name, settings: settings.simulation, world: world)
      })
    let plan = SessionPlan(
      session, openers: openers, output: output, software: [("daqrec-bench", "1")])
    let report = try Recorder(plan, timekeeper: timekeeper) { complain($0) }.run { _ in }
    try ClockTruth(of: scenario, in: world, kept).text.write(
      toFile: truth, atomically: true, encoding: .utf8)
    return report
  }

  private static func complain(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}

/// The circuits of a session, for their clocks' truth after it.
///
/// Unchecked: they are looked at when the session is over and their threads have been joined.
final class KeptCircuits: @unchecked Sendable {
  private let lock = Mutex(())
  private var circuits: [String: SimulatedCircuit] = [:]

  func keep(_ circuit: SimulatedCircuit, as name: String) {
    lock.withLock { _ in circuits[name] = circuit }
  }

  subscript(name: String) -> SimulatedCircuit? { lock.withLock { _ in circuits[name] } }
}
