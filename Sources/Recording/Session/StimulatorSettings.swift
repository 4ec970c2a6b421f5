public import Devices
public import Samples

/// `stimulator`.
public struct StimulatorSettings: Sendable {
  /// Which of the stimulator's sync outputs is wired to which recorded channel.
  public struct Sync: Sendable, Equatable {
    public var output = 0
    /// The name of the buffer.
    public var buffer = ""
    public var channel = 0
  }

  public var name = "stg"
  public var driver = DeviceDriver.simulator
  /// The bridge's command and its arguments.
  public var command: [String] = []
  public var serial: String?
  /// Whether amplitudes are milliamperes or millivolts.
  public var mode = StimulusMode.current
  /// Samples a second and channel: 50 000 or 10 000.
  public var outputRate = 50_000.0
  /// Seconds that the host's ring holds.
  public var bufferSeconds = 0.05
  /// Seconds that the device's ring holds.
  public var capacitySeconds = 0.1
  /// Fill below which the device asks for more, sent to it.
  public var callbackPercent = 10
  /// true: a starved output is zero; false: its trigger stops.
  public var isContinuous = true
  /// Bounds by channel.
  public var limits: [Int: SignalLimits] = [:]
  public var sync: Sync?
  /// What a simulated stimulator is like; not used otherwise.
  public var simulation = StimulatorSimulation()
  /// `simulate.speed`; see ``Session/speed``.
  var simulationSpeed: Double?

  /// The most that may be queued ahead, in both rings (devices.md section 4).
  public static let longestQueue = 0.25

  init(reading reader: ObjectReader) {
    name = reader.text("name", default: name)
    driver = reader.choice("driver", default: driver)
    command = reader.texts("command")
    serial = reader.text("serial")
    mode = reader.choice("mode", default: mode)
    outputRate = reader.number("output_rate_in_hz", default: outputRate)
    if !CodeScale.rates.contains(outputRate) {
      reader.report(
        "\(outputRate.short) is not allowed; allowed: 50000, 10000", at: "output_rate_in_hz")
      outputRate = CodeScale.rates[0]
    }
    let ring = Bounds.within(0.001...Self.longestQueue)
    bufferSeconds = reader.number("buffer_in_s", in: ring, default: bufferSeconds)
    capacitySeconds = reader.number("capacity_in_s", in: ring, default: capacitySeconds)
    if bufferSeconds + capacitySeconds > Self.longestQueue + 1e-9 {
      reader.report(
        "with buffer_in_s \(bufferSeconds) more than is safe could be queued ahead; allowed: "
          + "\(Self.longestQueue) s for both",
        at: "capacity_in_s")
    }
    callbackPercent = reader.integer("callback_percent", in: 0...100, default: callbackPercent)
    isContinuous = reader.flag("continuous", default: isContinuous)
    for limit in reader["limits"]?.elements() ?? [] {
      _ = limit.object { readLimits($0) }
    }
    sync = reader.object("sync") { sync in
      Sync(
        output: sync.integer("output", in: 0...63, default: 0),
        buffer: sync.requiredText("buffer"),
        channel: sync.integer("channel", in: 0...4095, default: 0))
    }
    if let simulate = reader["simulate"] {
      _ = simulate.object { section in
        simulation = StimulatorSimulation(reading: section)
        simulationSpeed = section["speed"]?.speed()
      }
    }
    reader.checkDriver(driver, command)
  }

  private mutating func readLimits(_ reader: ObjectReader) {
    let channels = reader.required("channels", "a list of channels")?.elements() ?? []
    let positive = Bounds.above(0)
    let amplitude: Double?
    var charge: Double?
    var netCharge: Double?
    switch mode {
    case .current:
      amplitude = reader.required("max_mA", "a number")?.number(in: positive)
      charge = reader.required("max_charge_nC", "a number")?.number(in: positive)
      netCharge = reader.number("max_net_charge_nC", in: .atLeast(0))
    case .voltage:
      amplitude = reader.required("max_mV", "a number")?.number(in: positive)
    }
    for value in channels {
      guard let channel = value.integer(in: 0...63) else { continue }
      if limits[channel] != nil {
        value.report("channel \(channel) has limits already; one entry for each is allowed")
      }
      guard let amplitude else { continue }
      limits[channel] = SignalLimits(
        maximumAmplitude: amplitude, maximumPhaseCharge: charge, maximumNetCharge: netCharge)
    }
  }
}

extension StimulatorSettings {
  /// How signals become codes, as far as it is known without the device: a simulated one's numbers,
  /// else those of an STG4000 of 16 mA or 8 V. Throws if a simulated one's make no sense.
  public func nominalScale() throws(SignalError) -> CodeScale {
    let device = driver == .simulator ? simulation : StimulatorSimulation()
    let isCurrent = mode == .current
    return try CodeScale(
      unit: mode.unit, rate: outputRate, dacBits: device.dacBits,
      resolution: isCurrent ? device.resolutionNanoamperes : device.resolutionMicrovolts,
      range: isCurrent ? device.rangeNanoamperes : device.rangeMicrovolts)
  }
}
