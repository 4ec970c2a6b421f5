import Clocks
import Samples

/// The positions of a store that the recorder was given, and what they can tell at all.
struct RingReadings {
  private struct Reading {
    var bracket: Bracket
    var position: RingPosition
    var poll: Int
  }

  private let truth: RingTruth
  private let readings: [Reading]

  init(_ truth: RingTruth) {
    self.truth = truth
    readings = truth.observed.polls.enumerated().flatMap { number, poll in
      let ring = poll.rings[truth.ring]
      return [
        Reading(bracket: poll.first, position: ring.first, poll: number),
        Reading(bracket: poll.second, position: ring.second, poll: number),
      ]
    }
  }

  /// Whether two things happened between two successive positions, or within the time of two units,
  /// which is as finely as positions tell, in a stretch of time or one poll around it: a store
  /// stopped, went on, began anew, or gave a torn position.
  func areTwofold(since: Nanoseconds, until: Nanoseconds) -> Bool {
    var edges: [Nanoseconds] = truth.tears
    for pause in truth.breaks {
      edges.append(pause.start)
      if pause.writesNothing, !pause.isHalt { edges.append(pause.end) }
    }
    let units = 2 * Double(truth.buffer.format.framesPerUnit) / truth.buffer.rate
    let slack = Nanoseconds(units * 1e9)
    return pairs(since: since, until: until).contains { before, after in
      let span = before.bracket.before - slack...after.bracket.after + slack
      return edges.filter(span.contains).count > 1
    }
  }

  /// Whether, for a break before a time, positions after it read as if the store had run on:
  /// within their brackets and the tightest one before it. The first two after it decide.
  func areInnocent(until: Nanoseconds) -> Bool {
    let size = Int64(truth.buffer.size)
    let unit = Int64(truth.buffer.format.framesPerUnit)
    return truth.breaks.contains { pause in
      // Rows are read by a later position than was written when they were.
      let last = min(
        (readings.firstIndex { $0.bracket.before >= until } ?? .max - 4) + 4,
        readings.count - 1)
      guard last >= 0, pause.start <= readings[last].bracket.after else { return false }
      let since = truth.breaks.map(\.end).filter { $0 < pause.start }.max() ?? 0
      let before = readings.filter {
        $0.bracket.after < pause.start && $0.bracket.before > since
      }.suffix(40)
      guard
        let reference = before.min(by: {
          $0.bracket.after - $0.bracket.before < $1.bracket.after - $1.bracket.before
        })
      else { return false }
      let after = readings[...last].filter { $0.bracket.after >= pause.start }.prefix(2)
      guard !after.isEmpty else { return false }
      return after.allSatisfy { reading in
        let elapsed = reading.bracket.after - reference.bracket.before
        let drift = Int64(Double(elapsed) * 1.2e-12 * truth.buffer.rate) + 1
        let least =
          truth.frames(by: reading.bracket.before) - truth.frames(by: reference.bracket.after)
          - unit - drift
        let most =
          truth.frames(by: reading.bracket.after) - truth.frames(by: reference.bracket.before)
          + unit + drift
        let moved = frames(at: reading) - frames(at: reference)
        guard !truth.buffer.hasCycle else { return moved >= least && moved <= most }
        // Whatever the laps.
        let lap = ((moved - least) % size + size) % size
        return least + lap <= most
      }
    }
  }

  /// Whether, without a cycle tag, the clock could not count the laps at a position of the polls
  /// that led to one's decision: where it is uncertain by half a buffer.
  func isAmbiguous(by poll: Int) -> Bool {
    let size = Double(truth.buffer.size)
    let units = 3 * Double(truth.buffer.format.framesPerUnit)
    return readings.indices.dropFirst().contains { place in
      let reading = readings[place]
      guard reading.poll <= poll, reading.poll >= poll - 3 else { return false }
      let near = readings[max(0, place - 6)...place].map(\.bracket)
      guard let first = near.first else { return false }
      let elapsed = Double(reading.bracket.after - readings[place - 1].bracket.before) * 1e-9
      let width = Double(reading.bracket.after - reading.bracket.before) * 1e-9
      let widest = near.map { Double($0.after - $0.before) * 1e-9 }.max() ?? 0
      let drift = 1.3e-3 * Double(reading.bracket.after - first.before) * 1e-9
      return elapsed * truth.buffer.rate * 1.01 + units >= size
        && (width + widest + drift) * truth.buffer.rate + units >= size * 0.45
    }
  }

  private func pairs(
    since: Nanoseconds, until: Nanoseconds
  ) -> [(before: Reading, after: Reading)] {
    let first = max(0, (readings.lastIndex { $0.bracket.after <= since } ?? 0) - 1)
    let last = readings.firstIndex { $0.bracket.before >= until } ?? readings.count - 1
    guard first < last else { return [] }
    let end = min(last + 2, readings.count - 1)
    return zip(readings[first..<end], readings[first + 1...end]).map { ($0, $1) }
  }

  private func frames(at reading: Reading) -> Int64 {
    let format = truth.buffer.format
    let size = format.slots(ofFrames: Int64(truth.buffer.size))
    return format.frames(inSlots: reading.position.slots(size: Int(size)))
  }
}
