import Devices
import Samples

/// One channel of a simulated stimulator: its rings, what it plays and how far it is.
///
/// Samples wait in one queue. Which of them are in the host's ring and which in the device's is a
/// matter of counts: fed ≥ pulled ≥ played.
struct OutputLane: Sendable {
  var signal = RunQueue()
  var sync = RunQueue()
  /// Samples in the device's ring or past it.
  var pulled: Int64 = 0
  /// Stream samples that have begun to leave.
  var played: Int64 = 0
  /// The device frame that leaves next.
  var clock: Int64 = 0
  /// Stream sample `stream` left as device frame `device`, and so on until the next pair.
  var segments: [(stream: Int64, device: Int64)] = []
  /// What it put out last.
  var code: Int16 = 0
  var syncLevel: Int16 = 0
  /// A trigger runs it.
  var isRunning = false
  /// It stops when its queue is empty.
  var isDraining = false
  /// Some trigger started it in this stream.
  var hasStarted = false
  /// The last frame was a fill for want of data.
  var isStarved = false
  /// Samples of the device's ring, 0 without one.
  var capacity: Int64 = 0
  /// Whether its trigger drives its sync output.
  var drivesSync = false
  var limits: SignalLimits?
  var phase = PhaseCharge()
  /// What it plays from the device's memory instead of the rings.
  var program: StoredProgram?

  /// Samples that have left completely.
  var done: Int64 { isRunning && !isStarved ? max(0, played - 1) : played }
}

/// A signal in the device's own memory.
struct StoredProgram: Sendable {
  /// Codes, and the sample of the period at which each ends.
  let runs: [(code: Int16, end: Int64)]
  /// Periods to play; fewer than were stored once it is told to end.
  var repeats: Int
  let stored: Int
  /// Samples put out since it was started.
  var position: Int64 = 0

  init(runs: [(code: Int16, end: Int64)], repeats: Int) {
    self.runs = runs
    self.repeats = repeats
    stored = repeats
  }

  /// Back to the beginning.
  mutating func rewind() {
    position = 0
    repeats = stored
  }

  var period: Int64 { runs.last?.end ?? 0 }
  var length: Int64 { period * Int64(repeats) }

  /// The code at a sample and the sample at which its run ends.
  func run(at sample: Int64) -> (code: Int16, end: Int64)? {
    guard sample < length else { return nil }
    let start = sample / period * period
    // The first run that ends after the sample.
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].end <= sample - start { low = middle + 1 } else { high = middle }
    }
    return (runs[low].code, start + runs[low].end)
  }
}

/// The charge of the phase under way: successive samples of one sign.
struct PhaseCharge: Sendable {
  /// The sum of the codes.
  private(set) var sum = 0.0

  /// Adds samples.
  ///
  /// - Returns: the number of the first sample whose code or phase is beyond the bounds, if any.
  mutating func add(
    _ samples: some Collection<Int16>, maximumCode: Double, maximumSum: Double
  ) -> Int? {
    for (place, sample) in samples.enumerated() {
      let code = Double(sample)
      sum = code == 0 || code * sum < 0 ? code : sum + code
      if abs(code) > maximumCode || abs(sum) > maximumSum { return place }
    }
    return nil
  }
}
