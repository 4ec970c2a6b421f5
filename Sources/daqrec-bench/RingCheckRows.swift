import Clocks
import NWB
import Samples

/// Rows: every number is the generator's for its frame, from gap to gap and to the end.
extension RingCheck {
  mutating func checkRows(
    _ series: RecordingReader.Series, _ gaps: [Mark], _ marks: [Mark], _ truth: RingTruth,
    _ reader: borrowing RecordingReader
  ) throws {
    let name = series.name
    let values = try reader.samples(of: name, frames: 0..<series.frames, as: Double.self)
    var row = 0
    var offset: Int64?
    var pending: [Mark] = []
    start = Start(series, truth, origin: run.origin)
    runStart = truth.start
    for gap in gaps {
      if gap.frames.lowerBound < row {
        fail(name, "gap \(gap) begins before row \(row)")
        return
      }
      let end = min(gap.frames.lowerBound, series.frames)
      guard checkRun(row..<end, values, marks, truth, &offset, &pending) else { return }
      checkZeros(gap, values, series.channels, name)
      row = gap.frames.upperBound
      pending.append(gap)
    }
    guard checkRun(row..<series.frames, values, marks, truth, &offset, &pending) else { return }
    checkEnd(series.frames, offset, pending, truth)
  }

  /// Checks rows between two gaps: finds the frame of the first, and compares all.
  mutating func checkRun(
    _ rows: Range<Int>, _ values: [Double], _ marks: [Mark], _ truth: RingTruth,
    _ offset: inout Int64?, _ pending: inout [Mark]
  ) -> Bool {
    guard !rows.isEmpty else { return true }
    let name = truth.buffer.name
    let channels = truth.buffer.format.channels
    let dirty = marks.filter { !Self.lossReasons.contains($0.reason) }
    let clean = rows.filter { row in !dirty.contains { $0.frames.contains(row) } }
    guard let first = clean.first else { return true }
    let isExact = offset != nil && pending.allSatisfy { $0.reason == "overrun" }
    if !isExact {
      let found = place(of: clean, values, truth, near: offset, pending)
      guard let found else {
        let time = truth.time(of: Int64(rows.upperBound) + (offset ?? start.frame))
        fail(
          truth, since: runStart, until: time,
          "rows from \(first) are no frames near where they should be")
        return false
      }
      // A place that the clock chose says nothing of frame 0.
      let time = truth.time(of: Int64(first) + found)
      if offset == nil, pending.allSatisfy({ $0.reason == "overrun" }),
        !truth.breaks.contains(where: { $0.start < time && $0.end > start.time })
      {
        firstOffsets[name] = found
      }
      checkPlace(found, first, pending, truth)
      checkReality(pending, rows.lowerBound, before: offset, after: found, truth)
      runStart = truth.time(of: Int64(first) + found)
      offset = found
    } else {
      checkReality(pending, rows.lowerBound, before: offset, after: offset ?? 0, truth)
    }
    pending = []
    guard var place = offset else { return false }
    figures.samples += Int64(clean.count * channels)
    defer { offset = place }
    return compare(rows, values, dirty, truth, &place)
  }

