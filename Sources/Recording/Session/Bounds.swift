/// The numbers a key allows.
struct Bounds: Sendable {
  var least = -Double.infinity
  var most = Double.infinity
  /// Whether `least` itself is not allowed.
  var excludesLeast = false

  static let any = Bounds()

  static func above(_ least: Double) -> Bounds { Bounds(least: least, excludesLeast: true) }

  static func above(_ least: Double, atMost most: Double) -> Bounds {
    Bounds(least: least, most: most, excludesLeast: true)
  }

  static func atLeast(_ least: Double) -> Bounds { Bounds(least: least) }

  static func within(_ range: ClosedRange<Double>) -> Bounds {
    Bounds(least: range.lowerBound, most: range.upperBound)
  }

  func contains(_ value: Double) -> Bool {
    value <= most && (excludesLeast ? value > least : value >= least)
  }

  /// ` from 1 to 10`, ` above 0`, or nothing.
  var description: String {
    switch (least.isFinite, most.isFinite) {
    case (false, false): ""
    case (true, false): excludesLeast ? " above \(least.short)" : " from \(least.short)"
    case (false, true): " up to \(most.short)"
    case (true, true):
      excludesLeast
        ? " above \(least.short) and up to \(most.short)" : " from \(least.short) to \(most.short)"
    }
  }
}

extension Double {
  /// As a person writes it: 3, not 3.0.
  var short: String { Int64(exactly: self).map { "\($0)" } ?? "\(self)" }
}
