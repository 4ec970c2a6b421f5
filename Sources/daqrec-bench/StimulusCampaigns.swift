import Clocks
import Foundation
import Recording
import Samples

/// `daqrec-bench stimulus-…`: the campaigns of the stimulus, each a JSON line of what was found.
enum StimulusCampaigns {
  static let modes = [
    "stimulus-changes", "stimulus-boundaries", "stimulus-plans", "stimulus-stall",
    "stimulus-stop", "stimulus-cpu",
  ]

  static let usage =
    "       daqrec-bench \(modes.joined(separator: "|")) [--changes N] [--seed N] [--seconds N]"

  /// `--changes N` in all, `--seed N`, `--seconds N` for the processor time.
  static func run(_ mode: String, _ arguments: [String]) -> Int32 {
    func number(_ name: String, _ otherwise: Int) -> Int {
      guard let place = arguments.firstIndex(of: "--\(name)"), place + 1 < arguments.count else {
        return otherwise
      }
      return Int(arguments[place + 1]) ?? otherwise
    }
    let seed = UInt64(number("seed", 1))
    do {
      switch mode {
      case "stimulus-changes": return try changes(number("changes", 1_000_000), seed)
      case "stimulus-boundaries": return try boundaries(number("changes", 50_000), seed)
      case "stimulus-plans": return try plans(number("changes", 10_000), seed)
      case "stimulus-stall": return try stall(number("changes", 1000), seed)
      case "stimulus-stop": return try stop(number("changes", 200), seed)
      default: return try processor(seconds: number("seconds", 30))
      }
    } catch {
      report(mode, ["error": .text("\(error)")], ["\(error)"])
      return 1
    }
  }

  private static func report(
    _ mode: String, _ members: [(String, JSONValue)], _ problems: [String]
  ) {
    let rest: [(String, JSONValue)] = [
      ("failures", .whole(problems.count)),
      ("first", .list(problems.prefix(5).map { .text($0) })),
    ]
    let all = [("campaign", JSONValue.text(mode))] + members + rest
    FileHandle.standardOutput.write(
      Data((JSONValue.object(all.map { .init($0.0, $0.1) }).description + "\n").utf8))
  }

  private static func report(
    _ mode: String, _ members: KeyValuePairs<String, JSONValue>, _ problems: [String]
  ) {
    report(mode, members.map { ($0.key, $0.value) }, problems)
  }

  private static func changes(_ wanted: Int, _ seed: UInt64) throws -> Int32 {
    var (total, problems): (StimulusChangesCampaign.Result, [String]) = (.init(), [])
    var round: UInt64 = 0
    while total.changes < wanted, problems.count < 20 {
      let result = try StimulusChangesCampaign.round(
        seed: seed &* 1_000_003 &+ round, changes: min(20_000, wanted - total.changes))
      total.changes += result.changes
      total.requests += result.requests
      total.superseded += result.superseded
      total.samples += result.samples
      total.underruns += result.underruns
      problems += result.problems.map { "round \(round): \($0)" }
      round += 1
    }
    report(
      "stimulus-changes",
      [
        "seed": .whole(seed), "rounds": .whole(round), "changes_out": .whole(total.changes),
        "requests": .whole(total.requests), "superseded": .whole(total.superseded),
        "samples_compared": .whole(total.samples), "underruns": .whole(total.underruns),
      ], problems)
    return problems.isEmpty ? 0 : 1
  }

  private static func boundaries(_ wanted: Int, _ seed: UInt64) throws -> Int32 {
    var (done, problems, round): (Int, [String], UInt64) = (0, [], 0)
    while done < wanted, problems.count < 20 {
      let result = try StimulusChangesCampaign.boundaries(
        seed: seed &* 1_000_003 &+ round, changes: min(10_000, wanted - done))
      done += result.changes
      problems += result.problems
      round += 1
    }
    report(
      "stimulus-boundaries", ["seed": .whole(seed), "changes": .whole(done)], problems)
    return problems.isEmpty ? 0 : 1
  }

  private static func plans(_ wanted: Int, _ seed: UInt64) throws -> Int32 {
    var (total, problems, round): (StimulusPlansCampaign.Result, [String], UInt64) = (
      .init(), [], 0
    )
    while total.changes < wanted, problems.count < 20 {
      let result = try StimulusPlansCampaign.round(
        seed: seed &* 1_000_003 &+ round, changes: min(500, wanted - total.changes))
      add(result, to: &total)
      problems += result.problems.map { "round \(round): \($0)" }
      round += 1
    }
    report("stimulus-plans", members(of: total, seed, round), problems)
    return problems.isEmpty && total.notNearest == 0 ? 0 : 1
  }

