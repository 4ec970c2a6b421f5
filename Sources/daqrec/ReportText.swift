import Devices
import Recording

extension Report {
  /// What was recorded, lost, clipped and changed, for people.
  var lines: [String] {
    let code = exitCode
    var lines: [String] = []
    if let path { lines.append("\(path): \(StatusText.decimal(duration, 3)) s") }
    for buffer in final.buffers {
      var line = "  \(buffer.name): \(buffer.samples) samples per channel"
      line +=
        buffer.lost > 0 ? ", LOST \(buffer.lost) in \(counted(buffer.gaps, "gap"))" : ", none lost"
      if buffer.isStalled { line += ", STANDS STILL" }
      if buffer.clipped > 0 { line += ", \(StatusText.clipped(buffer))" }
      // A quiet digital line may well be constant for a second.
      let constant = buffer.constantSeconds.indices.filter { buffer.constantSeconds[$0] >= 2 }
      if let longest = buffer.constantSeconds.max(), !constant.isEmpty {
        line += ", constant (dead?) \(StatusText.channels(constant))"
        line += " for up to \(StatusText.seconds(longest)) s"
      }
      line += ", ring at most \(StatusText.percent(buffer.worstFill))"
      if buffer.racesRepaired > 0 {
        line += ", repaired \(counted(buffer.racesRepaired, "torn position"))"
      }
      lines.append(line)
    }
    for ended in final.endedSeries { lines.append("  \(StatusText.text(ended))") }
    if final.lostEvents > 0 { lines.append("  events LOST \(final.lostEvents)") }
    for circuit in final.circuits {
      guard let usage = circuit.worstCycleUsage else { continue }
      lines.append("  \(circuit.name): at most \(usage) % of the tick used")
    }
    if let stimulator = final.stimulator {
      lines.append(
        "  \(stimulator.name): \(counted(stimulator.changes, "signal change")), "
          + "onsets ± \(StatusText.decimal(stimulator.uncertainty * 1e6, 0)) µs"
          + (stimulator.underruns > 0 ? ", UNDERRUNS \(stimulator.underruns)" : ""))
    }
    for output in final.outputs { lines.append("  \(output.line)") }
    if let uncertainty = final.clockUncertainty {
      let drift = final.clockDrift.map { ", \(StatusText.decimal($0, 1)) ppm against the host" }
      lines.append(
        "  clock ± \(StatusText.decimal(uncertainty * 1e6, 0)) µs\(drift ?? "")")
    }
    if path != nil {
      lines.append(
        "  file: flushed within \(StatusText.milliseconds(final.file.worstFlushDelay)) ms"
          + (final.file.lateFlushes > 0 ? ", LATE \(counted(final.file.lateFlushes, "time"))" : ""))
    }
    for (number, epoch) in epochs.enumerated() {
      lines.append(
        "  trial \(number): \(epoch.frameCount) samples from \(epoch.firstFrame)"
          + (epoch.lost > 0 ? ", LOST \(epoch.lost)" : ""))
    }
    for failure in deviceFailures { lines.append("  device: \(failure)") }
    if let stimulatorFault { lines.append("  stimulation ended by a fault: \(stimulatorFault)") }
    if let fileFailure { lines.append("  file: \(fileFailure)") }
    lines += remarks.map { "  \($0)" }
    let causes = code == 75 && !losses.isEmpty ? ": \(losses.joined(separator: ", "))" : ""
    lines.append("ended: \(reason)" + (code == 0 ? "" : " (exit code \(code)\(causes))"))
    return lines
  }

  /// The `report` line of `--json`.
  var json: JSONValue {
    [
      "type": "report", "file": path.map { .text($0) } ?? .null, "duration_s": .number(duration),
      "exit": .whole(exitCode), "reason": .text(reason.description),
      "circuits": .list(final.circuits.map(\.json)),
      "buffers": .list(
        final.buffers.map { buffer in
          [
            "name": .text(buffer.name), "samples": .whole(buffer.samples),
            "lost": .whole(buffer.lost), "gaps": .whole(buffer.gaps),
            "clipped": .whole(buffer.clipped),
            "clipped_codes": .list(buffer.clippedCodes.map { .whole($0) }),
            "constant_s": .list(buffer.constantSeconds.map { .number($0) }),
            "worst_fill": .number(buffer.worstFill),
            "stands_still": .bool(buffer.isStalled),
            "races_repaired": .whole(buffer.racesRepaired),
          ]
        }),
      "trials": .list(
        epochs.map { epoch in
          [
            "first_sample": .whole(epoch.firstFrame), "n_samples": .whole(epoch.frameCount),
            "lost": .whole(epoch.lost),
          ]
        }),
      "outputs": .list(final.outputs.map(\.json)),
      "ended_series": .list(final.endedSeries.map(\.json)),
      "lost_events": .whole(final.lostEvents),
      "losses": .list(losses.map { .text($0) }),
      "changes": .whole(final.stimulator?.changes ?? 0),
      "sync": [
        "clock_uncertainty_s": final.clockUncertainty.map { .number($0) } ?? .null,
        "clock_drift_ppm": final.clockDrift.map { .number($0) } ?? .null,
        "onset_uncertainty_s": final.stimulator.map { .number($0.uncertainty) } ?? .null,
      ],
      "flush": [
        "worst_s": .number(final.file.worstFlushDelay), "late": .whole(final.file.lateFlushes),
      ],
      "faults": .list(
        (deviceFailures + [stimulatorFault, fileFailure].compactMap(\.self)).map { .text($0) }),
      "remarks": .list(remarks.map { .text($0) }),
      "threads_cpu_s": .object(
        processorSeconds.map { JSONValue.Member($0.thread, .number($0.seconds)) }),
      "cpu_s": .number(Usage.processorSeconds), "peak_memory_MB": .number(Usage.peakMegabytes),
    ]
  }
}

extension StatusBoard.Output {
  fileprivate var line: String {
    "\(name): " + (failure.map { "FAILED: \($0), " } ?? "")
      + (underruns > 0 ? "UNDERRUNS \(underruns), stale samples \(staleFrames)" : "no underruns")
      + (saturated > 0 ? ", saturated samples \(saturated)" : "")
  }
}

private func counted(_ number: Int, _ noun: String) -> String {
  "\(number) \(noun)\(number == 1 ? "" : "s")"
}
