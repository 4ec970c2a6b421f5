import Clocks
import Devices
import Samples
import Simulator

/// What a simulated store really wrote, from the circuit's oscillator and the scenario's script.
///
/// Frames are numbered by time: frame k is stored at tick (k + 1) · decimation, whether or not the
/// store ran.
struct RingTruth {
  /// Something after which positions do not follow from those before: a stall, a reset, a gate.
  struct Break: Sendable {
    var start: Nanoseconds
    /// When it has begun for sure; nil: at `start`.
    var latestStart: Nanoseconds?
    /// Equal to `start` for a reset; until then nothing is written.
    var end: Nanoseconds
    var isHalt: Bool { end == .max }
    var writesNothing: Bool
  }

  let buffer: RingScenario.Buffer
  /// Its number among the circuit's.
  let ring: Int
  let observed: ObservedCircuit
  let breaks: [Break]
  /// When a torn position was scripted.
  let tears: [Nanoseconds]
  /// When the scaling factor, or something that ends the series, changed.
  let changes: [(time: Nanoseconds, name: String, value: Double)]
  /// Host time of the circuit's start.
  let start: Nanoseconds

  init(
    _ ring: Int, _ circuit: RingScenario.Circuit, _ observed: ObservedCircuit
  ) throws(RingProblem) {
    let buffer = circuit.buffers[ring]
    self.ring = ring
    guard let start = observed.circuit.hostTime(ofTick: 0) else {
      throw RingProblem("\(circuit.name) never ran")
    }
    self.buffer = buffer
    self.observed = observed
    self.start = start
    let tick = Nanoseconds(1e9 / circuit.simulation.rate) + 1
    var breaks: [Break] = []
    var tears: [Nanoseconds] = []
    var changes: [(time: Nanoseconds, name: String, value: Double)] = []
    for fault in circuit.simulation.faults {
      let at = start + Nanoseconds((fault.at ?? 0) * 1e9)
      switch fault.kind {
      case .stall(let seconds):
        let end = at + Nanoseconds(seconds * 1e9) + 2 * tick
        breaks.append(Break(start: at, end: end, writesNothing: true))
      case .reset: breaks.append(Break(start: at, end: at + 2 * tick, writesNothing: false))
      case .halt: breaks.append(Break(start: at, end: .max, writesNothing: true))
      case .setTag(let name, let value):
        if name.hasPrefix("\(buffer.name)_") { changes.append((at, name, value)) }
      case .torn: tears.append(at)
      case .latency, .error, .disconnect, .lap: break
      }
    }
    if let gate = buffer.gate {
      var end = Nanoseconds.min
      var closed = start
      var latestClosed = start
      for trigger in observed.fired {
        if trigger.before > end {
          breaks.append(
            Break(
              start: closed, latestStart: latestClosed, end: trigger.after + 2 * tick,
              writesNothing: true))
        } else {
          breaks.append(
            Break(start: trigger.before, end: trigger.after + 2 * tick, writesNothing: false))
        }
        end =
          gate.ticks.map {
            trigger.before + Nanoseconds(Double($0) / circuit.simulation.rate * 0.999e9)
          }
          ?? .max
        closed = end
        latestClosed = end == .max ? .max : end + trigger.after - trigger.before
      }
      if closed < .max {
        breaks.append(
          Break(start: closed, latestStart: latestClosed, end: .max, writesNothing: true))
      }
    }
    self.breaks = breaks.sorted { $0.start < $1.start }
    self.tears = tears
    self.changes = changes.sorted { $0.time < $1.time }
  }

  /// When a frame was stored, or would have been.
  func time(of frame: Int64) -> Nanoseconds {
    observed.circuit.hostTime(ofTick: (frame + 1) * Int64(buffer.decimation)) ?? start
  }

  /// Frames stored by a host time if the store always ran.
  func frames(by time: Nanoseconds) -> Int64 {
    let tick = observed.circuit.tick(at: time) ?? 0
    return tick >= 0 ? tick / Int64(buffer.decimation) : 0
  }

  /// Whether a frame was surely not made.
  func isUnmade(_ frame: Int64) -> Bool {
    let time = time(of: frame)
    return breaks.contains { $0.writesNothing && time >= $0.start && time <= $0.end }
  }

  /// Frames made between two host times, at most.
  func made(from: Nanoseconds, to: Nanoseconds) -> Int64 {
    var count = frames(by: to) - frames(by: from)
    for pause in breaks where pause.writesNothing {
      let (low, high) = (max(pause.latestStart ?? pause.start, from), min(pause.end, to))
      if high > low { count -= max(0, frames(by: high) - frames(by: low) - 1) }
    }
    return count
  }

  /// The values of successive frames [frame, channel] as the file must hold them; nil where the
  /// destination cannot.
  func values(of frames: Range<Int64>, scalingFactor: Double) -> [Double?] {
    let format = buffer.format
    let unit = Int64(format.framesPerUnit)
    let padded =
      frames.lowerBound..<frames.lowerBound + (Int64(frames.count) + unit - 1) / unit * unit
    guard let words = observed.circuit.words(ofFrames: padded, in: buffer.name) else { return [] }
    let perSlot = format.source.samplesPerSlot
    let bits = 32 / perSlot
    let factor = Float(scalingFactor)
    return (0..<frames.count * format.channels).map { sample in
      let (slot, place) = sample.quotientAndRemainder(dividingBy: perSlot)
      let lane = format.packOrder == .msb ? perSlot - 1 - place : place
      let word = words[slot]
      guard format.source != .float32 else { return value(Float(bitPattern: word), factor) }
      let code = Int32(bitPattern: word << UInt32(32 - bits * (lane + 1))) >> Int32(32 - bits)
      switch format.destination {
      case .float32: return Double(Float(code) / factor)
      case .float64: return Double(code) / Double(factor)
      case .int32, .int16, .int8: return Double(code)
      }
    }
  }

  private func value(_ float: Float, _ factor: Float) -> Double? {
    let limit: Double
    switch buffer.format.destination {
    case .float32: return Double(factor == 1 ? float : float / factor)
    case .float64: return Double(float) / Double(factor)
    case .int32: limit = 0x1p31
    case .int16: limit = 0x1p15
    case .int8: limit = 0x1p7
    }
    let rounded = Double(float.rounded(.toNearestOrEven))
    return rounded >= -limit && rounded < limit ? rounded : nil
  }

  /// The number that a counter shows in a frame's first channel, and after how many it recurs.
  var counterPeriod: Int64 {
    switch buffer.format.source {
    case .float32: 1 << 20
    case .int32: 1 << 32
    case .int16: 1 << 16
    case .int8: 1 << 8
    }
  }
}
