import Clocks
import Devices
import NWB
import Samples

/// Empties the inlet into the file: the one owner of libhdf5.
///
/// It looks every quarter of a flush interval, or when a lane is half full; decodes slots into the
/// open chunks; and flushes, so that a frame is in a completed flush within `flush_s`: half of that
/// in its chunk, a quarter until the writer looks, a quarter to spare.
final class FileWriter {
  private let inlet: Inlet
  private let timekeeper: any Timekeeper
  private let clock: SessionClock
  private let board: StatusBoard
  private let settings: FilePlan
  private let warn: @Sendable (String) -> Void
  private let stopAll: @Sendable (StopSignal.Reason) -> Void
  private var file: RecordingFile?
  private var series: [SeriesInlet]
  private var records: [Record] = []
  private let syncer: Syncer?
  private var space: DiskSpace?
  private var nextLevels: Nanoseconds
  private var nextSync: Nanoseconds
  private var rateMark: (bytes: Int64, time: Nanoseconds) = (0, 0)
  private var isFlushLate = false

  /// `file`: nil: everything but the file (`--preview`).
  init(
    file: consuming RecordingFile?, series: [SeriesInlet], inlet: Inlet, settings: FilePlan,
    timekeeper: any Timekeeper, clock: SessionClock, board: StatusBoard, syncer: Syncer?,
    space: DiskSpace?, warn: @escaping @Sendable (String) -> Void,
    stopAll: @escaping @Sendable (StopSignal.Reason) -> Void
  ) {
    self.file = file
    self.series = series
    self.inlet = inlet
    self.settings = settings
    self.timekeeper = timekeeper
    self.clock = clock
    self.board = board
    self.syncer = syncer
    self.space = space
    self.warn = warn
    self.stopAll = stopAll
    let now = timekeeper.now
    nextLevels = now + 1_000_000_000
    nextSync = now + settings.syncInterval
  }

  /// Writes until `closing` is requested and everything queued before is in the file.
  func run(until closing: StopSignal) throws(NWBError) {
    var nextFlush = timekeeper.now
    while true {
      let ticket = inlet.work.ticket
      let isLast = closing.isRequested
      try drain()
      if isLast || timekeeper.now >= nextFlush {
        try flush()
        nextFlush = timekeeper.now + settings.flushInterval / 4
      }
      if isLast { break }
      try syncIfDue()
      checkSpace()
      noteLevels()
      if closing.isRequested { continue }
      inlet.work.wait(since: ticket, until: min(nextFlush, nextLevels))
    }
    noteLevels(last: true)
    try drain()
  }

  /// Completes the file.
  ///
  /// - Returns: what kept empty tables from being removed.
  func close() throws(NWBError) -> NWBError? {
    syncer?.end()
    let rest = try file.take()?.close()
    if let path = space?.path { DiskSpace.release(path) }
    return rest
  }

  // MARK: - Draining

  private func drain() throws(NWBError) {
    try drainRecords()
    for index in series.indices { try drainLane(index) }
  }

  private func drainLane(_ index: Int) throws(NWBError) {
    while let (run, words) = series[index].lane.next() {
      if series[index].start == nil { try drainRecords() }
      if let loss = run.loss, loss.count > 0 { try note(loss, index) }
      if run.count > 0 {
        series[index].scale(by: run.scalingFactor)
        series[index].measure(words)
        if run.isScalingUncertain {
          let frames = series[index].format.frames(inSlots: Int64(run.count))
          invalidate(
            index, run.firstFrame..<run.firstFrame + frames, reason: "sf uncertain")
        }
        try store(words, index, firstFrame: run.firstFrame)
      }
      series[index].lane.release()
    }
  }

  /// Decodes whole units into the open chunk, chunk by chunk.
  private func store(
    _ words: UnsafeBufferPointer<UInt32>, _ index: Int, firstFrame: Int64
  ) throws(NWBError) {
    let format = series[index].format
    series[index].framesTaken += format.frames(inSlots: Int64(words.count))
    guard file != nil else { return }
    if series[index].openSince == nil { series[index].openSince = timekeeper.now }
    let missing = firstFrame - Int64(file?.series[index].rows ?? 0)
    if missing > 0 { try file?.series[index].skip(rows: Int(missing)) }
    var rest = words[...]
    while !rest.isEmpty, let writer = file?.series[index] {
      let room = writer.freeRows
      let rows = room.count / writer.bytesPerFrame
      let slots = min(rest.count, Int(format.slots(ofFrames: Int64(rows))))
      let frames = Int(format.frames(inSlots: Int64(slots)))
      let part = UnsafeBufferPointer(rebasing: rest.prefix(slots))
      let fits = decode(part, index, room) == nil
      if fits { try writer.commit(rows: frames) } else { try storeFitting(part, index, writer) }
      if writer.rowsInFile == writer.rows { series[index].openSince = nil }
      rest = rest.dropFirst(slots)
    }
  }