  /// The disk stalls for 5 s, three times.
  private static func stall(_ wanted: Int, _ seed: UInt64) throws -> Int32 {
    let result = try StimulusPlansCampaign.round(seed: seed, changes: wanted) { timekeeper in
      let stalls = AtomicTime()
      return {
        guard timekeeper.now - stalls.value > 9_000_000_000 else { return }
        timekeeper.sleep(until: timekeeper.now + 5_000_000_000)
        stalls.set(timekeeper.now)
      }
    }
    report("stimulus-stall", members(of: result, seed, 1), result.problems)
    return result.problems.isEmpty && result.notNearest == 0 && result.underruns == 0 ? 0 : 1
  }

  private static func add(
    _ result: StimulusPlansCampaign.Result, to total: inout StimulusPlansCampaign.Result
  ) {
    total.changes += result.changes
    total.notNearest += result.notNearest
    total.settledEarlier += result.settledEarlier
    total.worstPlacement = max(total.worstPlacement, result.worstPlacement)
    total.worstError = max(total.worstError, result.worstError)
    total.sumOfSquares += result.sumOfSquares
    total.beyondUncertainty += result.beyondUncertainty
    total.worstExcess = max(total.worstExcess, result.worstExcess)
    total.underruns += result.underruns
    total.longestSilence = max(total.longestSilence, result.longestSilence)
  }

  private static func members(
    of result: StimulusPlansCampaign.Result, _ seed: UInt64, _ rounds: UInt64
  ) -> KeyValuePairs<String, JSONValue> {
    [
      "seed": .whole(seed), "rounds": .whole(rounds), "onsets": .whole(result.changes),
      "not_nearest": .whole(result.notNearest),
      "settled_a_feed_earlier": .whole(result.settledEarlier),
      "worst_placement_us": .number(result.worstPlacement * 1e6),
      "true_error_rms_us": .number(
        (result.sumOfSquares / Double(max(1, result.changes))).squareRoot() * 1e6),
      "true_error_worst_us": .number(result.worstError * 1e6),
      "beyond_uncertainty": .whole(result.beyondUncertainty),
      "worst_excess_us": .number(result.worstExcess * 1e6),
      "underruns": .whole(result.underruns),
      "longest_between_feeds_ms": .number(result.longestSilence * 1e3),
    ]
  }

  private static func stop(_ rounds: Int, _ seed: UInt64) throws -> Int32 {
    var (worst, latest, problems) = (0.0, -1.0, [String]())
    for round in 0..<rounds {
      let result = try StimulusStopCampaign.round(seed: seed &* 1_000_003 &+ UInt64(round))
      worst = max(worst, result.toSilence)
      latest = max(latest, result.toSilence - result.ahead)
      problems += result.problems.map { "round \(round): \($0)" }
    }
    report(
      "stimulus-stop",
      [
        "seed": .whole(seed), "stops": .whole(rounds), "worst_to_silence_ms": .number(worst * 1e3),
        "worst_beyond_queue_ms": .number(latest * 1e3),
      ], problems)
    return problems.isEmpty ? 0 : 1
  }

  /// In real time, 8 channels of pulses at 50 kHz.
  private static func processor(seconds: Int) throws -> Int32 {
    let signals = (0..<8).map { channel in
      "{ channel: \(channel), amplitudes_in_mA: [0.1, -0.1, 0], durations_in_ms: [0.2, 0.2, 9.6] }"
    }
    let rig = try StimulusRig(
      """
      { session: { id: "cpu", description: "campaign" }, stimulator: { simulate: { ppm: 20 } },
        stimulus: { signals: [\(signals.joined(separator: ","))] },
        run: { duration_s: \(seconds) } }
      """, timekeeper: RealTimekeeper(), keepsTruth: false)
    let outcome = try rig.run()
    let thread = outcome.report.processorSeconds.first { $0.thread == "stimulator" }?.seconds ?? 0
    let own = thread - rig.notes.processorSeconds
    report(
      "stimulus-cpu",
      [
        "seconds": .whole(seconds), "thread_percent": .number(thread / Double(seconds) * 100),
        "own_percent": .number(own / Double(seconds) * 100),
        "underruns": .whole(outcome.report.final.stimulator?.underruns ?? 0),
      ], [])
    return 0
  }
}
