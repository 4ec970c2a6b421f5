import Clocks
import Devices
import Foundation
import Glibc
import Recording
import Samples
import Simulator

/// The loss campaign: seeded recordings in virtual time, each held against the truth.
enum RingBench {
  static let usage =
    "usage: daqrec-bench ring [--seed N] [--count M] [--folder DIR] [--verbose] [--keep]"

  static func run(arguments: [String]) -> Int32 {
    var first: UInt64 = 1
    var count = 100
    var folder = FileManager.default.temporaryDirectory.path
    var isVerbose = false
    var keeps = false
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--seed": first = rest.popFirst().flatMap { UInt64($0) } ?? first
      case "--count": count = rest.popFirst().flatMap { Int($0) } ?? count
      case "--folder": folder = rest.popFirst() ?? folder
      case "--verbose": isVerbose = true
      case "--keep": keeps = true
      default:
        emit(usage)
        return 64
      }
    }
    var total = RingCheck.Figures()
    var failed = 0
    var slowest = (seed: UInt64(0), seconds: 0.0)
    let began = seconds()
    for seed in first..<first + UInt64(count) {
      let start = seconds()
      let scenario = RingScenario(seed: seed)
      let path = "\(folder)/ring-\(seed).nwb.h5"
      unlink(path)
      do {
        let run = try RingRun(scenario, folder: folder)
        let check = try RingCheck(run)
        total.add(check.figures)
        if !check.problems.isEmpty || isVerbose {
          emit(scenario.summary)
          if isVerbose { emit(run.history) }
          if isVerbose { for problem in check.excused { emit("  EXCUSED \(problem)") } }
          for problem in check.problems { emit("  WRONG \(problem)") }
        }
        if !check.problems.isEmpty { failed += 1 }
      } catch {
        emit(scenario.summary)
        emit("  FAILED \(error)")
        failed += 1
      }
      if !keeps { unlink(path) }
      let elapsed = seconds() - start
      if elapsed > slowest.seconds { slowest = (seed, elapsed) }
    }
    emit(total.line(failed: failed, seconds: seconds() - began, slowest: slowest))
    return failed == 0 ? 0 : 1
  }

  static func emit(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDOUT_FILENO, bytes, bytes.count)
  }

  private static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

extension RingRun {
  /// Every poll and every warning, in order, for a person who looks for what went wrong.
  fileprivate var history: String {
    var lines: [(time: Nanoseconds, text: String)] = warnings.map { ($0.time, "  \($0.text)") }
    for (circuit, observed) in zip(scenario.circuits, circuits) {
      for (number, poll) in observed.polls.enumerated() {
        let rings = zip(circuit.buffers, poll.rings).map { buffer, ring in
          "\(buffer.name) \(ring.first.cycle):\(ring.first.index) "
            + "\(ring.second.cycle):\(ring.second.index) from \(ring.from) count \(ring.count)"
        }
        lines.append(
          (
            poll.end,
            "\(circuit.name) poll \(number) at \(poll.first.before)…\(poll.first.after) "
              + "\(poll.second.before)…\(poll.second.after): \(rings.joined(separator: ", "))"
          ))
      }
      for time in observed.failures { lines.append((time, "\(circuit.name) failed")) }
      for bracket in observed.fired { lines.append((bracket.after, "\(circuit.name) gate fired")) }
      let start = observed.circuit.hostTime(ofTick: 0) ?? 0
      for fault in circuit.simulation.faults {
        lines.append((start + Nanoseconds((fault.at ?? 0) * 1e9), "\(circuit.name) \(fault.kind)"))
      }
    }
    return lines.sorted { $0.time < $1.time }.map { "    \($0.time) \($0.text)" }
      .joined(separator: "\n")
  }
}

extension RingCheck.Figures {
  mutating func add(_ other: Self) {
    scenarios += other.scenarios
    series += other.series
    samples += other.samples
    polls += other.polls
    races += other.races
    readings += other.readings
    unseen += other.unseen
    twofold += other.twofold
    worstFill = max(worstFill, other.worstFill)
    for (reason, gap) in other.gaps {
      gaps[reason, default: (0, 0)].count += gap.count
      gaps[reason, default: (0, 0)].frames += gap.frames
    }
  }

  /// One JSON object.
  func line(failed: Int, seconds: Double, slowest: (seed: UInt64, seconds: Double)) -> String {
    let gaps = gaps.sorted { $0.key < $1.key }.map {
      "\"\($0.key)\": {\"gaps\": \($0.value.count), \"frames\": \($0.value.frames)}"
    }.joined(separator: ", ")
    return "{\"bench\": \"ring\", \"scenarios\": \(scenarios), \"failed\": \(failed), "
      + "\"series\": \(series), \"samples\": \(samples), \"polls\": \(polls), "
      + "\"races_repaired\": \(races), \"clock_readings\": \(readings), "
      + "\"unseen\": \(unseen), \"twofold\": \(twofold), "
      + "\"lost\": {\(gaps)}, \"worst_fill\": \((worstFill * 100).rounded() / 100), "
      + "\"seconds\": \((seconds * 10).rounded() / 10), "
      + "\"slowest\": {\"seed\": \(slowest.seed), "
      + "\"ms\": \((slowest.seconds * 1000).rounded())}}"
  }
}
