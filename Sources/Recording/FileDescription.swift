import Clocks
import Devices
import Foundation

import NWB
import Samples

extension SessionPlan {
  /// What the file says before the first sample.
  ///
  /// `origin`: the host's monotonic clock at the recording clock's zero.
  func description(
    _ opened: [OpenedCircuit], _ info: StimulatorInfo?, origin: Nanoseconds
  ) -> RecordingDescription {
    let start = Self.start(at: origin)
    var result = RecordingDescription(
      identifier: "\(session.texts.id) \(start.iso8601) \(UUID().uuidString)",
      session: session.texts, start: start)
    result.generatedBy = software
    if !session.text.isEmpty {
      let name = session.path.split(separator: "/").last.map(String.init) ?? "session.json5"
      result.sourceScript = SourceScript(fileName: name, text: session.text)
    }
    result.subject = session.subject
    result.devices = devices(opened, info)
    let attributes = seriesAttributes(opened)
    result.series = zip(seriesSettings, attributes).map { settings, attributes in
      series(settings, attributes)
    }
    result.circuits = zip(circuits, opened).map { plan, circuit in
      CircuitClockDescription(
        name: plan.name, buffers: circuit.buffers.map(\.name),
        rate: circuit.buffers.first(where: { _ in true })?.rate ?? circuit.rate)
    }
    result.stimulator = stimulator.map { plan in
      StimulatorDescription(
        name: plan.name, channels: info?.channels ?? 0, rate: plan.rate,
        amplitudeUnit: plan.mode == .current ? .milliamperes : .millivolts)
    }
    let found = opened.flatMap(\.buffers)
    result.eventBuffers = session.buffers.filter { $0.kind == .events }.compactMap { settings in
      found.first { $0.name == settings.name }.map { eventBuffer(settings, $0) }
    }
    result.links = links
    result.watchedTags = circuits.flatMap { circuit in
      circuit.watchedTags.map { "\(circuit.name).\($0)" }
    }
    result.trialColumns = session.trialColumns
    return result
  }

  private func series(
    _ settings: BufferSettings, _ attributes: BufferAttributes
  ) -> SeriesDescription {
    let format = attributes.format
    let bytes = format.channels * format.destination.byteCount
    let rows = SeriesDescription.chunkRows(
      bytesPerFrame: bytes, rate: attributes.rate, flushSeconds: session.file.flushSeconds)
    let unit = format.framesPerUnit
    var series = SeriesDescription(
      name: settings.name,
      description: "Buffer \(settings.name) of circuit \(settings.circuit).",
      channels: format.channels, type: format.destination, rate: attributes.rate,
      unit: settings.unit, chunkRows: max(unit, rows / unit * unit))
    let gain = settings.gains.first ?? 1
    series.conversion =
      format.destination.isInteger ? gain / attributes.scalingFactor : gain
    series.resolution = attributes.resolution.map { abs(gain) * $0 } ?? -1
    series.electrodes = settings.electrodes
    series.comments = comments(settings, attributes)
    return series
  }

  private func eventBuffer(
    _ settings: BufferSettings, _ attributes: BufferAttributes
  ) -> EventBufferDescription {
    let list = attributes.comments(latch: session.circuit(settings.circuit)?.latchTrigger)
    return EventBufferDescription(
      name: settings.name,
      description: "Tick stamps of the store \(settings.dataTag) of circuit \(settings.circuit). "
        + list.map { "\($0.key)=\($0.value)" }.joined(separator: "; "),
      resolution: 1 / attributes.circuitRate)
  }

  private func comments(
    _ settings: BufferSettings, _ attributes: BufferAttributes
  ) -> [(key: String, value: String)] {
    var list: [(key: String, value: String)] = [("device", settings.circuit)]
    list += attributes.comments(latch: session.circuit(settings.circuit)?.latchTrigger)
    list += [
      ("dec", "\(attributes.decimation)"), ("pack_order", attributes.format.packOrder.rawValue),
      ("layout", attributes.format.layout.rawValue), ("circuit_fs", "\(attributes.circuitRate)"),
      ("phase", "known to \(attributes.decimation) ticks"),
    ]
    if let weaker = attributes.weakerPromise { list.append(("mode", weaker)) }
    if attributes.isGated { list.append(("gated", "true")) }
    if settings.circuit != circuits.first?.name {
      list.append(("clock", "\(settings.circuit)_clock"))
    }
    return list
  }

  private func devices(
    _ opened: [OpenedCircuit], _ info: StimulatorInfo?
  ) -> [DeviceDescription] {
    var list = zip(circuits, opened).map { plan, circuit in
      let settings = session.circuit(plan.name)
      var device = DeviceDescription(
        name: plan.name,
        description: "\(circuit.deviceDescription), \(circuit.rate) ticks a second.")
      if let model = settings?.model {
        device.model = .init(
          name: model, manufacturer: "Tucker-Davis Technologies",
          description: "Signal processor \(model).")
      }
      return device
    }
    if let stimulator, let info {
      var device = DeviceDescription(
        name: stimulator.name,
        description:
          "\(info.name), version \(info.version): \(info.channels) channels, \(info.dacBits) bits, "
          + "\(stimulator.mode.rawValue) mode, \(stimulator.rate) samples a second, "
          + "host ring \(stimulator.buffer) s, device ring \(stimulator.capacity) s, "
          + "sync-out \(stimulator.syncOutput).")
      device.serialNumber = info.serial
      device.model = .init(
        name: info.name, manufacturer: "Multi Channel Systems MCS GmbH",
        description: "Stimulus generator \(info.name).")
      list.append(device)
    }
    return list
  }

  private static func start(at origin: Nanoseconds) -> RecordingStart {
    var monotonic = timespec()
    var real = timespec()
    clock_gettime(CLOCK_MONOTONIC, &monotonic)
    clock_gettime(CLOCK_REALTIME, &real)
    func nanoseconds(_ time: timespec) -> Int64 {
      Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
    // A scaled or virtual clock begins now; the host's own began at `origin`.
    let since = nanoseconds(monotonic) - origin
    let age = since >= 0 && since < 600_000_000_000 ? since : 0
    let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    return RecordingStart(
      monotonicNanoseconds: origin, realtimeNanoseconds: nanoseconds(real) - age,
      offsetFromUTCSeconds: TimeZone.current.secondsFromGMT(),
      bootID: boot.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) } ?? "")
  }
}
