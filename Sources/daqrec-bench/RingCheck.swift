import Clocks
import Devices
import Foundation
import NWB
import Recording
import Samples
import Simulator

/// Holds a recording against the truth of its simulated circuits.
///
/// - Outside the declared gaps every number in the file is the generator's for its frame, and rows
///   count frames on exactly from gap to gap.
/// - A gap is real: of its frames, all but a block and a tick were overwritten by the second latch
///   of the poll that declared it, or never made, or written between the last poll before a
///   stall, reset or gate and its end, where the device's count says nothing of their place.
/// - What follows a gap lies where time says: exactly after an overrun, otherwise within the
///   half width that the log states.
/// - Nothing is missing at the end; times, counts, log and exit code agree.
struct RingCheck {
  /// What was looked at.
  struct Figures {
    var scenarios = 0
    var series = 0
    var samples: Int64 = 0
    var polls = 0
    var races = 0
    /// Gaps and their frames, by reason.
    var gaps: [String: (count: Int, frames: Int64)] = [:]
    var worstFill = 0.0
    /// Runs of rows that are not where they should be though every position reads as if nothing had
    /// happened: without a cycle tag, a reset where the index was about to wrap.
    var unseen = 0
    /// Runs of rows with errors where two things happened between two positions, which read as one.
    var twofold = 0
    var readings = 0
  }

  /// Rows of a series that the file declares missing or wrong.
  struct Mark: CustomStringConvertible {
    let series: String
    let frames: Range<Int>
    let reason: String

    init(_ row: InvalidFrames) {
      series = row.series
      frames = Int(row.frames.lowerBound)..<Int(row.frames.upperBound)
      reason = row.reason
    }

    var description: String { "\(reason) \(frames)" }
  }

  let run: RingRun
  private(set) var figures = Figures()
  private(set) var problems: [String] = []
  /// What is wrong where no position could have told (``Figures/unseen``, ``Figures/twofold``).
  private(set) var excused: [String] = []
  private var log: [LogEntry] = []
  private var invalid: [Mark] = []
  /// Where the file says that row 0 of the series under way is.
  private var start = Start()
  /// The recorder did not say that the series lacks its end.
  private var isEndTold = true
  /// When the last run of rows that was right began.
  private var runStart: Nanoseconds = 0
  /// True frame less row, of frame 0 of each series.
  private var firstOffsets: [String: Int64] = [:]
  /// Frames by which the places of a series may be wrong, as the log has stated so far.
  private var stated: [String: Double] = [:]

  /// The true frame that row 0 of a series is, as far as its starting time says.
  private struct Start {
    var frame: Int64 = 0
    var time: Nanoseconds = 0
    /// Frames by which it may be wrong: half the widest latch that can have begun the series, and
    /// what clocks of circuits may differ by.
    var slack: Int64 = 0

    init() {}

    init(_ series: RecordingReader.Series, _ truth: RingTruth, origin: Nanoseconds) {
      time = origin + Nanoseconds(series.startingTime * 1e9)
      frame = truth.frames(by: time)
      let polls = truth.observed.polls
      let began = polls.prefix(3).map { $0.first.after - $0.first.before }.max() ?? 0
      slack = Int64((Double(began) * 1e-9 + 1e-3) * truth.buffer.rate) + 3
    }
  }

  init(_ run: RingRun) throws {
    self.run = run
    figures.scenarios = 1
    let reader = try RecordingReader(reading: run.path)
    do {
      try check(reader)
    } catch {
      try reader.close()
      throw error
    }
    try reader.close()
    checkExit()
  }

  private mutating func fail(_ name: String, _ text: String) {
    if problems.count < 12 { problems.append("\(name): \(text)") }
  }

  /// Something is wrong with rows of a run, unless no position could have told.
  private mutating func fail(
    _ truth: RingTruth, since: Nanoseconds, until: Nanoseconds, _ text: String
  ) {
    let readings = RingReadings(truth)
    if readings.areTwofold(since: since, until: until) {
      figures.twofold += 1
    } else if readings.areInnocent(until: until) {
      figures.unseen += 1
    } else {
      fail(truth.buffer.name, text)
      return
    }
    excused.append("\(truth.buffer.name): \(text)")
  }

