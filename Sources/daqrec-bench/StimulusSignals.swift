import Samples

/// Seeded signals of every kind that the campaigns use.
extension SplitMix64 {
  /// Pulses of 0.02 to 3 ms in periods of 0.5 to 20 ms: biphasic with and without a gap, bursts,
  /// rest first or last, one phase alone, zeros; half of them a number of periods.
  mutating func signal() -> Signal {
    let amplitude = Double(1 + next(below: 1000)) * 0.002
    let width = Double(1 + next(below: 30)) * 0.02
    let rest = Double(20 + next(below: 900)) * 0.02
    var signal: Signal
    switch next(below: 8) {
    case 0: signal = Signal(amplitudes: [0], durations: [rest])
    case 1: signal = Signal(amplitudes: [amplitude, 0], durations: [width, rest])
    case 2:
      signal = Signal(
        amplitudes: [amplitude, 0, -amplitude, 0], durations: [width, 0.1, width, rest])
    case 3:
      signal = Signal(
        amplitudes: [0, -amplitude, amplitude], durations: [rest, width, width])
    case 4:
      signal = Signal(
        amplitudes: [amplitude, -amplitude, 0, amplitude, -amplitude, 0],
        durations: [width, width, 0.5, width, width, rest])
    case 5:
      // No rest at all: only a number of periods within 200 ms may be put out.
      return Signal(
        amplitudes: [amplitude, -amplitude], durations: [width, width], repeats: 1 + next(below: 8))
    default:
      signal = Signal(amplitudes: [amplitude, -amplitude, 0], durations: [width, width, rest])
    }
    if next(below: 2) == 0 { signal.repeats = 1 + next(below: 6) }
    return signal
  }
}
