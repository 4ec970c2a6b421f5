import NWB
import Recording

/// `daqrec align`: onsets and clocks refined after the recording.
enum AlignCommand: Command {
  static let name = "align"
  static let summary = "refines the onsets of a closed recording, by its clocks and its sync line"
  static let usage = "FILE"
  static let options = [
    OptionSpec("dry-run", letter: "n", "say what would be written, and write nothing"),
    OptionSpec(
      "sync", value: "BUFFER:CHANNEL", "the sync line is there, whatever the session says"),
    OptionSpec("no-sync", "go by the clocks' readings alone"),
    .json,
  ]
  static let details = """
    Adds /processing/alignment to the file: the onset of every signal change with its uncertainty,
    and the map of every clock to the recording clock. Nothing else in the file is touched, and
    what an earlier run left there is replaced. Without a sync line the onsets rest on the readings
    of the clocks; with one, on the edges that were recorded. A sync line that does not belong to
    the stimulus, or could belong to it in several ways, is refused.

    exit codes: 0 done · 65 cannot be aligned, and why · 66 no such file · 74 cannot be written

    example: daqrec align m42_2026-03-01_09-30-00.nwb.h5 --dry-run
    """

  static func run(_ arguments: Arguments, _ console: Console) throws -> Int32 {
    let path = try arguments.only("FILE")
    let options = try options(arguments)
    guard isFile(path) else {
      throw Failure(exitCode: 66, place: path, message: "\(path): no such file")
    }
    let isDryRun = arguments.has("dry-run")
    let alignment: Alignment
    do throws(AlignmentError) {
      alignment = try Alignment(ofRecording: path, options)
    } catch {
      throw Failure(exitCode: 65, place: path, message: "\(path): \(error)\(advice(error, path))")
    }
    if !isDryRun {
      do throws(AlignmentError) {
        try alignment.store()
      } catch {
        throw Failure(exitCode: 74, place: path, message: "\(path): \(error)")
      }
    }
    if console.isJSON {
      console.emit(json(alignment, isDryRun: isDryRun))
    } else {
      console.print(text(alignment, isDryRun: isDryRun))
    }
    return 0
  }

  private static func options(_ arguments: Arguments) throws(UsageError) -> Alignment.Options {
    var options = Alignment.Options(usesSync: !arguments.has("no-sync"))
    guard let text = arguments.value("sync") else { return options }
    guard options.usesSync else {
      throw UsageError(description: "--sync and --no-sync exclude each other")
    }
    guard let channel = SyncChannel(text) else {
      throw UsageError(
        description: "--sync \(text): a buffer and a channel counted from 0, such as sync:0")
    }
    options.sync = channel
    return options
  }

  /// What to do about a file that was left open.
  private static func advice(_ error: AlignmentError, _ path: String) -> String {
    guard case .notClosed(.killed) = error else { return "" }
    return commands.contains { $0.name == "rescue" }
      ? "; daqrec rescue \(path) makes it a normal file"
      : "; h5clear -s --increment=0 \(path) makes it a normal file (both options in one call)"
  }

  // MARK: - For people

  private static func text(_ alignment: Alignment, isDryRun: Bool) -> String {
    let quality = alignment.quality
    var lines = [row(["clock", "", "readings", "segments", "bracket", "drift", "uncertainty"])]
    for clock in quality.clocks {
      lines.append(
        row([
          clock.name, clock.role.rawValue, "\(clock.readings)", "\(clock.segments)",
          microseconds(clock.medianBracket), "\(StatusText.decimal(clock.drift, 2)) ppm",
          "± \(microseconds(clock.medianUncertainty)), at most \(microseconds(clock.worstUncertainty))",
        ]))
    }
    if let sync = quality.sync {
      lines += [
        "sync line \(sync.channel): \(sync.matched) of \(sync.pulses) pulses matched, "
          + "\(sync.unmatchedPulses) without an edge, \(sync.unmatchedEdges) edges without a "
          + "pulse, \(sync.outliers) outliers",
        "  residuals SD \(microseconds(sync.residualDeviation)), at most "
          + "\(microseconds(sync.residualMaximum)); \(microseconds(sync.offset)) from the "
          + "clocks' map; the next best shift explains \(sync.runnerUp) edges",
      ]
    }
    if let onsets = quality.onsets {
      lines += [
        "onsets: \(onsets.count), \(onsets.bySyncEdges) by the sync line, "
          + "± \(microseconds(onsets.medianUncertainty)), at most "
          + "\(microseconds(onsets.worstUncertainty))",
        "  moved by \(microseconds(onsets.medianMove)) (median), at most "
          + "\(microseconds(onsets.worstMove)), from what was written live",
      ]
    }
    lines += quality.notes.map { "note: \($0)" }
    lines.append("\(alignment.path): \(outcome(alignment, isDryRun: isDryRun))")
    return lines.joined(separator: "\n")
  }

  private static func outcome(_ alignment: Alignment, isDryRun: Bool) -> String {
    if alignment.isStored { return "has this alignment already; nothing was changed" }
    return isDryRun ? "dry run, nothing was written" : "/processing/alignment written"
  }

  private static func row(_ cells: [String]) -> String {
    zip(cells, [12, 11, 10, 10, 11, 13, 0]).map { $0.padding(to: $1) }.joined()
      .trimmed
  }

  private static func microseconds(_ seconds: Double) -> String {
    "\(StatusText.decimal(seconds * 1e6, 1)) µs"
  }

  // MARK: - For programs

  private static func json(_ alignment: Alignment, isDryRun: Bool) -> JSONValue {
    let quality = alignment.quality
    return [
      "file": .text(alignment.path), "written": .bool(!isDryRun && !alignment.isStored),
      "unchanged": .bool(alignment.isStored),
      "clocks": .list(
        quality.clocks.map { clock in
          [
            "name": .text(clock.name), "role": .text(clock.role.rawValue),
            "readings": .whole(clock.readings), "segments": .whole(clock.segments),
            "median_bracket_s": .number(clock.medianBracket), "drift_ppm": .number(clock.drift),
            "median_uncertainty_s": .number(clock.medianUncertainty),
            "worst_uncertainty_s": .number(clock.worstUncertainty),
          ]
        }),
      "sync": quality.sync.map { sync in
        [
          "channel": .text(sync.channel.description), "pulses": .whole(sync.pulses),
          "matched": .whole(sync.matched),
          "unmatched_pulses": .whole(sync.unmatchedPulses),
          "unmatched_edges": .whole(sync.unmatchedEdges),
          "outliers": .whole(sync.outliers), "offset_s": .number(sync.offset),
          "is_shifted": .bool(sync.isShifted), "runner_up": .whole(sync.runnerUp),
          "residual_sd_s": .number(sync.residualDeviation),
          "residual_max_s": .number(sync.residualMaximum),
        ]
      } ?? .null,
      "onsets": quality.onsets.map { onsets in
        [
          "count": .whole(onsets.count), "by_sync_edges": .whole(onsets.bySyncEdges),
          "median_uncertainty_s": .number(onsets.medianUncertainty),
          "worst_uncertainty_s": .number(onsets.worstUncertainty),
          "median_move_s": .number(onsets.medianMove), "worst_move_s": .number(onsets.worstMove),
        ]
      } ?? .null,
      "notes": .list(quality.notes.map { .text($0) }),
    ]
  }
}

extension String {
  /// Without the spaces at its end.
  fileprivate var trimmed: String {
    String(self[..<(lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)])
  }
}
