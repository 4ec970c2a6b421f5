import Clocks
import Simulator

/// What the simulator knows about the clocks of a session, as lines of text:
///
/// - `pulse STREAM_SAMPLE REFERENCE LINE`: a rising edge of the sync output, and the ticks, with
///   their fraction, of the reference circuit and of the circuit that records the line;
/// - `tick REFERENCE LINE`: both circuits' ticks at the same instant, every 10 s.
struct ClockTruth {
  private(set) var text = ""

  init(of scenario: ClockScenario, in world: SimulatedWorld, _ circuits: KeptCircuits) {
    guard let reference = circuits["rz"], let line = circuits[scenario.lineCircuit] else { return }
    for run in world.runs(of: .sync(0)) where run.code == 1 {
      guard let ticks = reference.ticks(at: run.time), let others = line.ticks(at: run.time)
      else { continue }
      text += "pulse \(run.streamFrame) \(ticks) \(others)\n"
    }
    let step = Int64(10 * ClockScenario.rate)
    for number in 1...max(1, Int64(scenario.seconds / 10)) {
      guard let time = line.hostTime(ofTick: number * step), let ticks = reference.ticks(at: time)
      else { continue }
      text += "tick \(ticks) \(number * step)\n"
    }
  }
}

extension SimulatedCircuit {
  /// Ticks with their fraction at a host time; nil before the circuit ran.
  fileprivate func ticks(at time: Nanoseconds) -> Double? {
    guard let tick = tick(at: time), let begin = hostTime(ofTick: tick),
      let end = hostTime(ofTick: tick + 1)
    else { return nil }
    return Double(tick) + Double(time - begin) / Double(end - begin)
  }
}
