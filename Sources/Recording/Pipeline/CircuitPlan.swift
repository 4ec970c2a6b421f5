import Devices

/// What one circuit's acquirer is to do, as compiled from the session.
struct CircuitPlan: Sendable {
  struct Buffer: Sendable {
    enum Kind: Sendable {
      /// The number of the session's series it becomes.
      case samples(series: Int)
      /// The number of the session's event table it becomes.
      case events(table: Int)
    }

    var request: BufferRequest
    var kind: Kind
    var stopsOnOverrun = false
  }

  var name: String
  /// Opens the device, on the thread that will own it.
  var open: @Sendable (LinkReports) throws -> any Circuit
  /// The software trigger that latches every position; nil: none does.
  var latch: Int?
  /// Seconds between polls; nil: chosen from the buffers.
  var pollInterval: Double?
  var buffers: [Buffer] = []
  var outputs: [OutputPlan] = []
  /// Set after loading, before running.
  var tags: [(name: String, value: Double)] = []
  var watchedTags: [String] = []
  var startTrigger: Trigger?
  /// The trials to be acquired from one of the buffers; nil: all is read all the time.
  var epochs: EpochRequest?
  /// Whether this is the circuit whose sample clock is the recording clock.
  var isReference = false
  /// The number of the circuit in the session.
  var number = 0
}

/// A circuit that is open and looked at, not yet running.
struct OpenedCircuit: Sendable {
  var deviceDescription: String
  var rate: Double
  var tags: [TagInfo]
  /// In the order of the plan's buffers.
  var buffers: [BufferAttributes]
  /// In the order of the plan's outputs.
  var outputs: [BufferAttributes] = []
  var status: CircuitStatus
  /// Percent of a tick.
  var cycleUsage: Int
}
