import Clocks
import NWB
import Recording

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
  var figures = Figures()
  var problems: [String] = []
  /// What is wrong where no position could have told (``Figures/unseen``, ``Figures/twofold``).
  var excused: [String] = []
  var log: [LogEntry] = []
  var invalid: [Mark] = []
  /// Where the file says that row 0 of the series under way is.
  var start = Start()
  /// The recorder did not say that the series lacks its end.
  var isEndTold = true
  /// When the last run of rows that was right began.
  var runStart: Nanoseconds = 0
  /// True frame less row, of frame 0 of each series.
  var firstOffsets: [String: Int64] = [:]
  /// Frames by which the places of a series may be wrong, as the log has stated so far.
  var stated: [String: Double] = [:]

  /// The true frame that row 0 of a series is, as far as its starting time says.
  struct Start {
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

  mutating func fail(_ name: String, _ text: String) {
    if problems.count < 12 { problems.append("\(name): \(text)") }
  }

  /// Something is wrong with rows of a run, unless no position could have told.
  mutating func fail(
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

  static let lossReasons: Set = ["overrun", "stall", "reset", "clock", "gate"]

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
      || !report.final.endedSeries.isEmpty || report.final.buffers.contains { $0.isStalled }
    if report.exitCode != (hasLost ? 75 : 0) {
      fail(
        "report",
        "exit code \(report.exitCode) (\(report.reason), \(report.deviceFailures)), "
          + "losses: \(hasLost)")
    }
  }
}
