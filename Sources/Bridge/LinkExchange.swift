public import Clocks

/// The four timestamps of one exchange with a bridge, as NTP has them: raw, for the file.
public struct LinkExchange: Sendable, Equatable {
  /// Host clock, just before the request was written.
  public var hostSend: Nanoseconds
  /// Bridge clock, when the request had been read.
  public var bridgeReceive: Nanoseconds
  /// Bridge clock, when the reply was built.
  public var bridgeSend: Nanoseconds
  /// Host clock, when the reply had been read.
  public var hostReceive: Nanoseconds

  public init(
    hostSend: Nanoseconds, bridgeReceive: Nanoseconds, bridgeSend: Nanoseconds,
    hostReceive: Nanoseconds
  ) {
    self.hostSend = hostSend
    self.bridgeReceive = bridgeReceive
    self.bridgeSend = bridgeSend
    self.hostReceive = hostReceive
  }
}

/// Who hears of a link what its owner does not. Called on the owner's thread.
public struct LinkListener: Sendable {
  /// A line of the bridge's stderr, or an event of its own (`log`, `stopped`).
  public var log: @Sendable (String) -> Void
  /// Every exchange that enters the link's clock map, in order.
  public var exchange: @Sendable (LinkExchange) -> Void

  public init(
    log: @escaping @Sendable (String) -> Void = { _ in },
    exchange: @escaping @Sendable (LinkExchange) -> Void = { _ in }
  ) {
    self.log = log
    self.exchange = exchange
  }
}

/// The map from a bridge's clock to the host's, fed by exchanges.
struct LinkClock {
  private var map = LiveClockMap(rate: 1e9)
  private var last: LinkExchange?

  /// A new process has a new clock.
  mutating func begin() {
    map.beginSegment()
    last = nil
  }

  /// - Returns: whether the exchange entered the map: one that another has overtaken does not, nor
  ///   one whose times run backwards.
  mutating func add(_ exchange: LinkExchange) -> Bool {
    guard exchange.hostSend <= exchange.hostReceive, exchange.bridgeReceive <= exchange.bridgeSend
    else { return false }
    if let last {
      guard exchange.hostSend >= last.hostSend, exchange.bridgeSend >= last.bridgeSend else {
        return false
      }
    }
    last = exchange
    map.add(
      ClockReading(
        hostSend: exchange.hostSend, bridgeReceive: exchange.bridgeReceive,
        bridgeSend: exchange.bridgeSend, hostReceive: exchange.hostReceive))
    return true
  }

  /// A bracket of the bridge's clock on the host's; what happened within `exchange` cannot have
  /// been outside it.
  func bracket(_ at: [Nanoseconds], in exchange: LinkExchange) -> Bracket? {
    guard at.count == 2, at[0] <= at[1], let map = map.map else { return nil }
    let mapped = map.bracket(Bracket(before: at[0], after: at[1]))
    let bounds = exchange.hostSend...max(exchange.hostSend, exchange.hostReceive)
    let before = min(max(mapped.before, bounds.lowerBound), bounds.upperBound)
    return Bracket(before: before, after: max(before, min(mapped.after, bounds.upperBound)))
  }
}
