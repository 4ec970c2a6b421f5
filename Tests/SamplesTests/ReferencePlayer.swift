import Samples

/// The player's rules applied to one sample after the other, on signals written out in full.
struct ReferencePlayer {
  private struct Voice {
    let codes: [Int16]
    let rests: [Bool]
    let period: Int
    let isFinite: Bool
    var index = 0

    init(_ signal: CompiledSignal) {
      var codes: [Int16] = []
      var rests: [Bool] = []
      for (run, rest) in zip(signal.runs, signal.rests) {
        codes += [Int16](repeating: run.code, count: run.count)
        rests += [Bool](repeating: rest, count: run.count)
      }
      period = codes.count
      isFinite = signal.repeats > 0
      self.codes = Array(repeatElement(codes, count: max(1, signal.repeats)).joined())
      self.rests = Array(repeatElement(rests, count: max(1, signal.repeats)).joined())
    }

    func pulseLength() -> Int64 {
      var length: Int64 = 0
      var next = index
      while !rests[next] {
        length += 1
        next += 1
        if next % period == 0 && !rests.contains(true) { return length }
        if next == codes.count {
          if isFinite { return length }
          next = 0
        }
      }
      return length
    }
  }

  var position: Int64 = 0
  var plans: [(signal: CompiledSignal, id: Int, sample: Int64)] = []
  var pending: (signal: CompiledSignal?, id: Int?, immediate: Bool)?
  var events: [SignalPlayer.Event] = []
  private var voice: Voice?
  private var pulseEnd: Int64 = 0

  mutating func step() -> Int16 {
    while true {
      var id: Int?
      let (before, pulseBefore) = (voice, pulseEnd)
      let inPulse = pulseEnd > position
      let due = inPulse ? 0 : plans.filter { $0.sample <= position }.count
      let isBoundary =
        voice.map { voice in
          voice.index % voice.period == 0 || !voice.codes.contains { $0 != 0 }
            || pending?.immediate == true && !inPulse
        } ?? true
      if due > 0 {
        for plan in plans.prefix(due - 1) { events.append(.superseded(id: plan.id)) }
        voice = Voice(plans[due - 1].signal)
        id = plans[due - 1].id
        plans.removeFirst(due)
        pulseEnd = position
      } else if let change = pending, isBoundary {
        voice = change.signal.map { Voice($0) }
        id = change.id
        pending = nil
        pulseEnd = position
      }
      if pulseEnd <= position, let current = voice, !current.rests[current.index] {
        let end = position + current.pulseLength()
        if let plan = plans.first, end > plan.sample {
          // A signal that would begin with this pulse never does: the one before goes on.
          (voice, pulseEnd) = id == nil ? (nil, pulseEnd) : (before, pulseBefore)
          if let id { events.append(.superseded(id: id)) }
          continue
        }
        pulseEnd = end
      }
      if let id { events.append(.onset(id: id, sample: position)) }
      break
    }
    position += 1
    guard var current = voice else { return 0 }
    let code = current.codes[current.index]
    current.index += 1
    voice = current
    if current.index == current.codes.count {
      if current.isFinite { voice = nil } else { voice?.index = 0 }
    }
    return code
  }
}
