import Clocks
import Devices

/// How often and how long a circuit gave no answer and then came back: for the report.
struct Absences {
  private var count = 0
  private var nanoseconds: Nanoseconds = 0
  private var first: DeviceError?

  mutating func add(_ error: DeviceError, lasting duration: Nanoseconds) {
    count += 1
    nanoseconds += duration
    first = first ?? error
  }

  /// nil: it always answered.
  var summary: String? {
    guard let first else { return nil }
    let time = "\(milliseconds(Double(nanoseconds) * 1e-9)) ms"
    return count == 1
      ? "gave no answer for \(time): \(first)"
      : "gave no answer \(count) times, \(time) in all; at first: \(first)"
  }
}
