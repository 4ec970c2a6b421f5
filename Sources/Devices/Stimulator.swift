public import Clocks
public import Samples

/// What a stimulator says of itself when it is opened.
public struct StimulatorInfo: Sendable, Equatable {
  public var name: String
  public var serial: String
  public var version: String
  public var dacBits: Int
  public var channels: Int
  public var triggers: Int
  /// Full scale of each channel, nA and µV.
  public var rangeNanoamperes: [Double]
  public var rangeMicrovolts: [Double]
  /// One DAC step of each channel, nA and µV.
  public var resolutionNanoamperes: [Double]
  public var resolutionMicrovolts: [Double]
  /// Memory of the device that its triggers share, bytes.
  public var memoryBytes: Int

  public init(
    name: String, serial: String, version: String, dacBits: Int, channels: Int, triggers: Int,
    rangeNanoamperes: [Double], rangeMicrovolts: [Double],
    resolutionNanoamperes: [Double], resolutionMicrovolts: [Double], memoryBytes: Int
  ) {
    self.name = name
    self.serial = serial
    self.version = version
    self.dacBits = dacBits
    self.channels = channels
    self.triggers = triggers
    self.rangeNanoamperes = rangeNanoamperes
    self.rangeMicrovolts = rangeMicrovolts
    self.resolutionNanoamperes = resolutionNanoamperes
    self.resolutionMicrovolts = resolutionMicrovolts
    self.memoryBytes = memoryBytes
  }
}

/// What the amplitudes of a stimulator are.
public enum StimulusMode: String, Sendable, CaseIterable {
  /// Milliamperes.
  case current
  /// Millivolts.
  case voltage
}

/// How an idle stimulator is set up for streaming. Lists have an entry per trigger.
public struct StimulatorSetup: Sendable, Equatable {
  public var mode: StimulusMode
  /// Output samples a second and channel, 50 000 or 10 000.
  public var rate: Double
  /// The device's ring of each trigger, bytes.
  public var capacityBytes: [Int]
  /// The host's ring, samples per channel.
  public var ringSamples: Int
  /// Bit maps: which channels, sync outputs and digital outputs each trigger starts.
  public var channelMap: [UInt32]
  public var syncMap: [UInt32]
  public var digitalMap: [UInt32]
  /// Triggers that start by themselves, 0 or 1 each.
  public var autostart: [UInt32]
  /// Fill of a trigger's ring below which the device asks for more, percent.
  public var callbackPercent: Int
  /// true: a starved output is zero; false: its trigger stops.
  public var continuous: Bool

  public init(
    mode: StimulusMode, rate: Double, capacityBytes: [Int], ringSamples: Int,
    channelMap: [UInt32], syncMap: [UInt32], digitalMap: [UInt32], autostart: [UInt32],
    callbackPercent: Int, continuous: Bool
  ) {
    self.mode = mode
    self.rate = rate
    self.capacityBytes = capacityBytes
    self.ringSamples = ringSamples
    self.channelMap = channelMap
    self.syncMap = syncMap
    self.digitalMap = digitalMap
    self.autostart = autostart
    self.callbackPercent = callbackPercent
    self.continuous = continuous
  }
}

/// One channel's samples in a feed; the caller keeps the memory while the call lasts.
public struct FeedChunk {
  public enum Kind: Sendable {
    /// Codes, signed, at 16-bit full scale.
    case signal
    /// The channel's sync output, 1 while high.
    case sync
  }

  public var channel: Int
  public var kind: Kind
  /// The number of the first sample since the stream began.
  public var from: Int64
  /// Codes, or 0 and 1.
  public var samples: UnsafeBufferPointer<Int16>

  public init(channel: Int, kind: Kind, from: Int64, samples: UnsafeBufferPointer<Int16>) {
    self.channel = channel
    self.kind = kind
    self.from = from
    self.samples = samples
  }
}

/// What a feed did and where the stream is. The caller keeps and reuses it.
public struct FeedReply: Sendable {
  /// Samples taken of each chunk: fewer than offered when the ring or the allowed queue is full.
  public var accepted: [Int] = []
  /// Free samples in the host ring behind each chunk.
  public var space: [Int] = []
  /// Stream samples that have left the device, in whole slices of 1 ms.
  public var framesDone: Int64 = 0
  /// Samples in the device's ring, of each channel.
  public var framesBuffered: [Int] = []
  /// Around the reading of the two, host clock.
  public var bracket = Bracket(before: 0, after: 0)
  /// Whether the readings held still around the call; if not they are no clock reading.
  public var isClockReading = true
  /// Whether either ring ran dry since the last feed.
  public var underrun = false

  public init() {}
}

/// A multichannel current or voltage source that streams from rings.
///
/// Owned by one thread; every call blocks until the device has answered. Nobody can take back what
/// is queued.
public protocol Stimulator: AnyObject {
  var info: StimulatorInfo { get }

  /// Sets the device up for streaming.
  ///
  /// - Returns: what was read back.
  func configure(_ setup: StimulatorSetup) throws(DeviceError) -> StimulatorSetup

  /// Permits stimulation within `limits` (by channel; nil: none are known, which only a simulator
  /// accepts), with at most `queueMilliseconds` queued ahead. A device that hears nothing for
  /// `timeToLiveMilliseconds` stops by itself and stays stopped.
  func arm(
    limits: [SignalLimits?], queueMilliseconds: Int, timeToLiveMilliseconds: Int
  ) throws(DeviceError)

  /// Takes samples into the rings. A chunk's `from` continues what was accepted before: a repeated
  /// part is accepted as 0 samples, a gap is a bad argument.
  func feed(_ chunks: [FeedChunk], _ reply: inout FeedReply) throws(DeviceError)

  /// Starts every trigger whose bit is set; returns around the vendor's call.
  func start(triggers: UInt32) throws(DeviceError) -> Bracket

  /// Stops every trigger whose bit is set: after what is queued, or at once.
  func stop(triggers: UInt32, gracefully: Bool) throws(DeviceError)

  /// Keeps the device's watchdog fed when nothing else is said.
  func heartbeat() throws(DeviceError)

  /// Silence at once, whatever is queued; latched until armed again.
  func emergencyStop() throws(DeviceError)

  /// Stores a signal in the idle device, to run from its own memory when started: amplitudes in
  /// nanoamperes (or microvolts), durations in microseconds on the 20 µs grid, `repeats` ≥ 1.
  func download(
    channel: Int, amplitudes: [Int], durations: [Int], repeats: Int
  ) throws(DeviceError)

  /// Stops, and lets go of the device; harmless when called twice.
  func close()
}
