import Clocks
import Devices

/// The state of a simulated stimulator, advanced to a time by whoever looks at it.
struct StimulatorCore: Sendable {
  /// Why the device refuses to stimulate until it is armed again.
  enum Lock: Sendable {
    case emergencyStop
    case heartbeat
    case overCurrent
  }

  struct Arming: Sendable {
    let queueMilliseconds: Int
    let timeToLive: Nanoseconds
  }

  enum Happening: Sendable {
    case fault(StimulatorFault.Kind)
    case linkReturns
  }

  let name: String
  let settings: StimulatorSimulation
  private let opened: Nanoseconds
  private(set) var time: Nanoseconds
  private(set) var oscillator: Oscillator
  var setup: StimulatorSetup?
  var mode = StimulusMode.current
  var lanes: [OutputLane]
  /// The host's loop that keeps the device's rings half full.
  var isLooping = false
  var arming: Arming?
  var lock: Lock?
  /// When the host was last heard.
  var lastHeard: Nanoseconds
  var hadUnderrun = false
  private var agenda: [(time: Nanoseconds, what: Happening)] = []
  /// The link is down before this host time.
  private(set) var downUntil = Nanoseconds.min
  /// Faults that wait for the call they befall.
  var pendingDelay: Nanoseconds = 0
  var pendingError = false

  init(name: String, settings: StimulatorSimulation, at time: Nanoseconds) {
    self.name = name
    self.settings = settings
    opened = time
    self.time = time
    lastHeard = time
    oscillator = Self.oscillator(settings, rate: 50_000, origin: time)
    lanes = Array(repeating: OutputLane(), count: settings.channels)
    agenda = settings.faults.compactMap { fault in
      fault.at.map { (time + Self.nanoseconds($0), .fault(fault.kind)) }
    }.sorted { $0.time < $1.time }
  }

  private static func oscillator(
    _ settings: StimulatorSimulation, rate: Double, origin: Nanoseconds
  ) -> Oscillator {
    Oscillator(
      rate: rate, partsPerMillion: settings.partsPerMillion,
      driftPerHour: settings.driftPerHour, wander: settings.wander, origin: origin,
      seed: seed(settings.seed, for: "stimulator"))
  }

  private static func nanoseconds(_ seconds: Double) -> Nanoseconds {
    Nanoseconds(min(max(0, seconds), 1e9) * 1e9)
  }

  var rate: Double { oscillator.rate }
  /// Samples of 1 ms, in which the device moves data.
  var slice: Int64 { Int64(rate / 1000) }
  var isLinked: Bool { time >= downUntil }
  var isRunning: Bool { lanes.contains { $0.isRunning } }

  /// Codes of 1 mA or 1 mV.
  var codesPerUnit: Double {
    let step = Double(1 << (16 - settings.dacBits))
    return mode == .current
      ? step * 1e6 / settings.resolutionNanoamperes : step * 1e3 / settings.resolutionMicrovolts
  }

  /// What the device puts out for a code: its low bits are cut off.
  func truncated(_ code: Int16) -> Int16 { code & ~(1 << Int16(16 - settings.dacBits) - 1) }

  func error(_ call: String, _ code: DeviceError.Code, _ message: String) -> DeviceError {
    DeviceError(device: name, call: call, code: code, message: message)
  }

  /// Forgets the streams; samples are counted from 0 again.
  mutating func clear(rate: Double) {
    oscillator = Self.oscillator(settings, rate: rate, origin: opened)
    for channel in lanes.indices {
      let old = lanes[channel]
      lanes[channel] = OutputLane()
      lanes[channel].code = old.code
      lanes[channel].syncLevel = old.syncLevel
      lanes[channel].limits = old.limits
    }
    isLooping = false
    hadUnderrun = false
  }

  // MARK: - Time

  /// Plays until a host time, with whatever happens on the way.
  mutating func advance(to target: Nanoseconds, _ truth: inout OutputTruth) {
    guard target > time else { return }
    while let (next, what) = nextHappening(until: target) {
      play(to: next, &truth)
      time = max(time, next)
      if let what {
        agenda.removeFirst()
        happen(what, &truth)
      } else {
        // Nobody was heard for the time to live: what is queued still leaves, then silence.
        lock = .heartbeat
        arming = nil
        drain(channels: lanes.indices, &truth)
      }
    }
    play(to: target, &truth)
    time = target
  }

  /// The next event, or nil for the end of the time to live.
  private func nextHappening(
    until target: Nanoseconds
  ) -> (time: Nanoseconds, what: Happening?)? {
    let end = arming.map { lastHeard + $0.timeToLive }
    if let next = agenda.first, next.time <= target, next.time <= end ?? .max {
      return (next.time, next.what)
    }
    guard let end, end < target else { return nil }
    return (end, nil)
  }

  private mutating func happen(_ what: Happening, _ truth: inout OutputTruth) {
    switch what {
    case .linkReturns: break
    case .fault(let kind): befall(kind, &truth)
    }
  }

  mutating func befall(_ fault: StimulatorFault.Kind, _ truth: inout OutputTruth) {
    switch fault {
    case .latency(let seconds): pendingDelay += Self.nanoseconds(seconds)
    case .error: pendingError = true
    case .disconnect(let seconds):
      let end = time + Self.nanoseconds(seconds)
      downUntil = max(downUntil, seconds == .infinity ? .max : end)
      if seconds < 1e9 {
        let place = agenda.firstIndex { $0.time > end } ?? agenda.endIndex
        agenda.insert((end, .linkReturns), at: place)
      }
    case .underrun: starve(&truth)
    case .overCurrent:
      silence(channels: lanes.indices, &truth)
      lock = .overCurrent
      arming = nil
    }
  }

  // MARK: - Counters

  /// Stream samples that have left every started channel, in whole slices.
  var framesDone: Int64 {
    (lanes.lazy.filter(\.hasStarted).map(\.done).min() ?? 0) / slice * slice
  }

  /// Samples in the device's ring of a channel, as of the last slice.
  func framesBuffered(_ channel: Int) -> Int {
    let lane = lanes[channel]
    return Int(max(0, lane.pulled - lane.done / slice * slice))
  }

  func hostTime(ofStreamFrame frame: Int64, channel: Int) -> Nanoseconds? {
    guard lanes.indices.contains(channel), frame >= 0, frame < lanes[channel].played,
      let segment = lanes[channel].segments.last(where: { $0.stream <= frame })
    else { return nil }
    return oscillator.time(ofTick: segment.device + frame - segment.stream)
  }
}
