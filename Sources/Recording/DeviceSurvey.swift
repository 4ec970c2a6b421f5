public import Clocks
public import Devices

/// The devices of a session as they were found: what `daqrec probe` shows.
public struct DeviceSurvey: Sendable {
  public struct Circuit: Sendable {
    public var name: String
    public var device: String
    /// Ticks a second.
    public var rate: Double
    public var status: CircuitStatus
    /// Percent of a tick.
    public var cycleUsage: Int
    public var tags: [TagInfo]
    public var latch: Int?
    public var buffers: [BufferAttributes]
    public var outputs: [BufferAttributes]
  }

  public var circuits: [Circuit] = []
  public var stimulator: StimulatorInfo?
}

extension SessionPlan {
  /// Opens every device, looks at it, and lets go of it again. Nothing is run or put out.
  public func survey(
    _ timekeeper: any Timekeeper
  ) throws(Recorder.StartError) -> DeviceSurvey {
    let recorder = Recorder(self, timekeeper: timekeeper) { _ in }
    let devices = DeviceSet(recorder)
    defer { devices.abandon() }
    do {
      try devices.open()
    } catch {
      throw Recorder.StartError(error)
    }
    return DeviceSurvey(
      circuits: zip(circuits, devices.circuits).map { plan, found in
        DeviceSurvey.Circuit(
          name: plan.name, device: found.deviceDescription, rate: found.rate,
          status: found.status, cycleUsage: found.cycleUsage, tags: found.tags,
          latch: plan.latch, buffers: found.buffers, outputs: found.outputs)
      },
      stimulator: devices.stimulatorInfo)
  }
}
