public import Devices
public import Samples

/// A ring of a simulated circuit: its tags, its memory and when it runs.
public struct SimulatedStore: Sendable {
  public enum Kind: Sendable {
    /// Written by the circuit at every (decimated) tick.
    case samples
    /// Written by the circuit when something happens: tick stamps.
    case events
    /// Written by the host and played by the circuit.
    case output
  }

  /// When a store runs that does not always run.
  public struct Gate: Sendable, Equatable {
    public enum Length: Sendable, Equatable {
      case ticks(Int)
      /// Once through the ring as it is when triggered.
      case ring
      case unlimited
    }

    /// Its rising edge enables the store from the next tick on.
    public var trigger: Trigger
    public var length: Length
    /// Whether index and cycle return to 0 at the trigger.
    public var resetsPosition: Bool

    public init(trigger: Trigger, length: Length, resetsPosition: Bool) {
      self.trigger = trigger
      self.length = length
      self.resetsPosition = resetsPosition
    }
  }

  public var kind: Kind
  public var data: String
  /// nil, here and below: the circuit has no such tag.
  public var index: String?
  public var cycle: String?
  public var size: String?
  public var scaling: String?
  public var decimation: String?
  /// Slots allocated: what `GetTagSize` says.
  public var maximumSlots: Int
  /// Slots of the ring after loading, a whole number of frames.
  public var slots: Int
  public var format: SlotFormat
  public var scalingFactor: Double
  /// Ticks per frame.
  public var ticksPerFrame: Int
  /// nil: runs whenever the circuit does.
  public var gate: Gate?

  /// A store with a data tag and the customary suffixes for the others, which can be changed
  /// afterwards; its ring has `slots` slots, after loading and at most.
  public init(
    _ kind: Kind = .samples, data: String, format: SlotFormat, slots: Int,
    scalingFactor: Double = 1, ticksPerFrame: Int = 1, gate: Gate? = nil
  ) {
    self.kind = kind
    self.data = data
    index = data + "_i"
    cycle = data + "_c"
    size = data + "_n"
    scaling = data + "_sf"
    decimation = data + "_d"
    maximumSlots = slots
    self.slots = slots
    self.format = format
    self.scalingFactor = scalingFactor
    self.ticksPerFrame = ticksPerFrame
    self.gate = gate
  }
}

/// What a simulated circuit does with a scalar tag when a trigger comes: the "running", "complete",
/// toggling and time-stamp tags that experiments wait for.
public struct TagProgram: Sendable, Equatable {
  public enum Change: Sendable, Equatable {
    case none
    case value(Float)
    /// 0 becomes 1, anything else 0.
    case toggle
    /// The number of the tick, as far as a float32 holds it.
    case tick
  }

  public var trigger: Trigger
  public var tag: String
  public var atTrigger: Change
  /// Ticks from the trigger to the second change.
  public var ticks: Int
  public var afterwards: Change

  public init(
    trigger: Trigger, tag: String, atTrigger: Change, ticks: Int, afterwards: Change
  ) {
    self.trigger = trigger
    self.tag = tag
    self.atTrigger = atTrigger
    self.ticks = ticks
    self.afterwards = afterwards
  }
}
