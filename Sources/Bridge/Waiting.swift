import Clocks

extension Timekeeper {
  /// Waits until one of the descriptors is ready or closed, or until `deadline`.
  ///
  /// In virtual time the other side may be an owner of the same timekeeper: it gets the baton every
  /// 100 µs.
  func wait(reading descriptors: [Int32], until deadline: Nanoseconds) {
    guard isVirtual else {
      Descriptors.wait(reading: descriptors, nanoseconds: deadline - now)
      return
    }
    while now < deadline, !Descriptors.wait(reading: descriptors, nanoseconds: 0) {
      sleep(until: min(deadline, now + 100_000))
    }
  }
}