  /// Decodes whole units into the beginning of the room.
  ///
  /// - Returns: The first sample that the destination cannot hold.
  private func decode(
    _ words: UnsafeBufferPointer<UInt32>, _ index: Int, _ room: UnsafeMutableRawBufferPointer
  ) -> SampleRangeError? {
    let decoder = series[index].decoder
    let bytes = decoder.byteCount(ofSlots: words.count)
    do throws(SampleRangeError) {
      try decoder.decode(words, into: UnsafeMutableRawBufferPointer(rebasing: room[..<bytes]))
      return nil
    } catch {
      return error
    }
  }

  /// Stores words of which some do not fit, unit by unit: only those are left out.
  private func storeFitting(
    _ words: UnsafeBufferPointer<UInt32>, _ index: Int, _ writer: SeriesWriter
  ) throws(NWBError) {
    let format = series[index].format
    let frames = format.framesPerUnit
    var misfits: (first: Int, error: SampleRangeError)?
    for slot in stride(from: 0, to: words.count, by: format.slotsPerUnit) {
      let unit = UnsafeBufferPointer(rebasing: words[slot..<slot + format.slotsPerUnit])
      if let error = decode(unit, index, writer.freeRows) {
        misfits = misfits ?? (writer.rows, error)
        try writer.skip(rows: frames)
      } else {
        if let (first, error) = misfits { leaveOut(first..<writer.rows, error, index) }
        misfits = nil
        try writer.commit(rows: frames)
      }
    }
    if let (first, error) = misfits { leaveOut(first..<writer.rows, error, index) }
  }

  /// Notes successive frames that do not fit: each time in the log, now and then on the console.
  private func leaveOut(_ rows: Range<Int>, _ error: SampleRangeError, _ index: Int) {
    let first = Int64(rows.lowerBound)
    let text =
      "\(series[index].name): frame \(first + Int64(error.frame)), channel \(error.channel): "
      + "\(error.value) does not fit \(error.destination.rawValue); "
      + (rows.count == 1 ? "the frame is left out" : "\(rows.count) frames are left out")
    // Not through the inlet, which would fill up.
    file?.log.append(at: series[index].seconds(of: first), .error, text)
    let now = timekeeper.now
    if now >= series[index].nextMisfitWarning {
      series[index].nextMisfitWarning = now + 10_000_000_000
      warn(text + "; more of them within 10 s are in the log only")
    }
    invalidate(index, first..<Int64(rows.upperBound), reason: "out of range")
    board.update {
      $0.buffers[index].lost += Int64(rows.count)
      $0.buffers[index].gaps += 1
    }
  }

  private func note(_ loss: RingReader.Loss, _ index: Int) throws(NWBError) {
    let end = loss.first + loss.count
    if loss.first <= max(series[index].flushed, series[index].gapEnd) { series[index].gapEnd = end }
    if let writer = file?.series[index] {
      if end > Int64(writer.rows) { try writer.skip(rows: Int(end - Int64(writer.rows))) }
    }
    invalidate(index, loss.first..<loss.first + loss.count, reason: loss.reason.rawValue)
  }

  private func invalidate(_ index: Int, _ frames: Range<Int64>, reason: String) {
    let inlet = series[index]
    file?.invalidTimes.append(
      start: inlet.seconds(of: frames.lowerBound), stop: inlet.seconds(of: frames.upperBound),
      series: inlet.name, frames: frames, reason: reason)
  }

  private func drainRecords() throws(NWBError) {
    inlet.drain(into: &records)
    for record in records { try write(record) }
    records.removeAll(keepingCapacity: true)
  }

  private func write(_ record: Record) throws(NWBError) {
    switch record {
    case .log(let kind, let text, let time):
      file?.log.append(at: time, kind, text)
    case .circuitClock(let circuit, let reading):
      try file?.circuits[circuit].append(
        time: reading.time, host: hostSeconds(reading.bracket), sample: reading.sample,
        bracket: (reading.bracket.before, reading.bracket.after), positions: reading.positions)
    case .stimulatorClock(let reading):
      try file?.stimulator?.append(
        time: reading.time, host: hostSeconds(reading.bracket), framesDone: reading.framesDone,
        framesBuffered: reading.framesBuffered,
        bracket: (reading.bracket.before, reading.bracket.after))
    case .exchange(let link, let exchange, let time):
      file?.links[link].append(time: time, exchange)
    case .change(let change):
      try file?.ledger?.append(change)
    case .stamps(let buffer, let stamps):
      for stamp in stamps { file?.eventBuffers[buffer].append(at: stamp.time, tick: stamp.tick) }
    case .tag(let name, let value, let time):
      file?.tags?.append(at: time, tag: name, value: value)
    case .trial(let trial):
      try file?.trials.append(
        start: trial.start, stop: trial.stop,
        frames: trial.firstSample..<trial.firstSample + trial.samples, trial.values)
    case .epoch(let index, let frames):
      try file?.trials.append(
        start: series[index].seconds(of: frames.lowerBound),
        stop: series[index].seconds(of: frames.upperBound), frames: frames, [:])
    case .startingTime(let index, let seconds):
      series[index].start = seconds
      try file?.series[index].setStartingTime(seconds)
    }
  }

