public import Devices

/// What `daqrec acquire` is to do with one buffer (buffers.md, "Epochs").
public struct EpochRequest: Sendable {
  public enum Goal: Sendable, Equatable {
    /// So many samples per channel, a multiple of the block size.
    case samples(Int)
    /// Until a scalar tag does something.
    case tag(String, EndCondition)
  }

  public var buffer: String
  /// Fired for each trial; nil: none.
  public var trigger: Trigger?
  public var goal: Goal
  public var trials = 1
  /// Seconds between a trial's end and the next trigger, between reads, and without a new sample.
  public var interval = 0.0
  public var poll = 0.1
  public var timeout = 10.0

  public init(buffer: String, trigger: Trigger?, goal: Goal) {
    self.buffer = buffer
    self.trigger = trigger
    self.goal = goal
  }

  /// The scalar tag that ends a trial; nil: none does.
  var handshake: String? { if case .tag(let name, _) = goal { name } else { nil } }

  /// Checks what can only be checked on the open circuit.
  func check(_ buffer: BufferAttributes, on circuit: any Circuit) throws(BufferError) {
    switch goal {
    case .samples(let count): try Epochs.check(samples: count, of: buffer)
    case .tag(let name, _): try Epochs.check(handshake: name, of: buffer, on: circuit)
    }
  }
}

extension SessionPlan {
  /// A session of trials of one buffer: with the outputs and events of its circuit, without other
  /// series and without the stimulator; nil without that buffer.
  public static func forEpochs(
    _ request: EpochRequest, _ session: Session, openers: DeviceOpeners, output: String?,
    software: [(name: String, version: String)]
  ) -> SessionPlan? {
    guard
      let found = session.buffers.first(where: { $0.name == request.buffer && $0.kind == .samples })
    else { return nil }
    var part = session
    part.buffers = session.buffers.filter {
      $0.name == found.name || $0.circuit == found.circuit && $0.kind == .events
    }
    part.circuits = session.circuits.filter { $0.name == found.circuit }
    part.circuits[0].pollMilliseconds = request.poll * 1000
    part.outputs = session.outputs.filter { $0.circuit == found.circuit }
    part.stimulator = nil
    part.stimulus = StimulusSettings()
    part.run.duration = nil
    return SessionPlan(
      part, openers: openers, output: output, epochs: request, software: software)
  }
}
