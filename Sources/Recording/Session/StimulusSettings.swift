import Devices
public import NWB
public import Samples

/// `stimulus`: what is output when.
public struct StimulusSettings: Sendable {
  /// A signal from the stimulus's start on, until it is replaced.
  public struct Start: Sendable, Equatable {
    public var channel: Int
    public var signal: Signal
    /// More than 200 ms without a sample of zero are meant.
    public var allowsLongPhase = false
  }

  /// A signal from a time on.
  public struct Change: Sendable, Equatable {
    /// Seconds after sample 0, recording clock.
    public var time: Double
    public var channel: Int
    public var signal: Signal
    /// More than 200 ms without a sample of zero are meant.
    public var allowsLongPhase = false
  }

  /// Seconds of recording before anything is output.
  public var startAfter = 0.0
  public var signals: [Start] = []
  /// In the order of the session.
  public var changes: [Change] = []
  public var plan: ProtocolSettings?

  public var isEmpty: Bool { signals.isEmpty && changes.isEmpty && plan == nil }

  public init() {}

  init(reading reader: ObjectReader, mode: StimulusMode, in folder: SessionFolder) {
    startAfter = reader.number("start_after_s", in: .atLeast(0), default: startAfter)
    signals = reader.list("signals") { value in
      value.object { entry in
        let channel = entry.channel()
        let signal = entry.signal(channel: channel, mode: mode, in: folder)
        let isLong = entry.allowsLongPhase()
        return signal.map { Start(channel: channel, signal: $0, allowsLongPhase: isLong) }
      } ?? nil
    }
    changes = reader.list("changes") { value in
      value.object { entry in
        let time = entry.required("at_s", "a time")?.number(in: .atLeast(0)) ?? 0
        let channel = entry.channel()
        let signal = entry.signal(channel: channel, mode: mode, in: folder)
        let isLong = entry.allowsLongPhase()
        return signal.map {
          Change(time: time, channel: channel, signal: $0, allowsLongPhase: isLong)
        }
      } ?? nil
    }
    plan = reader.object("protocol") { ProtocolSettings(reading: $0, mode: mode, in: folder) }
  }
}

/// `stimulus.protocol`: conditions presented again and again; every presentation is a trial.
public struct ProtocolSettings: Sendable {
  public struct Condition: Sendable {
    public var name: String
    public var channel: Int
    public var signal: Signal
    /// More than 200 ms without a sample of zero are meant.
    public var allowsLongPhase = false
    /// Values of the trials' columns, in the session's order.
    public var columns: [(name: String, value: TrialValue)]
  }

  public var conditions: [Condition] = []
  /// When and in which order; the first trial is at ``StimulusSettings/startAfter``.
  public var schedule: StimulusProtocol

  init(reading reader: ObjectReader, mode: StimulusMode, in folder: SessionFolder) {
    let list = reader.required("conditions", "a list")?.elements() ?? []
    conditions = list.compactMap { value in
      value.object { Condition(reading: $0, mode: mode, in: folder) } ?? nil
    }
    let interval = reader.required("isi_s", "a number of seconds")?.interval() ?? .fixed(1)
    schedule = StimulusProtocol(
      conditions: list.count,
      repeats: reader.integer("repeats", in: 1...1_000_000, default: 1),
      interval: interval,
      order: reader.choice("order", default: .shuffled),
      seed: UInt64(reader.integer("seed", in: 0...(1 << 53), default: 1)))
    if reader.has("conditions"), list.isEmpty {
      reader.report("there are none; at least one is wanted", at: "conditions")
    }
  }
}

extension ProtocolSettings.Condition {
  fileprivate init?(reading reader: ObjectReader, mode: StimulusMode, in folder: SessionFolder) {
    name = reader["name"]?.shortText() ?? ""
    if !reader.has("name") { reader.report("is missing; a text is required", at: "name") }
    channel = reader.channel()
    allowsLongPhase = reader.allowsLongPhase()
    columns = (reader["columns"]?.entries() ?? []).compactMap { name, value in
      value.trialValue().map { (name, $0) }
    }
    guard let signal = reader.signal(channel: channel, mode: mode, in: folder) else { return nil }
    self.signal = signal
  }
}

extension ValueReader {
  func trialValue() -> TrialValue? {
    switch node.content {
    case .number: return number().map { .number($0) }
    case .text: return shortText().map { .text($0) }
    default:
      refuse(allowed: "a number or a text")
      return nil
    }
  }

  fileprivate func shortText() -> String? {
    guard let text = text() else { return nil }
    guard text.utf8.count <= TrialColumn.longestText else {
      refuse(allowed: "a text of up to \(TrialColumn.longestText) bytes")
      return nil
    }
    return text
  }

  /// A number of seconds, `{ uniform: [low, high] }` or `{ exponential: { mean, min, max } }`.
  fileprivate func interval() -> StimulusProtocol.Interval? {
    let positive = Bounds.above(0)
    guard case .object = node.content else { return number(in: positive).map { .fixed($0) } }
    return object { reader -> StimulusProtocol.Interval? in
      if let uniform = reader["uniform"] {
        guard let bounds = uniform.numbers(in: positive) else { return nil }
        guard bounds.count == 2, bounds[0] <= bounds[1] else {
          uniform.report("two numbers, the least and the most, are wanted")
          return nil
        }
        return .uniform(bounds[0], bounds[1])
      }
      if let exponential = reader["exponential"] {
        return exponential.object { section in
          let mean = section.required("mean", "a number")?.number(in: positive)
          let least = section.required("min", "a number")?.number(in: positive)
          let most = section.required("max", "a number")?.number(in: positive)
          guard let mean, let least, let most else { return nil }
          guard least < mean, mean < most else {
            exponential.report("min < mean < max is wanted")
            return nil
          }
          return .exponential(mean: mean, minimum: least, maximum: most)
        } ?? nil
      }
      report("a number, { uniform: [low, high] } or { exponential: { mean, min, max } } is wanted")
      return nil
    } ?? nil
  }
}
