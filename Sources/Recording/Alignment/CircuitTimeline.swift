import Clocks
import NWB
import Samples

/// A circuit's sample clock after the fact: its seconds, which run at its nominal rate, against the
/// host's clock.
///
/// The seconds of the reference circuit are the recording clock.
struct CircuitTimeline {
  let name: String
  /// Frames of the circuit's first series a second, nominally.
  let rate: Double
  /// Seconds at frame 0 of that series.
  let start: Double
  /// A map for each segment, in order; at least one.
  let maps: [ClockMap]
  /// Brackets that are half as wide as this or less, and readings used.
  let quality: (medianBracket: Nanoseconds, readings: Int)

  /// The circuit's seconds at a host time.
  func seconds(atHost time: Nanoseconds) -> Onset { clock(atHost: time).time(at: time) }

  /// The host time of the circuit's seconds.
  func host(atSeconds seconds: Double) -> MappedTime {
    let frame = (seconds - start) * rate
    let whole = frame.rounded(.down)
    let map = maps.map(for: Int64(whole)) ?? maps[0]
    var time = map.time(of: Int64(whole))
    time.time += Nanoseconds(((frame - whole) / rate * 1e9).rounded())
    return time
  }

  /// When a sample of a stream happens, in the circuit's seconds, with both half widths.
  func onset(of sample: Int64, in stream: ClockMap) -> Onset {
    clock(atHost: stream.time(of: sample).time).onset(of: sample, in: stream)
  }

  /// An instant in this circuit's seconds on another circuit's clock, with both half widths more.
  func converted(_ onset: Onset, to other: CircuitTimeline) -> Onset {
    guard other.name != name else { return onset }
    let host = host(atSeconds: onset.seconds)
    var converted = other.seconds(atHost: host.time)
    converted.uncertainty += onset.uncertainty + Double(host.uncertainty) * 1e-9
    converted.basis = onset.basis
    return converted
  }

  private func clock(atHost time: Nanoseconds) -> RecordingClock {
    var map = maps[0]
    for next in maps.dropFirst() where next.time(of: next.samples.lowerBound).time <= time {
      map = next
    }
    return RecordingClock(map: map, reference: .init(sample: 0, seconds: start))
  }
}

extension CircuitTimeline {
  /// Fits the clock of a circuit to its stored readings.
  ///
  /// - Throws: ``AlignmentError/noReadings(clock:)`` without any that is one.
  init(
    ofCircuit name: String, in reader: borrowing RecordingReader,
    _ series: [RecordingReader.Series], _ invalid: [InvalidFrames]
  ) throws(AlignmentError) {
    let stored = try reading { () throws(NWBError) in try reader.readings(ofCircuit: name) }
    // The first series of the circuit counts its clock.
    let counter = stored.buffers.lazy.compactMap { buffer in series.first { $0.name == buffer } }
      .first
    guard let counter, counter.rate > 0 else { throw .noReadings(clock: name) }
    var segments: [[ClockReading]] = [[]]
    var breaks = invalid.breaks(of: counter.name)[...]
    var widths: [Nanoseconds] = []
    for row in stored.samples.indices where stored.samples[row] >= 0 {
      if let next = breaks.first, stored.samples[row] >= next {
        segments.append([])
        breaks = breaks.drop { $0 <= stored.samples[row] }
      }
      let bracket = Bracket(before: stored.before[row], after: stored.after[row])
      segments[segments.count - 1].append(
        ClockReading(stored: stored.samples[row], together: counter.framesTogether, in: bracket))
      widths.append(bracket.after - bracket.before)
    }
    let maps = segments.flatMap { ClockMap.fitted(to: $0, rate: counter.rate) }
    guard !maps.isEmpty else { throw .noReadings(clock: name) }
    self.init(
      name: name, rate: counter.rate, start: counter.startingTime, maps: maps,
      quality: (widths.median, widths.count))
  }
}

extension RecordingReader.Series {
  /// Frames that the device stores at once: those of a slot that holds successive times.
  fileprivate var framesTogether: Int {
    guard let source = comments["src_type"].flatMap(SourceType.init(rawValue:)) else { return 1 }
    let layout = comments["layout"].flatMap(SlotLayout.init(rawValue:)) ?? .channels
    return SlotFormat(
      source: source, destination: .float64, channels: channels, layout: layout
    ).framesPerUnit
  }
}

extension [InvalidFrames] {
  /// The frames at which a series goes on at a place that the clock chose: what was lost before
  /// them has no exact length, as that of an overrun has.
  func breaks(of series: String) -> [Int64] {
    let reasons = ["stall", "reset", "clock", "gate"]
    return filter { $0.series == series && reasons.contains($0.reason) }
      .map(\.frames.upperBound).sorted()
  }
}

extension [Nanoseconds] {
  /// 0 for none.
  var median: Nanoseconds { isEmpty ? 0 : sorted()[(count - 1) / 2] }
}
