import Clocks
import Devices
import Samples

struct OpenStimulator: Codable {
  var serial: String?
}

struct StimulatorFacts: Codable {
  var name: String
  var serial: String
  var version: String
  var dacBits: Int
  var channels: Int
  var triggers: Int
  var rangeNanoamperes: PerChannel
  var resolutionNanoamperes: PerChannel
  var rangeMicrovolts: PerChannel
  var resolutionMicrovolts: PerChannel
  var memoryBytes: Int

  enum CodingKeys: String, CodingKey {
    case name, serial, version, channels, triggers
    case dacBits = "dac_bits"
    case rangeNanoamperes = "range_nA"
    case resolutionNanoamperes = "resolution_nA"
    case rangeMicrovolts = "range_uV"
    case resolutionMicrovolts = "resolution_uV"
    case memoryBytes = "memory_bytes"
  }

  init(_ info: StimulatorInfo) {
    (name, serial, version) = (info.name, info.serial, info.version)
    (dacBits, channels, triggers) = (info.dacBits, info.channels, info.triggers)
    rangeNanoamperes = PerChannel(info.rangeNanoamperes)
    resolutionNanoamperes = PerChannel(info.resolutionNanoamperes)
    rangeMicrovolts = PerChannel(info.rangeMicrovolts)
    resolutionMicrovolts = PerChannel(info.resolutionMicrovolts)
    memoryBytes = info.memoryBytes
  }

  /// nil: the lists do not fit the channels.
  var info: StimulatorInfo? {
    let lists = [rangeNanoamperes, rangeMicrovolts, resolutionNanoamperes, resolutionMicrovolts]
      .map { $0.expanded(to: channels) }
    guard 1...64 ~= channels, 1...32 ~= triggers, 8...16 ~= dacBits,
      lists.allSatisfy({ $0.count == channels && $0.allSatisfy { $0 > 0 } })
    else { return nil }
    return StimulatorInfo(
      name: name, serial: serial, version: version, dacBits: dacBits, channels: channels,
      triggers: triggers, rangeNanoamperes: lists[0], rangeMicrovolts: lists[1],
      resolutionNanoamperes: lists[2], resolutionMicrovolts: lists[3], memoryBytes: memoryBytes)
  }
}

/// The request of `stg.configure`, and its reply: everything read back.
struct StreamSetup: Codable {
  var mode: String
  var rate: Double
  var capacityBytes: [Int]
  var ringSamples: Int
  var channelMap: [UInt32]
  var syncMap: [UInt32]
  var digitalMap: [UInt32]
  var autostart: [UInt32]
  var callbackPercent: Int
  var continuous: Bool

  enum CodingKeys: String, CodingKey {
    case mode, rate, autostart, continuous
    case capacityBytes = "capacity_bytes"
    case ringSamples = "ring_samples"
    case channelMap = "channel_map"
    case syncMap = "sync_map"
    case digitalMap = "digout_map"
    case callbackPercent = "callback_percent"
  }

  init(_ setup: StimulatorSetup) {
    mode = setup.mode.rawValue
    rate = setup.rate
    capacityBytes = setup.capacityBytes
    ringSamples = setup.ringSamples
    (channelMap, syncMap, digitalMap) = (setup.channelMap, setup.syncMap, setup.digitalMap)
    autostart = setup.autostart
    callbackPercent = setup.callbackPercent
    continuous = setup.continuous
  }

  /// nil: there is no such mode.
  var setup: StimulatorSetup? {
    guard let mode = StimulusMode(rawValue: mode) else { return nil }
    return StimulatorSetup(
      mode: mode, rate: rate, capacityBytes: capacityBytes, ringSamples: ringSamples,
      channelMap: channelMap, syncMap: syncMap, digitalMap: digitalMap, autostart: autostart,
      callbackPercent: callbackPercent, continuous: continuous)
  }
}

struct ArmRequest: Codable {
  /// Of the channels named; of the channel of its place where none are.
  struct Limit: Codable {
    var channels: [Int]?
    var milliamperes: Double?
    var millivolts: Double?
    var phaseCharge: Double?
    var netCharge: Double?

    enum CodingKeys: String, CodingKey {
      case channels
      case milliamperes = "max_mA"
      case millivolts = "max_mV"
      case phaseCharge = "max_charge_nC"
      case netCharge = "max_net_charge_nC"
    }

    init(_ limits: SignalLimits, mode: StimulusMode, channel: Int) {
      channels = [channel]
      milliamperes = mode == .current ? limits.maximumAmplitude : nil
      millivolts = mode == .voltage ? limits.maximumAmplitude : nil
      phaseCharge = limits.maximumPhaseCharge
      netCharge = limits.maximumNetCharge
    }
  }

  var timeToLiveMilliseconds: Int
  var limits: [Limit?]?
  var queueMilliseconds: Int?

  enum CodingKeys: String, CodingKey {
    case limits
    case timeToLiveMilliseconds = "ttl_ms"
    case queueMilliseconds = "queue_max_ms"
  }
}

struct Armed: Codable {
  var token: String?
}

struct StartTriggers: Codable {
  var token: String?
  var triggers: UInt32
}

struct StopTriggers: Codable {
  var triggers: UInt32
  var graceful: Bool?
}

struct FeedRequest: Codable {
  struct Chunk: Codable {
    var channel: Int
    /// signal or sync.
    var kind: String
    /// Absolute sample.
    var from: Int64
    var count: Int
  }

  var token: String?
  var chunks: [Chunk]
}

struct Fed: Codable {
  var accepted: [Int]
  var space: [Int]
  var framesDone: Int64
  var framesBuffered: [Int]
  var at: [Nanoseconds]
  var underrun: Bool
  /// Whether the counters held still around `at`; nil: yes.
  var steady: Bool?

  enum CodingKeys: String, CodingKey {
    case accepted, space, at, underrun, steady
    case framesDone = "frames_done"
    case framesBuffered = "frames_buffered"
  }
}

struct DownloadRequest: Codable {
  var token: String?
  var channel: Int
  var nanoamperes: [Int]?
  var microvolts: [Int]?
  var durations: [Int]
  var repeats: Int

  enum CodingKeys: String, CodingKey {
    case token, channel
    case nanoamperes = "amplitudes_nA"
    case microvolts = "amplitudes_uV"
    case durations = "durations_us"
    case repeats = "repeat"
  }
}
