import Recording

extension StatusBoard.Snapshot {
  /// The `status` line of `--json`.
  var json: JSONValue {
    [
      "type": "status", "t": .number(time), "state": .text(state),
      "circuits": .list(circuits.map(\.json)), "buffers": .list(buffers.map(\.json)),
      "ended_series": .list(endedSeries.map(\.json)), "lost_events": .whole(lostEvents),
      "stimulator": stimulator.map(\.json) ?? .null,
      "outputs": .list(outputs.map(\.json)),
      "clock": [
        "uncertainty_s": clockUncertainty.map { .number($0) } ?? .null,
        "drift_ppm": clockDrift.map { .number($0) } ?? .null,
      ],
      "file": [
        "bytes": .whole(file.bytes), "flushed_to": .number(file.flushedTo),
        "durable_to": .number(file.durableTo), "MB_s": .number(file.megabytesPerSecond),
        "minutes_left": .number(file.minutesLeft), "late_flushes": .whole(file.lateFlushes),
      ],
    ]
  }
}

extension StatusBoard.Circuit {
  var json: JSONValue {
    [
      "name": .text(name), "cycle_usage": cycleUsage.map { .whole($0) } ?? .null,
      "worst_cycle_usage": worstCycleUsage.map { .whole($0) } ?? .null,
    ]
  }
}

extension StatusBoard.Buffer {
  var json: JSONValue {
    [
      "name": .text(name), "samples": .whole(samples), "rate": .number(rate),
      "rms": .list(levels.map { .number(Double($0.rms)) }),
      "minimum": .list(levels.map { .number(Double($0.minimum)) }),
      "maximum": .list(levels.map { .number(Double($0.maximum)) }),
      "constant": .list(levels.map { .bool($0.isConstant) }), "clipped": .whole(clipped),
      "clipped_codes": .list(clippedCodes.map { .whole($0) }),
      "fill": .number(fill), "worst_fill": .number(worstFill), "lost": .whole(lost),
      "stands_still": .bool(standsStill),
    ]
  }
}

extension StatusBoard.EndedSeries {
  var json: JSONValue {
    ["name": .text(name), "reason": .text(reason), "t": .number(time)]
  }
}

extension StatusBoard.Stimulator {
  var json: JSONValue {
    [
      "name": .text(name), "state": .text(state), "ahead_s": .number(ahead),
      "changes": .whole(changes), "underruns": .whole(underruns),
      "uncertainty_s": .number(uncertainty),
    ]
  }
}

extension StatusBoard.Output {
  var json: JSONValue {
    [
      "name": .text(name), "underruns": .whole(underruns), "stale_samples": .whole(staleFrames),
      "saturated": .whole(saturated), "failure": failure.map { .text($0) } ?? .null,
    ]
  }
}
