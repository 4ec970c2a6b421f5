import Clocks
import NWB

/// Works an alignment out, step by step.
struct Aligner {
  private(set) var content = AlignmentContent(description: "")
  private(set) var quality = AlignmentQuality()
  private let reference: CircuitTimeline
  private let others: [CircuitTimeline]
  private let changes: [SignalChange]
  /// The host's monotonic clock at the start of the session.
  private let origin: Nanoseconds

  init(
    _ reader: borrowing RecordingReader, _ options: Alignment.Options
  ) throws(AlignmentError) {
    let series = try reading { () throws(NWBError) in try reader.series() }
    let invalid = try reading { () throws(NWBError) in try reader.invalidFrames() }
    let names = try reading { () throws(NWBError) in try reader.circuits() }
    let start = try reading { () throws(NWBError) in try reader.start() }
    changes = try reading { () throws(NWBError) in try reader.ledger() }?.changes ?? []
    guard let first = names.first, let start else {
      throw .nothingToAlign("the file has no circuit's clock to align anything to")
    }
    guard !changes.isEmpty || names.count > 1 else {
      throw .nothingToAlign(
        "there is nothing to align: the file has no signal changes (/events/stimulus_changes) and "
          + "no second circuit")
    }
    origin = start.monotonic
    reference = try CircuitTimeline(ofCircuit: first, in: reader, series, invalid)
    var others: [CircuitTimeline] = []
    for name in names.dropFirst() {
      do throws(AlignmentError) {
        others.append(try CircuitTimeline(ofCircuit: name, in: reader, series, invalid))
      } catch .noReadings {
        quality.notes.append("\(name): no readings of its clock: it is not mapped")
      }
    }
    self.others = others
    let stream = try Self.stream(of: reader, isNeeded: !changes.isEmpty)
    if let stream {
      let line = try Self.syncChannel(of: reader, options, &quality.notes)
      try refine(stream, by: line, in: reader, series, invalid)
    } else {
      quality.notes.append("the file has no signal changes: only the circuits' clocks are mapped")
    }
    addCircuits()
    content.description = description
  }

  private static func stream(
    of reader: borrowing RecordingReader, isNeeded: Bool
  ) throws(AlignmentError) -> StreamTimeline? {
    guard isNeeded else { return nil }
    let name = try reading { () throws(NWBError) in try reader.stimulator() }
    guard let name else { throw .noReadings(clock: "the stimulator") }
    return try StreamTimeline(ofStimulator: name, in: reader)
  }

  /// The channel that carries the sync line, as asked for or as the recorded session says.
  private static func syncChannel(
    of reader: borrowing RecordingReader, _ options: Alignment.Options, _ notes: inout [String]
  ) throws(AlignmentError) -> SyncChannel? {
    guard options.usesSync else { return nil }
    if let asked = options.sync { return asked }
    let script = try reading { () throws(NWBError) in try reader.sourceScript() }
    guard let script else {
      notes.append("the file does not hold its session: --sync BUFFER:CHANNEL names a sync line")
      return nil
    }
    guard let sync = Session.settings(in: script).stimulator?.sync else {
      notes.append("the session names no sync line: --sync BUFFER:CHANNEL names one")
      return nil
    }
    return SyncChannel(buffer: sync.buffer, channel: sync.channel)
  }

  // MARK: - The stimulator

  private mutating func refine(
    _ stream: StreamTimeline, by channel: SyncChannel?, in reader: borrowing RecordingReader,
    _ series: [RecordingReader.Series], _ invalid: [InvalidFrames]
  ) throws(AlignmentError) {
    var sync: SyncRefinement?
    if let channel {
      sync = try refinement(by: channel, in: reader, series, invalid, stream)
    }
    let edges = Dictionary(
      (sync?.edges ?? []).map { ($0.streamSample, $0.residual) }, uniquingKeysWith: { $1 })
    content.edges = sync?.edges ?? []
    content.onsets = changes.map { change in
      let sample = change.streamSample
      let onset =
        sync?.onset(of: sample) ?? reference.onset(of: sample, in: stream.map(for: sample))
      return .init(
        onset: onset.seconds, uncertainty: onset.uncertainty, basis: OnsetBasis(onset.basis),
        residual: onset.basis == .syncEdges ? edges[sample] : nil)
    }
    add(stream, sync)
    let uncertainties = content.onsets.map(\.uncertainty)
    let moves = zip(content.onsets, changes).map { $0.onset - $1.onset }
    quality.onsets = .init(
      count: changes.count, bySyncEdges: content.onsets.count { $0.basis == .syncEdge },
      medianUncertainty: uncertainties.median, worstUncertainty: uncertainties.max() ?? 0,
      medianMove: moves.median, worstMove: moves.map(abs).max() ?? 0)
  }

  private mutating func refinement(
    by channel: SyncChannel, in reader: borrowing RecordingReader,
    _ series: [RecordingReader.Series], _ invalid: [InvalidFrames], _ stream: StreamTimeline
  ) throws(AlignmentError) -> SyncRefinement {
    guard let own = series.first(where: { $0.name == channel.buffer }),
      channel.channel < own.channels
    else {
      throw .noSuchChannel(
        channel,
        available: series.map { "\($0.name):0" + ($0.channels > 1 ? "…\($0.channels - 1)" : "") })
    }
    guard let circuit = ([reference] + others).first(where: { $0.name == own.comments["device"] })
    else { throw .noReadings(clock: own.comments["device"] ?? "the circuit of \(own.name)") }
    guard stream.rate >= 1000, stream.rate.truncatingRemainder(dividingBy: 1000) == 0 else {
      throw .nothingToAlign("a sync line at \(stream.rate) output samples a second is not known")
    }
    let reader = try SyncLineReader(channel, in: reader, own, invalid)
    let line = RecordedLine(reader.edges, in: own, invalid)
    let found: SyncRefinement
    do throws(SyncError) {
      found = try SyncRefinement(
        by: line, changes: changes.map(\.streamSample), stream: stream, circuit: circuit,
        reference: reference)
    } catch {
      throw .sync(channel, error)
    }
    quality.sync = .init(channel, joining: found.reports)
    noteDoubts(of: stream, circuit)
    return found
  }

