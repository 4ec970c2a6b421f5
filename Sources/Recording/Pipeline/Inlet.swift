import Clocks
import NWB
import Samples
import Synchronization

/// What a session notes beside its samples. Times are seconds on the recording clock.
enum Record: Sendable {
  /// A line of the recorder's log.
  case log(LogKind, String, time: Double)
  /// One poll's reading of a circuit's clock.
  case circuitClock(circuit: Int, CircuitReading)
  /// One feed's reading of the stimulator's output stream.
  case stimulatorClock(StreamReading)
  /// An exchange with a device behind a link, by its number in the file.
  case exchange(link: Int, LinkClock.Exchange, time: Double)
  /// A signal change that is queued.
  case change(SignalChange)
  /// Stamps of an event buffer.
  case stamps(buffer: Int, [Stamp])
  /// A watched tag that took another value.
  case tag(name: String, value: Double, time: Double)
  /// A trial that has ended.
  case trial(Trial)
  /// A trial that was acquired from a buffer: frames of its series.
  case epoch(series: Int, Range<Int64>)
  /// The time of a series' sample 0 is known.
  case startingTime(series: Int, seconds: Double)
}

/// One reading of a circuit's clock: the frames stored by a moment between two host times.
struct CircuitReading: Sendable {
  /// Frames of the circuit's first buffer, continued over segments; −1 when the position disagreed
  /// with the clock, so that it says nothing of it.
  var sample: Int64
  var bracket: Bracket
  /// Raw, of each buffer, in session order.
  var positions: [RingPosition]
  /// On the recording clock.
  var time: Double
}

/// One reading of the stimulator's stream.
struct StreamReading: Sendable {
  var framesDone: Int64
  var framesBuffered: [Int64]
  var bracket: Bracket
  var time: Double
}

struct Stamp: Sendable {
  var time: Double
  var tick: Int64
}

/// One presentation.
struct Trial: Sendable {
  var start: Double
  var stop: Double
  var firstSample: Int64
  var samples: Int64
  /// By declared column.
  var values: [String: TrialValue]
}

/// Where everything crosses to the file writer: a lane of samples for each buffer, which waits when
/// it is full, and one lane of records, which never waits.
final class Inlet: Sendable {
  /// Records that may wait; beyond it something is wrong with the disk for minutes.
  static let mostRecords = 100_000

  private struct State {
    var records: [Record] = []
    var hasOverflowed = false
  }

  /// Signalled when the writer should look soon.
  let work: any Gate
  private let state = Mutex(State())
  private let whenFull: @Sendable () -> Void

  /// `whenFull`: called once, from the posting thread, when records are being lost.
  init(timekeeper: any Timekeeper, whenFull: @escaping @Sendable () -> Void) {
    work = timekeeper.makeGate()
    self.whenFull = whenFull
  }

  /// Queues a record; never blocks.
  func post(_ record: Record) {
    let overflows = state.withLock { state -> Bool in
      guard state.records.count < Self.mostRecords else {
        defer { state.hasOverflowed = true }
        return !state.hasOverflowed
      }
      state.records.append(record)
      return false
    }
    if overflows { whenFull() }
  }

  func log(_ kind: LogKind, _ text: String, at time: Double) {
    post(.log(kind, text, time: time))
  }

  /// Exchanges the queue for an empty one whose memory is reused.
  func drain(into records: inout [Record]) {
    records.removeAll(keepingCapacity: true)
    state.withLock { swap(&$0.records, &records) }
  }
}