  private mutating func check(_ reader: borrowing RecordingReader) throws {
    log = try reader.log()
    invalid = try reader.invalidFrames().map(Mark.init)
    let series = Dictionary(
      try reader.series().map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var number = 0
    for (circuit, observed) in zip(run.scenario.circuits, run.circuits) {
      figures.polls += observed.polls.count
      for (ring, buffer) in circuit.buffers.enumerated() {
        guard let found = series[buffer.name] else {
          // A series without a row is no series.
          if run.report.final.buffers[number].samples > 0 {
            fail(buffer.name, "is not in the file")
          }
          number += 1
          continue
        }
        let truth = try RingTruth(ring, circuit, observed)
        try check(found, truth, number, reader)
        number += 1
      }
    }
    try checkTimes(series, reader)
  }

  // MARK: - Samples

  private static let lossReasons: Set = ["overrun", "stall", "reset", "clock", "gate"]

  private mutating func check(
    _ series: RecordingReader.Series, _ truth: RingTruth, _ number: Int,
    _ reader: borrowing RecordingReader
  ) throws {
    figures.series += 1
    let name = series.name
    let board = run.report.final.buffers[number]
    figures.races += board.racesRepaired
    figures.worstFill = max(figures.worstFill, board.worstFill)
    let marks = invalid.filter { $0.series == name }
    let gaps = marks.filter { Self.lossReasons.contains($0.reason) }
      .sorted { $0.frames.lowerBound < $1.frames.lowerBound }
    checkCounts(series, gaps, marks, board)
    checkTexts(name, gaps)

    isEndTold = !board.isStalled
    try checkRows(series, gaps, marks, truth, reader)
  }

  private mutating func checkRows(
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
  private mutating func checkRun(
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

  private mutating func compare(
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
  private func place(
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

  // MARK: - Gaps

  private mutating func checkZeros(
    _ gap: Mark, _ values: [Double], _ channels: Int, _ name: String
  ) {
    let range =
      min(
        gap.frames.lowerBound * channels, values.count)..<min(
        gap.frames.upperBound * channels, values.count)
    if values[range].contains(where: { $0 != 0 }) { fail(name, "there are numbers in gap \(gap)") }
  }

  /// The text that must announce a gap.
  private func announcement(of gap: Mark) -> String {
    "\(gap.series): \(gap.frames.count) samples from \(gap.frames.lowerBound) are missing "
      + "(\(gap.reason)"
  }

  /// Half width of the place of what follows a gap, seconds, as the log states it.
  private func uncertainty(of gap: Mark) -> Double {
    let start = announcement(of: gap)
    guard let text = log.first(where: { $0.text.hasPrefix(start) })?.text,
      let range = text.range(of: "placed to ± ")
    else { return 0 }
    let number = text[range.upperBound...].prefix { "0123456789.".contains($0) }
    return (Double(number) ?? 0) / 1000
  }

  private mutating func checkTexts(_ name: String, _ gaps: [Mark]) {
    let rows = log.filter {
      ["gap", "reset"].contains($0.kind.rawValue) && $0.text.hasPrefix("\(name):")
    }
    if rows.count != gaps.count {
      fail(name, "\(gaps.count) gaps, but \(rows.count) rows in the log")
    }
    for gap in gaps {
      let kind: LogKind = ["reset", "clock"].contains(gap.reason) ? .reset : .gap
      let start = announcement(of: gap)
      if !rows.contains(where: { $0.kind == kind && $0.text.hasPrefix(start) }) {
        fail(name, "\(gap) has no row \(kind.rawValue) in the log")
      }
      figures.gaps[gap.reason, default: (0, 0)].count += 1
      figures.gaps[gap.reason, default: (0, 0)].frames += Int64(gap.frames.count)
    }
  }

  /// Rows are where time says, within the half widths stated so far.
  private mutating func checkPlace(
    _ offset: Int64, _ row: Int, _ gaps: [Mark], _ truth: RingTruth
  ) {
    let name = truth.buffer.name
    stated[name, default: 0] +=
      gaps.reduce(0.0) { $0 + uncertainty(of: $1) } * truth.buffer.rate
    let unit = Int64(truth.buffer.format.framesPerUnit)
    // A store that is enabled drops the frame under way.
    let allowed = Int64(stated[name] ?? 0) + (truth.buffer.gate == nil ? unit : 2 * unit)
    let low = (firstOffsets[name] ?? start.frame - start.slack) - allowed
    let high = (firstOffsets[name] ?? start.frame + start.slack) + allowed
    if offset < low || offset > high {
      fail(
        truth, since: runStart, until: truth.time(of: Int64(row) + max(offset, high)),
        "after \(gaps) rows are \(offset) off, stated \(low)…\(high)")
    }
  }

  /// Whether the frames between two runs of rows were really not to be had.
  private mutating func checkReality(
    _ gaps: [Mark], _ next: Int, before: Int64?, after: Int64, _ truth: RingTruth
  ) {
    guard let firstGap = gaps.first, let lastGap = gaps.last else { return }
    let name = truth.buffer.name
    let block = Int64(truth.buffer.blockSize)
    let unit = Int64(truth.buffer.format.framesPerUnit)
    let start = Int64(firstGap.frames.lowerBound) + (before ?? after)
    let missing = start..<max(start, Int64(next) + after)
    let isOverrun = gaps.allSatisfy { $0.reason == "overrun" }
    if isOverrun, gaps.count > 1 {
      // Each is held against the poll that declared it.
      for gap in gaps {
        checkReality([gap], gap.frames.upperBound, before: after, after: after, truth)
      }
      return
    }
    guard let poll = declaringPoll(of: lastGap, missing.upperBound, truth) else {
      fail(name, "nobody was told of \(lastGap)")
      return
    }
    let polls = truth.observed.polls
    let declared = polls[poll]
    let windows = isOverrun ? [] : uncertainWindows(until: poll, truth)
    if !truth.buffer.hasCycle,
      gaps.contains(where: { gap in
        gap.reason != "overrun"
          && RingReadings(truth).isAmbiguous(
            by: declaringPoll(of: gap, missing.upperBound, truth) ?? poll)
      })
    {
      return
    }
    if !isOverrun {
      let leading = gaps.first { $0.reason != "overrun" } ?? firstGap
      let firstPoll = min(poll, declaringPoll(of: leading, missing.lowerBound, truth) ?? poll)
      // Two polls and two units tell a break; more where calls take no time.
      let slack = Nanoseconds(Double(4 * unit) / truth.buffer.rate * 1e9)
      let early = polls[max(0, firstPoll - 12)].first.before - slack
      if !truth.breaks.contains(where: { $0.start <= declared.second.after && $0.end >= early }) {
        fail(
          truth, since: runStart, until: declared.second.after,
          "gaps \(gaps), but nothing happened (poll \(poll))")
        return
      }
    }
    // A store that stands where it was last latched may have been halted later.
    let isHidden =
      poll > 0 && declared.rings[truth.ring].first == polls[poll - 1].rings[truth.ring].second
    let bracket = polls[max(0, poll - 1)].second
    let doubt = Int64(Double(bracket.after - bracket.before) * 1e-9 * truth.buffer.rate) + 4 * unit
    var unjustified: Int64 = 0
    var example: Int64?
    for frame in missing {
      let time = truth.time(of: frame)
      if windows.contains(where: { $0.contains(time) }) { continue }
      if !isOverrun, truth.isUnmade(frame) { continue }
      if truth.made(from: time, to: declared.second.after) >= Int64(truth.buffer.size) { continue }
      if isHidden,
        truth.frames(by: declared.second.after) - frame + doubt >= Int64(truth.buffer.size)
      {
        continue
      }
      unjustified += 1
      example = example ?? frame
    }
    // Without a cycle tag, what would be overwritten by the next poll is not asked for, with a
    // margin of a quarter of what comes from poll to poll.
    let recent = zip(polls[max(0, poll - 4)...poll], polls[max(0, poll - 4)...poll].dropFirst())
    let spared =
      truth.buffer.hasCycle
      ? 0
      : recent.map { truth.frames(by: $1.second.after) - truth.frames(by: $0.first.before) }.max()
        ?? 0
    // Where a store stopped between two latches is told by none of them.
    let stop =
      isOverrun
      ? 0
      : truth.frames(by: declared.second.after) - truth.frames(by: declared.first.before) + 2 * unit
    if unjustified > block + unit + spared + stop {
      fail(
        name,
        "\(gaps.map { "\($0.reason) \($0.frames)" }): \(unjustified) of \(missing.count) frames "
          + "(from row \((example ?? 0) - after)) could be had; block \(block), size "
          + "\(truth.buffer.size), poll \(poll)")
    }
  }

  /// The poll whose answer made the recorder declare a gap.
  private func declaringPoll(
    of gap: Mark, _ frame: Int64, _ truth: RingTruth
  ) -> Int? {
    let polls = truth.observed.polls
    let start = announcement(of: gap)
    if let told = run.warnings.first(where: { $0.text.hasPrefix(start) })?.time {
      return polls.lastIndex { $0.end <= told }
    }
    guard gap.reason == "gate" else { return nil }
    let time = truth.time(of: frame)
    return polls.firstIndex { $0.first.after >= time }.map { min($0 + 2, polls.count - 1) }
  }

  /// When frames were written whose place positions do not tell: from the first position of the
  /// last poll that was over before a break to that of the first one that began after it.
  private func uncertainWindows(
    until poll: Int, _ truth: RingTruth
  ) -> [ClosedRange<Nanoseconds>] {
    let polls = truth.observed.polls[...poll]
    let slack = Nanoseconds(
      Double(truth.buffer.blockSize + 2 * truth.buffer.format.framesPerUnit) / truth.buffer.rate
        * 1e9)
    return truth.breaks.compactMap { pause in
      guard let last = polls.last, pause.start <= last.second.after else { return nil }
      var before = polls.lastIndex { $0.second.after < pause.start }
      // A torn position transfers nothing.
      while let found = before, found > 0,
        truth.tears.contains(where: {
          $0 >= polls[found - 1].first.before && $0 <= polls[found].second.after
        })
      {
        before = found - 1
      }
      // Without a cycle tag, what was lapped is asked for once more.
      if !truth.buffer.hasCycle, let found = before { before = max(0, found - 1) }
      let start = before.map { polls[$0].first.before } ?? truth.start
      // A store at index 0 may still wait for its first frame.
      let next = polls.first {
        $0.first.before > pause.end && $0.rings[truth.ring].second.index != 0
      }
      // After a tear the second position is the first that counts.
      let isTorn = next.map { next in truth.tears.contains { $0 <= next.second.after } } ?? false
      let end = (isTorn ? next?.second : next?.first)?.after ?? last.second.after
      return start - slack...max(start, end) + slack
    }
  }

  // MARK: - The end

  private mutating func checkEnd(
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

  // MARK: - Counts

  private mutating func checkCounts(
    _ series: RecordingReader.Series, _ gaps: [Mark], _ marks: [Mark],
    _ board: StatusBoard.Buffer
  ) {
    let frames = { (marks: [Mark]) in marks.reduce(0) { $0 + Int64($1.frames.count) } }
    let misfits = marks.filter { $0.reason == "out of range" }
    let lost = gaps.filter { $0.reason != "gate" } + misfits
    if board.lost != frames(lost) || board.gaps != lost.count {
      fail(
        series.name,
        "the report says \(board.lost) lost in \(board.gaps) gaps, the file "
          + "\(frames(lost)) in \(lost.count)")
    }
    if board.samples + frames(gaps) != Int64(series.frames) {
      fail(
        series.name,
        "\(series.frames) rows, but the report says \(board.samples) samples and the file "
          + "\(frames(gaps)) missing")
    }
  }

  private mutating func checkExit() {
    let report = run.report
    let hasLost =
      invalid.contains { $0.reason != "gate" && $0.reason != "sf uncertain" }
      || report.final.endedSeries > 0 || report.final.buffers.contains { $0.isStalled }
    if report.exitCode != (hasLost ? 75 : 0) {
      fail(
        "report",
        "exit code \(report.exitCode) (\(report.reason), \(report.deviceFailures)), "
          + "losses: \(hasLost)")
    }
  }

  // MARK: - Time

  private mutating func checkTimes(
    _ series: [String: RecordingReader.Series], _ reader: borrowing RecordingReader
  ) throws {
    guard let reference = run.scenario.circuits.first, let first = reference.buffers.first,
      let zero = firstOffsets[first.name], let observed = run.circuits.first,
      let start = series[first.name]?.startingTime
    else { return }
    let zeroTick = (zero + 1) * Int64(first.decimation)
    let rate = reference.simulation.rate
    for (circuit, device) in zip(run.scenario.circuits, run.circuits) {
      for (ring, buffer) in circuit.buffers.enumerated() {
        guard let offset = firstOffsets[buffer.name], let found = series[buffer.name] else {
          continue
        }
        let truth = try RingTruth(ring, circuit, device)
        // On the recording clock: ticks of the reference circuit since its frame 0.
        let host = truth.time(of: offset)
        let ticks = (observed.circuit.tick(at: host) ?? 0) - zeroTick
        let due = start + Double(ticks) / rate
        // A store that is enabled drops the frame under way.
        let gate =
          (buffer.gate == nil ? 0 : 1 / buffer.rate) + (first.gate == nil ? 0 : 1 / first.rate)
        let span =
          gate
          + Double(buffer.decimation * buffer.format.framesPerUnit + 2) / circuit.simulation.rate
        let allowed =
          halfWidth(observed) + halfWidth(device) + span
          + Double(first.decimation * first.format.framesPerUnit + 2) / rate
        if abs(found.startingTime - due) > allowed {
          fail(
            buffer.name,
            "starts at \(found.startingTime), due \(due) ± \(allowed) on the recording clock")
        }
        if buffer.name == first.name {
          let absolute = Double(host - run.origin) * 1e-9
          if abs(found.startingTime - absolute) > halfWidth(device) + span {
            fail(
              buffer.name,
              "starts at \(found.startingTime), due \(absolute) ± \(halfWidth(device) + span)")
          }
        }
      }
    }
    for (circuit, device) in zip(run.scenario.circuits, run.circuits) {
      try checkReadings(circuit, device, reader)
    }
  }

  /// Half of the widest first latch of the polls in which a series can have begun, seconds.
  private func halfWidth(_ observed: ObservedCircuit) -> Double {
    observed.polls.prefix(2).map { Double($0.first.after - $0.first.before) * 0.5e-9 }.max() ?? 0
  }

  /// Each reading of the circuit's clock must be true, as long as no break has moved its frames.
  private mutating func checkReadings(
    _ circuit: RingScenario.Circuit, _ observed: ObservedCircuit,
    _ reader: borrowing RecordingReader
  ) throws {
    guard let buffer = circuit.buffers.first, let offset = firstOffsets[buffer.name] else { return }
    let truth = try RingTruth(0, circuit, observed)
    let readings = try reader.readings(ofCircuit: circuit.name)
    let firstBreak =
      invalid.filter { $0.series == buffer.name && $0.reason != "overrun" }
      .map(\.frames.lowerBound).min() ?? .max
    let unit = Int64(buffer.format.framesPerUnit)
    // Without a cycle tag a reset near the wrap is not seen.
    let hidden = buffer.hasCycle ? Int64.max : truth.breaks.first?.start ?? .max
    for (place, sample) in readings.samples.enumerated() where sample >= 0 {
      guard sample < firstBreak else { break }
      let (before, after) = (readings.before[place], readings.after[place])
      guard after < hidden else { break }
      if truth.breaks.contains(where: { $0.start <= after && $0.end >= before }) { continue }
      figures.readings += 1
      let frame = sample + offset
      if frame + unit - 1 < truth.frames(by: before)
        || frame > truth.frames(by: after)
      {
        fail(
          buffer.name,
          "clock reading \(place) says \(sample) frames, truth "
            + "\(truth.frames(by: before) - offset)…\(truth.frames(by: after) - offset)")
        return
      }
    }
  }
}