  /// Says what a person should look at before believing the match.
  private mutating func noteDoubts(of stream: StreamTimeline, _ circuit: CircuitTimeline) {
    guard let sync = quality.sync else { return }
    let middle = circuit.onset(of: stream.end / 2, in: stream.map(for: stream.end / 2))
    if abs(sync.offset) > middle.uncertainty + 1 / circuit.rate {
      quality.sync?.isShifted = true
      quality.notes.append(
        "sync line \(sync.channel): it is \(milliseconds(sync.offset)) ms from where the clocks' "
          + "readings say, which is more than they allow: is the line delayed, or another "
          + "stimulator's?")
    }
    if 2 * sync.runnerUp > sync.matched {
      quality.notes.append(
        "sync line \(sync.channel): shifted by another amount, \(sync.runnerUp) edges would match "
          + "as well (\(sync.matched) do): the clocks' readings have decided")
    }
  }

  private mutating func add(_ stream: StreamTimeline, _ sync: SyncRefinement?) {
    var knots: [AlignmentContent.Knot] = []
    func add(_ sample: Int64, _ onset: Onset, segment: Int) {
      knots.append(
        .init(
          sample: sample, time: onset.seconds,
          hostTime: hostTime(reference.host(atSeconds: onset.seconds).time),
          uncertainty: onset.uncertainty, segment: Int64(segment + 1),
          basis: OnsetBasis(onset.basis)))
    }
    if let sync {
      for (segment, points) in sync.knots.enumerated() {
        for point in points { add(point.sample, point.onset, segment: segment) }
      }
    } else {
      for (segment, map) in stream.maps.enumerated() {
        for point in map.table {
          add(point.sample, reference.onset(of: point.sample, in: map), segment: segment)
        }
      }
    }
    content.clocks.append(
      .init(
        name: stream.name,
        description: "The output stream of \(stream.name), \(stream.rate) samples a second, on the "
          + "recording clock.", knots: knots))
    rate(stream.name, .stimulator, stream.maps, stream.quality, knots)
  }

  // MARK: - Circuits

  private mutating func addCircuits() {
    for circuit in [reference] + others {
      let isReference = circuit.name == reference.name
      var knots: [AlignmentContent.Knot] = []
      for (segment, map) in circuit.maps.enumerated() {
        for (sample, host) in map.table {
          let seconds = circuit.start + Double(sample) / circuit.rate
          var time = Onset(
            seconds: seconds, uncertainty: Double(host.uncertainty) * 1e-9, basis: map.basis)
          if !isReference {
            let other = reference.seconds(atHost: host.time)
            time.seconds = other.seconds
            time.uncertainty += other.uncertainty
            time.basis = min(time.basis, other.basis)
          }
          knots.append(
            .init(
              sample: sample, time: time.seconds, hostTime: hostTime(host.time),
              uncertainty: time.uncertainty, segment: Int64(segment + 1),
              basis: OnsetBasis(time.basis)))
        }
      }
      content.clocks.append(
        .init(
          name: circuit.name,
          description: "The clock of circuit \(circuit.name), \(circuit.rate) frames of its first "
            + "series a second, "
            + (isReference
              ? "which is the recording clock, against the host's." : "on the recording clock."),
          knots: knots))
      rate(
        circuit.name, isReference ? .reference : .circuit, circuit.maps, circuit.quality, knots)
    }
    // As the file lists them.
    content.clocks.sort { $0.name < $1.name }
  }

  private mutating func rate(
    _ name: String, _ role: AlignmentQuality.Clock.Role, _ maps: [ClockMap],
    _ read: (medianBracket: Nanoseconds, readings: Int), _ knots: [AlignmentContent.Knot]
  ) {
    let uncertainties = knots.map(\.uncertainty)
    quality.clocks.append(
      .init(
        name: name, role: role, readings: read.readings, segments: maps.count,
        medianBracket: Double(read.medianBracket) * 1e-9, drift: -(maps.last?.drift ?? 0) * 1e6,
        medianUncertainty: uncertainties.median, worstUncertainty: uncertainties.max() ?? 0))
  }

  private func hostTime(_ time: Nanoseconds) -> Double { Double(time - origin) * 1e-9 }

  private var description: String {
    guard let sync = quality.sync else {
      return "Clocks and onsets refined after the recording by daqrec align, from the readings of "
        + "the clocks."
    }
    return "Clocks and onsets refined after the recording by daqrec align, from the readings of "
      + "the clocks and the sync line of \(sync.channel.buffer), channel \(sync.channel.channel): "
      + "\(sync.matched) of \(sync.pulses) pulses matched, "
      + "\(sync.outliers) outliers, residuals of SD \(sync.residualDeviation) s."
  }
}

extension OnsetBasis {
  init(_ basis: ClockMap.Basis) {
    switch basis {
    case .nominalRate: self = .nominalRates
    case .readings: self = .clockMap
    case .syncEdges: self = .syncEdge
    }
  }
}
