import Clocks
import Devices
import NWB
import Samples

/// What an acquirer's polls say of time: the readings of the circuit's clock, when each series
/// began, and where a tick lies on the recording clock.
struct CircuitTiming {
  private let plan: CircuitPlan
  private let context: AcquirerContext
  private let attributes: [BufferAttributes]
  /// The circuit's first buffer of samples, whose frames count its clock; nil: no clock.
  private let counter: Int?
  private var map: LiveClockMap?
  /// The device's count of the frame that is frame 0, of each ring once it has begun.
  private var deviceFrame: [Int64?]
  /// The counter's, when it began.
  private var firstDeviceFrame: Int64?
  private var hasStart: [Bool]
  /// When each ring began, host clock.
  private var began: [Nanoseconds?]
  /// The counter ended before it began: there are no readings, and series begin by the host's clock.
  private var isWithoutClock = false
  /// Recording time of the counter's frame 0, and the device's number of that frame.
  private var start: (seconds: Double, deviceFrame: Int64)?
  private var reading: (sample: Int64, isClock: Bool)?
  /// When the last poll began, host clock.
  private var lastLatch: Nanoseconds?

  init(plan: CircuitPlan, rings: [OpenedRing], context: AcquirerContext) {
    self.plan = plan
    self.context = context
    attributes = rings.map(\.attributes)
    counter = rings.firstIndex { if case .samples = $0.reader { true } else { false } }
    map = counter.map { LiveClockMap(rate: rings[$0].attributes.rate) }
    deviceFrame = rings.map { _ in nil }
    hasStart = rings.map { _ in false }
    began = rings.map { _ in nil }
  }

  /// Takes what one ring's reader made of the poll.
  mutating func take(_ step: RingReader.Step, _ reader: RingReader, ring: Int) {
    guard reader.nextSlot != .max else { return }
    deviceFrame[ring] = reader.deviceFrameOfZero
    guard ring == counter else { return }
    firstDeviceFrame = firstDeviceFrame ?? reader.deviceFrameOfZero
    if step.beginsSegment { map?.beginSegment() }
    reading = (step.sample, step.isClockReading)
  }

  /// A ring ends: its attributes changed while it ran.
  mutating func end(ring: Int) {
    if ring == counter, deviceFrame[ring] == nil { isWithoutClock = true }
  }

  /// Adds the poll's reading to the map, and posts it; gives each series its time once.
  mutating func publish(_ poll: Poll) {
    defer {
      reading = nil
      lastLatch = poll.firstLatch.before
    }
    if let reading, let counter, reading.isClock {
      let together = attributes[counter].format.framesPerUnit
      let change = map?.add(
        ClockReading(stored: reading.sample, together: together, in: poll.firstLatch))
      if change == .newSegment {
        context.inlet.log(
          .clock, "\(plan.name): its readings lie on no line any more; the map begins anew",
          at: context.clock.seconds(atHost: poll.firstLatch.middle))
      }
      if change != nil, let map = map?.map { adopt(map, poll) }
    }
    for ring in began.indices where began[ring] == nil && deviceFrame[ring] != nil {
      began[ring] = poll.firstLatch.middle
    }
    startSeries()
    let host = poll.firstLatch.middle
    context.inlet.post(
      .circuitClock(
        circuit: plan.number,
        CircuitReading(
          sample: reading.map { $0.isClock ? $0.sample : -1 } ?? -1, bracket: poll.firstLatch,
          positions: poll.rings.map(\.first), time: context.clock.seconds(atHost: host))))
  }

