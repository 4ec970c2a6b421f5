import Samples

/// One session of the clock campaign, drawn from a seed: a circuit, perhaps a second one that
/// records the sync line, and a stimulator, each on a clock of its own that is up to 100 ppm off,
/// drifts up to 10 ppm an hour and wanders by 0.5 ppm.
struct ClockScenario {
  static let rate = 24_414.0625

  let seed: UInt64
  let seconds: Double
  let hasSecond: Bool
  /// The circuit that records the sync line.
  var lineCircuit: String { hasSecond ? "rx" : "rz" }
  /// The session file.
  let text: String

  init(seed: UInt64, seconds: Double, hasSecond: Bool) {
    self.seed = seed
    self.seconds = seconds
    self.hasSecond = hasSecond
    var random = SplitMix64(seed: seed)
    func clock(_ random: inout SplitMix64) -> String {
      let error = 200 * random.nextUnit() - 100
      let drift = 20 * random.nextUnit() - 10
      return "ppm: \(error), drift_ppm_per_h: \(drift), wander_ppm: 0.5, "
        + "seed: \(random.next() >> 20), speed: \"max\""
    }
    func circuit(_ name: String, _ signals: String, _ random: inout SplitMix64) -> String {
      """
      { name: "\(name)", latch_trigger: 1, poll_ms: 50,
        simulate: { rate: \(Self.rate), signals: { \(signals) }, \(clock(&random)) } },
      """
    }
    let line = "sync: { sync: { output: 0, level: 100 } }"
    let circuits =
      hasSecond
      ? circuit("rz", "", &random) + circuit("rx", line, &random)
      : circuit("rz", line, &random)
    // The reference circuit is that of the first buffer.
    let monitor = """
      { name: "monitor", circuit: "rz", channels: 1, dec_factor: 10 },
      """
    let buffer = """
      { name: "sync", circuit: "\(hasSecond ? "rx" : "rz")", channels: 1, src_type: "int8",
        dest_type: "int8" },
      """
    let changes = max(1, Int((seconds - 8) / 3.7))
    text = """
      {
        session: { id: "clock-\(seed)", description: "Clock campaign, seed \(seed)" },
        circuits: [ \(circuits) ],
        buffers: [ \(hasSecond ? monitor : "") \(buffer) ],
        stimulator: {
          name: "stg", simulate: { channels: 1, \(clock(&random)) },
          limits: [{ channels: [0], max_mA: 0.2, max_charge_nC: 50 }],
          sync: { output: 0, buffer: "sync", channel: 0 },
        },
        stimulus: {
          start_after_s: \(0.1 + 2.4 * random.nextUnit()),
          protocol: {
            conditions: [{ name: "pulse", channel: 0, repeat: 1, pulse: {
              intensity_in_mA: 0.05, mode: "biphasic", pulsewidth_in_ms: 0.2, isi_in_ms: 10 } }],
            repeats: \(changes), isi_s: { uniform: [2, 5] }, order: "fixed",
            seed: \(random.next() >> 20),
          },
        },
        run: { duration_s: \(seconds) },
      }
      """
  }
}
