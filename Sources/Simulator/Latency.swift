import Clocks
import Devices
import Samples
import Foundation

/// How long the calls of a device take, drawn from a seeded stream.
///
/// A call goes there and comes back; what it does happens in between. Each way has a log-normal
/// jitter, and one call in a hundred takes 5 to 30 ms more on one of its ways.
struct Latency: Sendable {
  /// One call's two ways.
  struct Ways {
    let there: Nanoseconds
    let back: Nanoseconds

    static let none = Ways(there: 0, back: 0)
  }

  private let model: LatencyModel
  /// Bytes a second a buffer travels at, read and written.
  private let readSpeed: Double
  private let writeSpeed: Double
  private var random: SplitMix64

  /// - Parameters:
  ///   - model: the bus.
  ///   - device: a TDT model name such as `RZ2`, which bounds the speed of transfers.
  ///   - seed: of the draws.
  init(_ model: LatencyModel, device: String = "", seed: UInt64) {
    self.model = model
    random = SplitMix64(seed: seed)
    let limits: (read: Double, write: Double)
    switch device.uppercased().prefix(2) {
    case "RP": limits = (1.5e6, 1.5e6)
    case "RX": limits = (10e6, 2.5e6)
    case "RZ": limits = (20e6, 20e6)
    default: limits = (.infinity, .infinity)
    }
    readSpeed = min(10e6, limits.read)
    writeSpeed = min(10e6, limits.write)
  }

  /// A scalar read or write, or any short call.
  mutating func scalar() -> Ways {
    switch model {
    case .optical: ways(milliseconds: 0.25)
    case .usb: ways(milliseconds: 1.5)
    case .none: .none
    }
  }

  /// A trigger, or a start of the stimulator.
  mutating func trigger() -> Ways {
    switch model {
    case .optical: ways(milliseconds: 0.25)
    case .usb: ways(milliseconds: 2 + 2 * random.nextUnit())
    case .none: .none
    }
  }

  /// A trigger of the zBUS, which takes 2 ms a rack.
  mutating func zBusTrigger() -> Ways {
    model == .none ? .none : ways(milliseconds: 2.2)
  }

  /// A buffer read: the call's ways and, between them, the time the bytes take.
  mutating func read(bytes: Int) -> (ways: Ways, transfer: Nanoseconds) {
    buffer(bytes: bytes, speed: readSpeed)
  }

  /// A buffer written.
  mutating func write(bytes: Int) -> (ways: Ways, transfer: Nanoseconds) {
    buffer(bytes: bytes, speed: writeSpeed)
  }

  /// A look at counters that the driver has at hand.
  mutating func glance() -> Nanoseconds {
    model == .none ? 0 : Nanoseconds(60_000 * exp(0.4 * random.nextNormal()))
  }

  private mutating func buffer(
    bytes: Int, speed: Double
  ) -> (ways: Ways, transfer: Nanoseconds) {
    guard model != .none else { return (.none, 0) }
    return (
      ways(milliseconds: model == .usb ? 1.5 : 0.4), Nanoseconds(Double(bytes) / speed * 1e9)
    )
  }

  private mutating func ways(milliseconds: Double) -> Ways {
    var there = milliseconds / 2 * exp(0.3 * random.nextNormal())
    var back = milliseconds / 2 * exp(0.3 * random.nextNormal())
    let chance = random.nextUnit()
    if chance < 0.01 {
      let more = 5 + 25 * random.nextUnit()
      if chance < 0.005 { there += more } else { back += more }
    }
    return Ways(there: Nanoseconds(there * 1e6), back: Nanoseconds(back * 1e6))
  }
}
