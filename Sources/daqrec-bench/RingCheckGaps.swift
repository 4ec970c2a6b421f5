import Clocks
import Foundation
import NWB
import Samples

/// Gaps: what is declared missing could not be had, the log says so, and what follows is in its place.
extension RingCheck {
  mutating func checkZeros(
    _ gap: Mark, _ values: [Double], _ channels: Int, _ name: String
  ) {
    let range =
      min(
        gap.frames.lowerBound * channels, values.count)..<min(
        gap.frames.upperBound * channels, values.count)
    if values[range].contains(where: { $0 != 0 }) { fail(name, "there are numbers in gap \(gap)") }
  }

  /// The text that must announce a gap.
  func announcement(of gap: Mark) -> String {
    "\(gap.series): \(gap.frames.count) samples from \(gap.frames.lowerBound) are missing "
      + "(\(gap.reason)"
  }

  /// Half width of the place of what follows a gap, seconds, as the log states it.
  func uncertainty(of gap: Mark) -> Double {
    let start = announcement(of: gap)
    guard let text = log.first(where: { $0.text.hasPrefix(start) })?.text,
      let range = text.range(of: "placed to ± ")
    else { return 0 }
    let number = text[range.upperBound...].prefix { "0123456789.".contains($0) }
    return (Double(number) ?? 0) / 1000
  }

  mutating func checkTexts(_ name: String, _ gaps: [Mark]) {
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
  mutating func checkPlace(
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
  mutating func checkReality(
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
  func declaringPoll(
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
  func uncertainWindows(
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
}
