public import Samples

/// What a session asks of a simulated circuit (`simulate`): values only; the simulator makes them.
public struct CircuitSimulation: Sendable {
  /// Ticks a second, any positive number.
  public var rate = 24414.0625
  /// Parts per million by which the circuit's clock is fast against the host's.
  public var partsPerMillion = 0.0
  /// Change of that error, ppm an hour, and its slow random wander (SD of a minute's mean), ppm.
  public var driftPerHour = 0.0
  public var wander = 0.0
  /// Host seconds that pass in one second of real time; infinity: virtual time.
  public var speed = 1.0
  public var seed: UInt64 = 1
  public var latency = LatencyModel.optical
  /// What each store writes, by data tag.
  public var signals: [String: SignalModel] = [:]
  public var faults: [CircuitFault] = []
  /// What a code beyond the type becomes.
  public var overflow = SlotEncoder.Overflow.saturate

  public init() {}
}

public enum LatencyModel: String, Sendable, CaseIterable {
  /// 0.25 ms a scalar, 0.4 ms + bytes / 10 MB/s a buffer; log-normal jitter, 1 % outliers.
  case optical
  /// 1.5 ms a call, 2–4 ms a trigger.
  case usb
  /// Every call returns at once.
  case none
}

/// The value a simulated store takes at a tick, in the units of code / sf.
public indirect enum SignalModel: Sendable {
  /// The code (n + 1000 · channel) wrapped to the store's type, n being the frame: loss and
  /// reordering are visible in the data itself. float32: n modulo 2^20, plus 1000 · channel.
  case counter
  /// A sine per channel: amplitude, Hz, and the phase step between channels in periods.
  case sine(amplitude: Double, frequency: Double, phaseStep: Double)
  /// AR(1) noise of the given standard deviation, a pure function of seed, channel and frame.
  case noise(deviation: Double, correlation: Double)
  /// Spikes: biphasic template of the given peak at a mean rate (Hz) per channel, over white noise.
  case spikes(amplitude: Double, rate: Double, noise: Double)
  /// A stored array [frame, channel], frame by frame since the store began by its gate, times
  /// `scale`; then zeros, or again.
  case playback(path: String, scale: Double, loop: Bool)
  /// What the stimulator's channel really put out (mA or mV), rectified, through a gain, a latency
  /// and an alpha function t/τ · exp(1 − t/τ) of unit peak for an impulse of 1 mA · ms.
  case evoked(stimulusChannel: Int, gain: Double, latency: Double, timeConstant: Double)
  /// The output itself, in mA or mV: a digital loop-back.
  case output(stimulusChannel: Int)
  /// The sync output of a stimulator channel: `level` while high, else 0.
  case sync(output: Int, level: Double)
  /// What an output buffer of the same circuit plays.
  case playedBy(dataTag: String)
  /// Tick stamps (`kind: events`): a stamp each `period` ticks.
  case stamps(period: Int)
  /// The sum of several.
  case sum([SignalModel])
  /// Another model on one channel, the first on the rest.
  case channel(Int, SignalModel, else: SignalModel)
}

/// A scripted fault of a simulated circuit, at a host time after `run`, or by chance at each poll.
public struct CircuitFault: Sendable {
  public enum Kind: Sendable, Equatable {
    /// The next call takes this many seconds longer.
    case latency(seconds: Double)
    /// The next call fails.
    case error
    /// Every call fails for this many seconds; the circuit goes on. Infinity: for good.
    case disconnect(seconds: Double)
    /// The next position pair is torn: index wrapped, cycle not yet counted, or the reverse.
    case torn
    /// Index and store stand still for this many seconds, then go on where they stopped.
    case stall(seconds: Double)
    /// Index and cycle return to 0 and the circuit goes on.
    case reset
    /// The circuit halts.
    case halt
    /// The next transfer takes so long that the ring is lapped this many times meanwhile.
    case lap(times: Double)
    /// A scalar tag takes another value (a changed `sf`, size, gain).
    case setTag(name: String, value: Double)
  }

  public var kind: Kind
  /// Seconds after `run`; nil: by `probability`.
  public var at: Double?
  /// Chance at each poll.
  public var probability: Double

  public init(kind: Kind, at: Double?, probability: Double = 0) {
    self.kind = kind
    self.at = at
    self.probability = probability
  }
}

/// What a session asks of a simulated stimulator.
public struct StimulatorSimulation: Sendable {
  public var partsPerMillion = 0.0
  public var driftPerHour = 0.0
  public var wander = 0.0
  public var seed: UInt64 = 1
  public var latency = LatencyModel.usb
  public var faults: [StimulatorFault] = []
  public var channels = 8
  public var dacBits = 14
  /// Full scale and one step, nA and µV.
  public var rangeNanoamperes = 16_000_000.0
  public var resolutionNanoamperes = 2000.0
  public var rangeMicrovolts = 8_000_000.0
  public var resolutionMicrovolts = 1000.0
  public var memoryBytes = 128 << 20

  public init() {}
}

public struct StimulatorFault: Sendable {
  public enum Kind: Sendable, Equatable {
    case latency(seconds: Double)
    case error
    case disconnect(seconds: Double)
    case underrun
    case overCurrent
  }

  public var kind: Kind
  /// Seconds after the device was opened; nil: by `probability` at each feed.
  public var at: Double?
  public var probability: Double

  public init(kind: Kind, at: Double?, probability: Double = 0) {
    self.kind = kind
    self.at = at
    self.probability = probability
  }
}
