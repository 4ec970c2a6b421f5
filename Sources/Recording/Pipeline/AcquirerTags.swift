import Clocks
import Devices
import NWB
import Samples

/// What the acquirer makes of the scalar tags that each poll brings.
extension Acquirer {
  /// Notes the watched tags that changed.
  mutating func noteTags() {
    let time = context.clock.seconds(atHost: poll.firstLatch.middle)
    for (index, name) in plan.watchedTags.enumerated() {
      let value = poll.values[index]
      let old = watched.isEmpty ? nil : watched[index]
      if old.map({ $0.bitPattern != value.bitPattern }) ?? true {
        context.inlet.post(.tag(name: "\(plan.name).\(name)", value: Double(value), time: time))
      }
    }
    if !plan.watchedTags.isEmpty { watched = Array(poll.values[..<plan.watchedTags.count]) }
  }

  /// Notices a scaling factor, size or decimation that changed while the circuit ran.
  mutating func checkAttributes() {
    for check in checks where !rings[check.ring].hasEnded {
      let value = Double(poll.values[check.value])
      guard value != check.expected(of: rings[check.ring].attributes) else { continue }
      let ring = rings[check.ring]
      let time = context.clock.seconds(atHost: poll.firstLatch.middle)
      if check.what == .scalingFactor, !ring.attributes.format.destination.isInteger, value > 0,
        value.isFinite
      {
        let text = "\(ring.name): \(check.tag) changed to \(value); from the next poll on it counts"
        rings[check.ring].attributes.scalingFactor = value
        // The tag is read after the latch: frames stored by this poll or the next may have either.
        rings[check.ring].uncertainPolls = 2
        context.inlet.log(.note, text, at: time)
        context.warn(text)
      } else {
        rings[check.ring].hasEnded = true
        timing.end(ring: check.ring)
        let reason = "\(check.tag) changed to \(value)"
        let text = "\(ring.name): \(reason): the series ends here"
        context.inlet.log(.error, text, at: time)
        context.warn(text)
        context.board.update {
          $0.endedSeries.append(.init(name: ring.name, reason: reason, time: time))
        }
        if epochs?.ring == check.ring { context.stopAll(.fault(text)) }
      }
    }
  }
}
