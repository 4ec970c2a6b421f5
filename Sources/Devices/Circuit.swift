public import Clocks
public import Samples

/// A tag of a circuit, as the device lists it.
public struct TagInfo: Sendable, Equatable {
  public let name: String
  public let type: TagType
  /// 1 for a scalar, the maximum number of slots for a buffer, 0 for an error of the device.
  public let size: Int

  public init(name: String, type: TagType, size: Int) {
    self.name = name
    self.type = type
    self.size = size
  }
}

/// The numbers of `RPco.X.GetTagType`.
public enum TagType: Int, Sendable {
  case buffer = 68
  case integer = 73
  case float = 83
  case logic = 76
  case coefficient = 80
  case latch = 65
  case absent = 0

  /// Whether a tag of this type holds one number.
  var isScalar: Bool {
    switch self {
    case .integer, .float, .logic, .latch: true
    case .buffer, .coefficient, .absent: false
    }
  }
}

/// The bits of `RPco.X.GetStatus`.
public struct CircuitStatus: OptionSet, Sendable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  public static let connected = CircuitStatus(rawValue: 1)
  public static let loaded = CircuitStatus(rawValue: 2)
  public static let running = CircuitStatus(rawValue: 4)
}

/// A trigger line of a processor or its rack.
public enum Trigger: Sendable, Equatable {
  /// A software trigger, 1 … 10.
  case software(Int)
  case zBusA
  case zBusB
}

public enum TriggerMode: String, Sendable {
  case pulse
  case high
  case low
}

/// The tags that make a ring of slots readable.
public struct RingTags: Sendable, Equatable {
  public let data: String
  public let index: String
  /// nil: index-only mode, laps cannot be seen.
  public let cycle: String?

  public init(data: String, index: String, cycle: String?) {
    self.data = data
    self.index = index
    self.cycle = cycle
  }
}

/// One poll of a circuit: what is asked and, after ``Circuit/poll(_:)``, what was found.
///
/// The caller keeps and reuses it: a poll allocates nothing.
public struct Poll {
  /// One ring's part of a poll.
  public struct Ring {
    public let tags: RingTags
    /// Slots of the ring as it is now.
    public var size: Int
    /// The first slot wanted, counted from the circuit's start. Without a cycle tag only
    /// `from % size` counts.
    public var from: Int64
    /// Where the words go. The most that is read is its count.
    public var destination: UnsafeMutableBufferPointer<UInt32>

    /// The position before the transfer.
    public var first = RingPosition(cycle: 0, index: 0)
    /// The position after the transfer: slots before `second − size` may have been overwritten
    /// while they travelled.
    public var second = RingPosition(cycle: 0, index: 0)
    /// The first slot delivered: max(`from`, first − size). Without a cycle tag, `from`.
    public var start: Int64 = 0
    /// Slots delivered; 0 when `from` is ahead of the position.
    public var count = 0

    public init(
      tags: RingTags, size: Int, from: Int64 = 0,
      destination: UnsafeMutableBufferPointer<UInt32>
    ) {
      self.tags = tags
      self.size = size
      self.from = from
      self.destination = destination
    }
  }

  /// The software trigger (1 … 10) whose rising edge latches every position, or nil: each is read
  /// cycle, index, cycle until both cycles agree.
  public let latch: Int?
  public var rings: [Ring]
  /// Scalar tags to read along.
  public let tags: [String]
  /// How long the answer may take before the device counts as silent, in nanoseconds: what is
  /// still in the rings when it is given up is what a new link can save.
  public var patience: Nanoseconds = 3_000_000_000

  /// Around the first latch, host clock; without one, around the reading of all first positions.
  public var firstLatch = Bracket(before: 0, after: 0)
  /// Around the second latch.
  public var secondLatch = Bracket(before: 0, after: 0)
  /// The value of each of `tags`, at float32 precision as it travels.
  public var values: [Float]

  public init(latch: Int?, rings: [Ring], tags: [String] = []) {
    self.latch = latch
    self.rings = rings
    self.tags = tags
    self.values = [Float](repeating: 0, count: tags.count)
  }
}

/// A signal processor with a circuit loaded.
///
/// Owned by one thread; every call blocks until the device has answered. Opening makes the object:
/// the circuit is halted, cleared and loaded, and both zBUS triggers are low.
public protocol Circuit: AnyObject {
  /// Model, serial number or address, for messages and the file.
  var deviceDescription: String { get }

  /// Ticks a second, nominal.
  var rate: Double { get }

  /// Every tag whose name does not begin with `%`.
  var tags: [TagInfo] { get }

  /// Runs the circuit and returns when it has settled.
  func run() throws(DeviceError)

  /// Stops the circuit; harmless when it is not running.
  func halt() throws(DeviceError)

  /// Status bits, and the share of a tick used in percent.
  func health() throws(DeviceError) -> (status: CircuitStatus, cycleUsage: Int)

  /// Scalar values, at float32 precision. Not-a-number where the device has none.
  func values(of tags: [String]) throws(DeviceError) -> [Float]

  /// Sets a scalar tag.
  func set(_ tag: String, to value: Float) throws(DeviceError)

  /// Fires or sets a trigger.
  @discardableResult
  func fire(_ trigger: Trigger, mode: TriggerMode) throws(DeviceError) -> Bracket

  /// Latch, positions, transfer, latch, positions again: one round trip.
  func poll(_ poll: inout Poll) throws(DeviceError)

  /// Writes words into a ring from an absolute slot on, wrapping at `size`.
  ///
  /// - Returns: the device's position just after, and the call's bracket.
  func write(
    _ words: UnsafeBufferPointer<UInt32>, to ring: RingTags, size: Int, from: Int64
  ) throws(DeviceError) -> (position: RingPosition, bracket: Bracket)

  /// Finds the device again after ``DeviceError/Code/disconnected`` without loading or halting it.
  func reconnect() throws(DeviceError)

  /// Halts and lets go of the device; harmless when called twice.
  func close()
}