  private func hostSeconds(_ bracket: Bracket) -> Double {
    Double(bracket.middle - clock.origin) * 1e-9
  }

  // MARK: - Flushing

  private func flush() throws(NWBError) {
    guard file != nil else { return }
    settings.beforeFlush?()
    let began = timekeeper.now
    for index in series.indices {
      // A series that stands still would keep its last frames to itself.
      if let since = series[index].openSince, began - since > settings.flushInterval / 2 {
        try file?.series[index].exposeOpenChunk()
        series[index].openSince = nil
      }
    }
    try file?.flush()
    let now = clock.seconds(atHost: timekeeper.now)
    var flushedTo = Double.infinity
    var worst = 0.0
    var bytes: Int64 = 0
    for index in series.indices {
      guard let writer = file?.series[index] else { continue }
      let rows = Int64(writer.rowsInFile)
      if rows > series[index].flushed {
        let oldest = max(series[index].flushed, series[index].gapEnd)
        if oldest < rows { worst = max(worst, now - series[index].seconds(of: oldest)) }
        series[index].flushed = rows
      }
      flushedTo = min(flushedTo, series[index].seconds(of: rows))
      bytes += Int64(writer.bytesWritten)
    }
    noteFlush(delay: worst, flushedTo: flushedTo.isFinite ? flushedTo : now, bytes: bytes)
  }

  private func noteFlush(delay: Double, flushedTo: Double, bytes: Int64) {
    let allowed = Double(settings.flushInterval) * 1e-9
    let isLate = delay > allowed
    if isLate, !isFlushLate {
      warn("the file is behind: frames were flushed \(milliseconds(delay)) ms after they were made")
    }
    isFlushLate = isLate
    let lanes = series.map(\.lane.worstFill).max() ?? 0
    let now = timekeeper.now
    let elapsed = Double(now - rateMark.time) * 1e-9
    var pace: Double?
    if elapsed >= 1 {
      pace = Double(bytes - rateMark.bytes) / 1e6 / elapsed
      rateMark = (bytes, now)
    }
    let left = space?.minutesLeft(at: (pace ?? 0) * 1e6)
    board.update { snapshot in
      snapshot.file.bytes = bytes
      snapshot.file.flushedTo = flushedTo
      snapshot.file.worstFlushDelay = max(snapshot.file.worstFlushDelay, delay)
      if isLate { snapshot.file.lateFlushes += 1 }
      snapshot.file.inletWorstFill = lanes
      if let pace {
        snapshot.file.megabytesPerSecond = pace
        if let left { snapshot.file.minutesLeft = left }
      }
    }
  }

  /// Flush, sync, note what that covers, flush, sync: only then has *durable* moved.
  private func syncIfDue() throws(NWBError) {
    guard let syncer else { return }
    switch syncer.state {
    case .failed(let code):
      throw .system(call: "fdatasync", path: settings.path, code: code)
    case .done(let request):
      if request.isNoted {
        let to = zip(series, request.rows).map { $0.seconds(of: $1) }.min() ?? request.time
        board.update { $0.file.durableTo = to }
        syncer.rest()
      } else {
        try file?.durable?.append(request.rows)
        try file?.flush()
        syncer.sync(Syncer.Request(rows: request.rows, time: request.time, isNoted: true))
      }
    case .idle where timekeeper.now >= nextSync:
      nextSync = timekeeper.now + settings.syncInterval
      try flush()
      let rows = series.map(\.flushed)
      syncer.sync(
        Syncer.Request(rows: rows, time: clock.seconds(atHost: timekeeper.now), isNoted: false))
    case .idle, .busy:
      break
    }
  }

  private func checkSpace() {
    guard let full = space?.check() else { return }
    stopAll(.disk(full))
  }

  // MARK: - Levels

  /// Once a second, and at the end: for the status, the report and the log.
  private func noteLevels(last: Bool = false) {
    guard last || timekeeper.now >= nextLevels else { return }
    nextLevels = timekeeper.now + 1_000_000_000
    for index in series.indices {
      let levels = series[index].takeLevels()
      guard !levels.isEmpty else { continue }
      board.update { [series] snapshot in
        snapshot.buffers[index].levels = levels
        snapshot.buffers[index].clippedCodes = series[index].clipped
        snapshot.buffers[index].constantSeconds = series[index].constantSeconds
      }
      func row<Value>(_ name: String, _ value: (StatusBoard.Level) -> Value) -> String {
        " \(name) " + levels.map { "\(value($0))" }.joined(separator: " ")
      }
      file?.log.append(
        at: clock.seconds(atHost: timekeeper.now), .levels,
        series[index].name + row("rms", \.rms) + row("minimum", \.minimum)
          + row("maximum", \.maximum) + row("clipped", \.clipped))
    }
  }
}
