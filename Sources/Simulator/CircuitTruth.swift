public import Clocks
import Devices
import Samples

/// The ground truth of a simulated circuit, for tests and campaigns. Nothing here takes time.
extension SimulatedCircuit {
  /// When a frame of a store was sampled and stored: at tick (frame + 1) · dec. nil before the
  /// circuit runs or without such a store. Frames count from the first run.
  public func hostTime(ofFrame frame: Int64, in dataTag: String) -> Nanoseconds? {
    guard let oscillator, case .data(let store) = directory[dataTag] else { return nil }
    return oscillator.time(ofTick: (frame + 1) * Int64(stores[store].timeline.decimation))
  }

  /// When a tick began; nil before the circuit runs.
  public func hostTime(ofTick tick: Int64) -> Nanoseconds? { oscillator?.time(ofTick: tick) }

  /// Ticks since the circuit first ran.
  public func tick(at time: Nanoseconds) -> Int64? { oscillator?.tick(at: time) }

  /// The words of successive frames as the store's present settings make them, whether it wrote
  /// them or not; nil without such a store or before it runs. Frames that the stimulator has not
  /// reached are not known yet.
  public func words(ofFrames frames: Range<Int64>, in dataTag: String) -> [UInt32]? {
    guard let oscillator, case .data(let number) = directory[dataTag] else { return nil }
    return stores[number].words(ofFrames: frames, oscillator)
  }
}
