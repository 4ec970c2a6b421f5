/// The zero of the recording clock, as the host's clocks saw it.
public struct RecordingStart: Sendable, Equatable {
  /// CLOCK_MONOTONIC at zero. Every other time of the host is stored as it was read, so this is
  /// what relates it to the recording clock.
  public var monotonicNanoseconds: Int64
  /// CLOCK_REALTIME at zero.
  public var realtimeNanoseconds: Int64
  /// East of Greenwich.
  public var offsetFromUTCSeconds: Int
  /// Which boot of the host the monotonic clock belongs to (`/proc/sys/kernel/random/boot_id`).
  public var bootID: String

  public init(
    monotonicNanoseconds: Int64, realtimeNanoseconds: Int64, offsetFromUTCSeconds: Int,
    bootID: String
  ) {
    self.monotonicNanoseconds = monotonicNanoseconds
    self.realtimeNanoseconds = realtimeNanoseconds
    self.offsetFromUTCSeconds = offsetFromUTCSeconds
    self.bootID = bootID
  }

  /// Wall clock with milliseconds and UTC offset: `2026-03-01T09:30:00.125+01:00`.
  public var iso8601: String {
    // Offsets are whole minutes everywhere today, and ISO 8601 has no seconds for them.
    let offset = offsetFromUTCSeconds / 60 * 60
    let milliseconds = realtimeNanoseconds.floorDivided(by: 1_000_000) + Int64(offset) * 1000
    let day = milliseconds.floorDivided(by: 86_400_000)
    let time = Int(milliseconds - day * 86_400_000)
    let date = CivilDate(daysSince1970: Int(day))
    let sign = offset < 0 ? "-" : "+"
    let minutes = abs(offset) / 60
    return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
      + "T\(padded(time / 3_600_000, 2)):\(padded(time / 60_000 % 60, 2))"
      + ":\(padded(time / 1000 % 60, 2)).\(padded(time % 1000, 3))"
      + "\(sign)\(padded(minutes / 60, 2)):\(padded(minutes % 60, 2))"
  }
}

/// A day of the proleptic Gregorian calendar.
private struct CivilDate {
  let year, month, day: Int

  /// Counts in years that begin in March, so that the leap day is the last of a year
  /// (Howard Hinnant, `chrono`-compatible low-level date algorithms).
  init(daysSince1970 days: Int) {
    let shifted = days + 719_468
    let era = Int64(shifted).floorDivided(by: 146_097)
    let dayOfEra = shifted - Int(era) * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + Int(era) * 400 + (month <= 2 ? 1 : 0)
  }
}

extension Int64 {
  fileprivate func floorDivided(by divisor: Int64) -> Int64 {
    let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
    return rest < 0 ? quotient - 1 : quotient
  }
}

private func padded(_ number: Int, _ width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
}
