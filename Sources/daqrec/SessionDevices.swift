import Clocks
import Devices
import Recording
import Simulator

/// The devices that a session names: the only place that knows which kinds there are.
struct SessionDevices {
  let openers: DeviceOpeners

  init(_ session: Session, _ timekeeper: any Timekeeper) {
    let simulated = DeviceOpeners.simulated(session, in: SimulatedWorld(timekeeper: timekeeper))
    openers = DeviceOpeners(
      circuit: { settings in
        switch settings.driver {
        case .simulator: try simulated.circuit(settings)
        case .bridge: throw unavailable(settings.name)
        }
      },
      stimulator: { settings in
        switch settings.driver {
        case .simulator: try simulated.stimulator(settings)
        case .bridge: throw unavailable(settings.name)
        }
      })
  }
}

private func unavailable(_ device: String) -> DeviceError {
  DeviceError(
    device: device, call: "open", code: .driver,
    message: "the driver bridge is not in this version")
}
