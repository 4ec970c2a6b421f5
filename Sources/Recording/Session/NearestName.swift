extension Sequence<String> {
  /// The name that was probably meant: one letter, and a third of the shorter name's, may differ.
  public func nearest(to name: String) -> String? {
    let wanted = Array(name.lowercased())
    let best = map { (name: $0, distance: editDistance(wanted, Array($0.lowercased()))) }
      .min { $0.distance < $1.distance }
    guard let best, best.distance <= 1 + Swift.min(wanted.count, best.name.count) / 3,
      best.distance < wanted.count
    else { return nil }
    return best.name
  }
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
private func editDistance(_ first: [Character], _ second: [Character]) -> Int {
  var rows = [Array(0...second.count)]
  for (row, letter) in first.enumerated() {
    var current = [row + 1]
    for (column, other) in second.enumerated() {
      var cost = min(
        rows[row][column] + (letter == other ? 0 : 1), rows[row][column + 1] + 1,
        current[column] + 1)
      if row > 0, column > 0, letter == second[column - 1], first[row - 1] == other {
        cost = min(cost, rows[row - 1][column - 1] + 1)
      }
      current.append(cost)
    }
    rows.append(current)
  }
  return rows[first.count][second.count]
}
