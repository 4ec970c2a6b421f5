import Clocks
import Devices
import Glibc
import Samples
import Synchronization

/// A stimulator that passes every call on, and notes each feed: when, from which sample, how many.
final class StimulusProbe: Stimulator {
  struct Feed: Sendable {
    var time: Nanoseconds
    /// By channel: the first sample offered, and the sample after the last accepted.
    var from: [Int64]
    var to: [Int64]
    var framesDone: Int64
  }

  /// What the feeds were; also after the device is closed.
  final class Notes: Sendable {
    private let state = Mutex((feeds: [Feed](), processor: 0.0, calls: 0))

    var feeds: [Feed] { state.withLock { $0.feeds } }
    /// Processor seconds of the calling thread within the device's calls: the simulator's share.
    var processorSeconds: Double { state.withLock { $0.processor } }

    fileprivate func add(_ feed: Feed?, _ seconds: Double) {
      state.withLock { state in
        if let feed { state.feeds.append(feed) }
        state.processor += seconds
        state.calls += 1
      }
    }
  }

  let info: StimulatorInfo
  private let device: any Stimulator
  private let timekeeper: any Timekeeper
  private let notes: Notes

  init(_ device: any Stimulator, timekeeper: any Timekeeper, notes: Notes) {
    self.device = device
    self.timekeeper = timekeeper
    self.notes = notes
    info = device.info
  }

  func feed(_ chunks: [FeedChunk], _ reply: inout FeedReply) throws(DeviceError) {
    let time = timekeeper.now
    let began = processorTime()
    try device.feed(chunks, &reply)
    let signals = chunks.enumerated().filter { $0.element.kind == .signal }
    var feed = Feed(
      time: time, from: Array(repeating: 0, count: info.channels),
      to: Array(repeating: 0, count: info.channels), framesDone: reply.framesDone)
    for (index, chunk) in signals {
      feed.from[chunk.channel] = chunk.from
      feed.to[chunk.channel] = chunk.from + Int64(reply.accepted[index])
    }
    notes.add(feed, processorTime() - began)
  }

  func configure(_ setup: StimulatorSetup) throws(DeviceError) -> StimulatorSetup {
    try device.configure(setup)
  }

  func arm(
    limits: [SignalLimits?], queueMilliseconds: Int, timeToLiveMilliseconds: Int
  ) throws(DeviceError) {
    try device.arm(
      limits: limits, queueMilliseconds: queueMilliseconds,
      timeToLiveMilliseconds: timeToLiveMilliseconds)
  }

  func start(triggers: UInt32) throws(DeviceError) -> Bracket {
    try device.start(triggers: triggers)
  }

  func stop(triggers: UInt32, gracefully: Bool) throws(DeviceError) {
    try device.stop(triggers: triggers, gracefully: gracefully)
  }

  func heartbeat() throws(DeviceError) { try device.heartbeat() }

  func emergencyStop() throws(DeviceError) { try device.emergencyStop() }

  func download(
    channel: Int, amplitudes: [Int], durations: [Int], repeats: Int
  ) throws(DeviceError) {
    try device.download(
      channel: channel, amplitudes: amplitudes, durations: durations, repeats: repeats)
  }

  func close() { device.close() }

  private func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