  /// Recording time of a tick stamp, counted since the circuit started, that a poll brought.
  ///
  /// Ticks go on when a store stands still or begins anew, unless the circuit itself was started
  /// again: then they are counted from there, which shows in a time before the last poll.
  func seconds(ofTick tick: Int64, readBy poll: Poll) -> Double? {
    guard let counter, let current = deviceFrame[counter] else { return nil }
    let slack = 0.01
    let latest = context.clock.seconds(atHost: poll.secondLatch.after) + slack
    let first = seconds(ofTick: tick, zero: firstDeviceFrame ?? current)
    let before = context.clock.seconds(atHost: lastLatch ?? poll.firstLatch.before) - slack
    if let first, first >= before, first <= latest { return first }
    return [seconds(ofTick: tick, zero: current), first].compactMap(\.self).first { $0 <= latest }
  }

  private func seconds(ofTick tick: Int64, zero: Int64) -> Double? {
    guard let counter, let start else { return nil }
    let decimation = Double(attributes[counter].decimation)
    // Frame n was stored at tick (n + 1) · dec.
    let frame = Double(tick) / decimation - 1 - Double(zero)
    if plan.isReference { return start.seconds + frame / attributes[counter].rate }
    guard let map = map?.map else { return nil }
    let whole = frame.rounded(.down)
    let rest = (frame - whole) / attributes[counter].rate
    return context.clock.seconds(atHost: map.time(of: Int64(whole)).time) + rest
  }

  private mutating func adopt(_ map: ClockMap, _ poll: Poll) {
    guard let counter else { return }
    if plan.isReference {
      if start == nil {
        // Time goes on where the host's clock has it, in the middle of the first latch.
        let host = poll.firstLatch.middle
        let seconds =
          context.clock.seconds(atHost: host) - map.sample(at: host) / attributes[counter].rate
        context.clock.follow(start: seconds, map: map)
      } else {
        context.clock.update(map)
      }
      let uncertainty = Double(
        map.time(of: Int64(map.sample(at: poll.firstLatch.middle))).uncertainty)
      let drift = map.drift
      context.board.update {
        $0.clockUncertainty = uncertainty * 1e-9
        $0.clockDrift = -drift * 1e6
      }
    }
    if start == nil, let zero = deviceFrame[counter] {
      let seconds =
        plan.isReference
        ? context.clock.start ?? 0
        : context.clock.seconds(atHost: map.time(of: 0).time)
      start = (seconds, zero)
    }
  }

  /// Tells the file when the series that have begun did so.
  private mutating func startSeries() {
    guard let start, let counter else {
      if isWithoutClock { startSeriesByHost() }
      return
    }
    for index in attributes.indices {
      guard !hasStart[index], let frame = deviceFrame[index], let time = began[index],
        case .samples(let series) = plan.buffers[index].kind
      else { continue }
      hasStart[index] = true
      let first = context.clock.seconds(atHost: time)
      let ticks = attributes[index].decimation
      let rate = attributes[index].circuitRate
      // Both counts began with the circuit, so that the ticks between two frames are exact.
      let exact =
        start.seconds
        + Double(
          (frame + 1) * Int64(ticks)
            - (start.deviceFrame + 1) * Int64(attributes[counter].decimation)) / rate
      let span = Double(ticks * attributes[index].format.framesPerUnit + 2) / rate
      // A store that began later, or whose laps are unknown, was latched with the others all the
      // same: its next frame is due within one frame. So does one whose frames are shorter than
      // those that count the clock.
      let isFine =
        attributes[counter].decimation <= ticks && attributes[counter].cycleTag != nil
        && attributes[index].cycleTag != nil
      let isPlausible = isFine && exact > first - span && exact < first + span || index == counter
      let seconds = isPlausible ? exact : first + Double(ticks) / rate / 2
      context.inlet.post(.startingTime(series: series, seconds: seconds))
    }
  }

  /// The next frame of a store is due within one frame of its first latch.
  private mutating func startSeriesByHost() {
    for index in attributes.indices {
      guard !hasStart[index], let time = began[index],
        case .samples(let series) = plan.buffers[index].kind
      else { continue }
      hasStart[index] = true
      let seconds = context.clock.seconds(atHost: time) + 0.5 / attributes[index].rate
      context.inlet.post(.startingTime(series: series, seconds: seconds))
    }
  }
}
