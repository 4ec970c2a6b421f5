/// Charges of one period, in codes times samples.
struct RunCharges {
  /// What a period leaves.
  let net: Double
  /// The largest phase, across periods where the signal repeats; infinite if it never ends.
  let largestPhase: Double

  init(_ runs: [CompiledSignal.Run], repeats: Int) {
    var net = 0.0
    var phases: [(sign: Int, charge: Double)] = []
    for run in runs {
      // Exact up to 2^53: two months of full scale at 50 kHz.
      let charge = Double(run.code) * Double(run.count)
      net += charge
      let sign = Int(run.code.signum())
      if let last = phases.last, last.sign == sign {
        phases[phases.count - 1].charge += charge
      } else {
        phases.append((sign, charge))
      }
    }
    self.net = net
    var largest = phases.reduce(0) { max($0, abs($1.charge)) }
    if let first = phases.first, let last = phases.last, repeats != 1, first.sign == last.sign {
      if phases.count > 1 {
        largest = max(largest, abs(first.charge + last.charge))
      } else if first.sign != 0 {
        largest = repeats == 0 ? .infinity : abs(first.charge) * Double(repeats)
      }
    }
    largestPhase = largest
  }

  /// Which runs the signal may be cut in: see ``CompiledSignal/rests``.
  func rests(_ runs: [CompiledSignal.Run], within longest: Int) -> [Bool] {
    let zeros = runs.map { $0.code == 0 }
    let tolerance = largestPhase * SignalLimits.defaultNetShare
    guard largestPhase.isFinite, abs(net) <= tolerance else { return zeros }
    var charge = 0.0
    let balanced = runs.map { run in
      charge += Double(run.code) * Double(run.count)
      return run.code == 0 && abs(charge) <= tolerance
    }
    let hasRest = balanced.contains(true)
    let stretch =
      hasRest
      ? Self.longestStretch(runs, repeats: 0) { balanced[$0] } : runs.reduce(0) { $0 + $1.count }
    return stretch <= longest ? balanced : zeros
  }

  /// Samples of the longest stretch of runs that are not `at rest`, across periods where the signal
  /// repeats; `Int.max` if there is no end to it.
  static func longestStretch(
    _ runs: [CompiledSignal.Run], repeats: Int, _ isAtRest: (Int) -> Bool
  ) -> Int {
    guard let first = runs.indices.first(where: isAtRest) else {
      let period = runs.reduce(0) { $0 + $1.count }
      let (length, overflow) = period.multipliedReportingOverflow(by: repeats)
      return repeats == 0 || overflow ? .max : length
    }
    let leading = runs[..<first].reduce(0) { $0 + $1.count }
    var longest = leading
    var current = 0
    for index in first..<runs.count {
      current = isAtRest(index) ? 0 : current + runs[index].count
      longest = max(longest, current)
    }
    return repeats == 1 ? longest : max(longest, current + leading)
  }
}
