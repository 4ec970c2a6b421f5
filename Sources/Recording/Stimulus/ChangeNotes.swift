import Clocks
import NWB
import Samples

/// Keeps the changes from request to output, and notes what becomes of each: a row of the ledger, a
/// trial, a line of the log, an answer to whoever asked.
struct ChangeNotes {
  let context: FeederContext
  private(set) var book = ChangeBook()

  init(_ context: FeederContext) { self.context = context }

  mutating func add(_ entry: ChangeBook.Entry) -> Int { book.add(entry) }

  /// A change's first sample is in the device's hands: now it belongs in the ledger.
  mutating func queued(
    _ id: Int, at sample: Int64, _ clock: FeedClock, host: Nanoseconds
  ) -> ChangeBook.Entry? {
    guard let entry = book.queue(id, at: sample) else { return nil }
    let onset = clock.onset(of: sample)
    let change = SignalChange(
      onset: onset.seconds, uncertainty: onset.uncertainty,
      basis: OnsetBasis(rawValue: onset.basis.rawValue) ?? .nominalRates,
      requested: entry.requested, queued: clock.session.seconds(atHost: host),
      channel: UInt8(entry.channel), repeats: Int32(entry.signal.repeats), streamSample: sample,
      amplitudes: entry.signal.amplitudes, durations: entry.signal.durations)
    context.post(.change(change))
    if let request = entry.request { context.control.answer(request, .queued(change)) }
    if entry.isPlanned { noteDelay(of: entry, at: sample, clock) }
    return entry
  }

  /// Says so where a planned change could not begin at its time.
  private func noteDelay(of entry: ChangeBook.Entry, at sample: Int64, _ clock: FeedClock) {
    guard let wanted = clock.sample(at: entry.requested), Double(sample) - wanted > 1.5 else {
      return
    }
    let late = clock.onset(of: sample).seconds - entry.requested
    let text =
      "channel \(entry.channel): the change planned for \(entry.requested) s comes "
      + "\(milliseconds(late)) ms late: its time was queued already"
    context.log(.note, text, at: clock.now)
    // What is asked for at sample 0 is asked for as soon as it can be.
    if entry.requested > context.sampleZero.present ?? -.infinity { context.warn(text) }
  }

  /// A later change came before this one was queued.
  mutating func superseded(_ id: Int, _ clock: FeedClock) {
    guard let entry = book.remove(id) else { return }
    context.log(
      .superseded,
      "channel \(entry.channel): a later change came first (\(entry.signal.summary))",
      at: clock.now)
    if let request = entry.request { context.control.answer(request, .superseded) }
  }

  /// A change that is given up before it was queued.
  mutating func cancel(_ id: Int, _ reason: String, _ clock: FeedClock) {
    guard let entry = book.remove(id) else { return }
    refuse(entry.signal, on: entry.channel, entry.request, reason, at: clock.now)
  }

  /// Something that was asked for and will not be queued.
  func refuse(
    _ signal: CompiledSignal, on channel: Int, _ request: Int?, _ reason: String, at time: Double
  ) {
    context.log(.refused, "channel \(channel): \(reason) (\(signal.summary))", at: time)
    if let request { context.control.answer(request, .refused(reason)) }
  }

  /// Writes the trials that are over by a sample.
  mutating func endTrials(upTo sample: Int64, _ clock: FeedClock) {
    for entry in book.endTrials(upTo: sample) { write(entry, until: entry.end, clock) }
  }

  /// The output has ended at `sample`: trials under way end there, and what is queued, or waits,
  /// will not leave.
  mutating func end(at sample: Int64, _ reason: String, _ clock: FeedClock) {
    endTrials(upTo: sample, clock)
    let (cut, unfinished) = book.empty(at: sample)
    for entry in cut { write(entry, until: sample, clock) }
    for entry in unfinished {
      if let first = entry.sample {
        context.log(
          .refused,
          "channel \(entry.channel), stream sample \(first): did not leave the device (\(reason))",
          at: clock.now)
      } else {
        refuse(entry.signal, on: entry.channel, entry.request, reason, at: clock.now)
      }
    }
    for request in context.inbox.close(reason) {
      if case .set(let id, let channel, let signal, _, _) = request {
        refuse(signal, on: channel, id, reason, at: clock.now)
      }
    }
  }

  private func write(_ entry: ChangeBook.Entry, until end: Int64, _ clock: FeedClock) {
    let start = clock.onset(of: entry.sample ?? 0).seconds
    let stop = max(start, clock.onset(of: end).seconds)
    let frames = context.frames(start...stop)
    context.post(
      .trial(
        Trial(
          start: start, stop: stop, firstSample: frames.lowerBound, samples: Int64(frames.count),
          values: entry.trial?.values ?? [:])))
  }
}