  mutating func compare(
    _ rows: Range<Int>, _ values: [Double], _ dirty: [Mark], _ truth: RingTruth,
    _ offset: inout Int64
  ) -> Bool {
    let channels = truth.buffer.format.channels
    let changes = truth.changes.filter { $0.name.hasSuffix("_sf") }
    var start = rows.lowerBound
    while start < rows.upperBound {
      let frame = Int64(start) + offset
      // Rows of one scaling factor at a time.
      var factor = truth.buffer.scalingFactor
      var end = rows.upperBound
      for change in changes {
        let first = truth.frames(by: change.time)
        if frame >= first { factor = change.value } else { end = min(end, Int(first - offset)) }
      }
      let expected = truth.values(
        of: frame..<frame + Int64(end - start), scalingFactor: factor)
      for sample in expected.indices where expected[sample] != values[start * channels + sample] {
        let row = start + sample / channels
        if let mark = dirty.first(where: { $0.frames.contains(row) }) {
          if mark.reason == "out of range", values[start * channels + sample] == 0 { continue }
          if mark.reason == "sf uncertain" { continue }
        }
        fail(
          truth, since: runStart, until: truth.time(of: Int64(row) + offset),
          "row \(row) channel \(sample % channels) (frame \(Int64(row) + offset), gaps end before "
            + "row \(rows.lowerBound)) is \(values[start * channels + sample]), must be "
            + "\(expected[sample].map { "\($0)" } ?? "out of range")")
        return false
      }
      start = end
    }
    for mark in dirty where mark.reason == "out of range" {
      let frames = Int64(mark.frames.lowerBound) + offset..<Int64(mark.frames.upperBound) + offset
      guard rows.contains(mark.frames.lowerBound) else { continue }
      if truth.values(of: frames, scalingFactor: truth.buffer.scalingFactor).allSatisfy({
        $0 != nil
      }) {
        fail(truth.buffer.name, "nothing is out of range in \(mark)")
      }
    }
    return true
  }

  /// The offset (true frame less row) at which rows are what the generator made.
  func place(
    of rows: [Int], _ values: [Double], _ truth: RingTruth, near offset: Int64?,
    _ gaps: [Mark]
  ) -> Int64? {
    guard let first = rows.first else { return nil }
    let channels = truth.buffer.format.channels
    let near = offset ?? start.frame
    let slack =
      gaps.reduce(0.0) { $0 + uncertainty(of: $1) } * truth.buffer.rate + 64 + Double(start.slack)
      + Double(2 * truth.buffer.size)
    let range = near - Int64(slack)...near + Int64(slack)
    // There is no frame before the circuit's first.
    let lowest = max(range.lowerBound, -Int64(first))
    guard lowest <= range.upperBound else { return nil }
    // Frames enough to tell places apart, and no more.
    let probe = rows.prefix(max(2, 64 / channels))
    func matches(_ candidate: Int64, _ table: [Double?], _ tableStart: Int64) -> Bool {
      for row in probe {
        let place = Int(Int64(row) + candidate - tableStart) * channels
        for channel in 0..<channels
        where table[place + channel] != values[row * channels + channel] { return false }
      }
      return true
    }
    let last = probe.last ?? first
    let tableStart = Int64(first) + lowest
    let tableEnd = Int64(last) + range.upperBound + 1
    let order = (lowest...range.upperBound).sorted { abs($0 - near) < abs($1 - near) }
    let changes = truth.changes.filter { $0.name.hasSuffix("_sf") }
    for factor in [truth.buffer.scalingFactor] + changes.map(\.value) {
      let table = truth.values(of: tableStart..<tableEnd, scalingFactor: factor)
      if let found = order.first(where: { matches($0, table, tableStart) }) { return found }
    }
    return nil
  }

  mutating func checkEnd(
    _ rows: Int, _ offset: Int64?, _ pending: [Mark], _ truth: RingTruth
  ) {
    let polls = truth.observed.polls
    guard isEndTold, polls.count > 4, let last = polls.last else { return }
    let isCutShort =
      !truth.changes.filter { $0.name.hasSuffix("_n") || truth.buffer.format.destination.isInteger }
      .isEmpty
      || truth.breaks.contains { $0.end >= polls[polls.count - 4].first.before }
      || (truth.observed.failures.last ?? 0) > last.end
    guard !isCutShort, pending.isEmpty, let offset else { return }
    let due =
      truth.frames(by: last.first.before) - Int64(truth.buffer.blockSize)
      - Int64(truth.buffer.format.framesPerUnit)
    if Int64(rows) + offset < due {
      fail(
        truth, since: runStart, until: last.second.after,
        "\(due - Int64(rows) - offset) frames are missing at the end")
    }
  }
}
