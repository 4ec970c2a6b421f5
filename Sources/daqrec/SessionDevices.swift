import Bridge
import Clocks
import Devices
import NWB
import Recording
import Simulator

/// The devices that a session names: the only place that knows which kinds there are.
struct SessionDevices {
  let openers: DeviceOpeners

  init(_ session: Session, _ timekeeper: any Timekeeper) {
    let simulated = DeviceOpeners.simulated(session, in: SimulatedWorld(timekeeper: timekeeper))
    openers = DeviceOpeners(
      circuit: { settings, reports in
        switch settings.driver {
        case .simulator: try simulated.circuit(settings, reports)
        case .bridge:
          try BridgedCircuit(
            name: settings.name, address: .command(settings.command),
            opening: CircuitOpening(
              model: settings.model ?? "RZ2", index: settings.index,
              interface: settings.interface, circuit: settings.circuit,
              rateCode: settings.rateCode),
            timekeeper: timekeeper, listener: LinkListener(reports))
        }
      },
      stimulator: { settings, reports in
        switch settings.driver {
        case .simulator: try simulated.stimulator(settings, reports)
        case .bridge:
          try BridgedStimulator(
            name: settings.name, address: .command(settings.command), serial: settings.serial,
            timekeeper: timekeeper, listener: LinkListener(reports))
        }
      })
  }
}

extension LinkListener {
  fileprivate init(_ reports: LinkReports) {
    self.init(
      log: reports.log,
      exchange: {
        reports.exchange(
          LinkClock.Exchange(
            hostSend: $0.hostSend, bridgeReceive: $0.bridgeReceive, bridgeSend: $0.bridgeSend,
            hostReceive: $0.hostReceive))
      })
  }
}
