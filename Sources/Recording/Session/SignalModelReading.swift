import Devices

extension ValueReader {
  /// What a simulated store writes: an object with one key, the kind.
  ///
  /// `{ counter: true }`, `{ sine: { amplitude, frequency, phase_step } }`,
  /// `{ noise: { deviation, correlation } }`, `{ spikes: { amplitude, rate, noise } }`,
  /// `{ playback: { file, scale, loop } }`,
  /// `{ evoked: { channel, gain, latency_ms, time_constant_ms } }`, `{ output: { channel } }`,
  /// `{ sync: { output, level } }`, `{ played_by: "data tag" }`, `{ stamps: { period } }`,
  /// `{ sum: [ … ] }`, `{ channels: { "0": …, else: … } }`.
  func signalModel(in folder: SessionFolder) -> SignalModel? {
    object { reader -> SignalModel? in
      var models: [(key: String, model: SignalModel?)] = []
      func kind(_ key: String, _ read: (ValueReader) -> SignalModel?) {
        if let value = reader[key] { models.append((key, read(value))) }
      }
      kind("counter") { $0.flag() == nil ? nil : .counter }
      kind("sine") { $0.object(sine) }
      kind("noise") { $0.object(noise) }
      kind("spikes") { $0.object(spikes) }
      kind("playback") { $0.object { playback($0, in: folder) } ?? nil }
      kind("evoked") { $0.object(evoked) }
      kind("output") { $0.object { .output(stimulusChannel: $0.channel()) } }
      kind("sync") { $0.object(sync) }
      kind("played_by") { $0.text().map { .playedBy(dataTag: $0) } }
      kind("stamps") { $0.object(stamps) }
      kind("sum") { $0.list { $0.signalModel(in: folder) }.map { .sum($0) } }
      kind("channels") { $0.channelModels(in: folder) }
      // Unknown kinds are reported as keys.
      if models.isEmpty, reader.isEmpty {
        refuse(allowed: "one of \(reader.known.joined(separator: ", "))")
      }
      if models.count > 1 {
        reader.report(
          "\(models[0].key) stands here already; allowed: one, or { sum: [ … ] }",
          at: models[1].key)
      }
      return models.first?.model
    } ?? nil
  }

  private func sine(_ reader: ObjectReader) -> SignalModel {
    .sine(
      amplitude: reader.number("amplitude", default: 100),
      frequency: reader.number("frequency", in: .above(0), default: 10),
      phaseStep: reader.number("phase_step", default: 0))
  }

  private func noise(_ reader: ObjectReader) -> SignalModel {
    .noise(
      deviation: reader.number("deviation", in: .atLeast(0), default: 10),
      correlation: reader.number("correlation", in: .within(-0.9999...0.9999), default: 0))
  }

  private func spikes(_ reader: ObjectReader) -> SignalModel {
    .spikes(
      amplitude: reader.number("amplitude", default: 100),
      rate: reader.number("rate", in: .atLeast(0), default: 5),
      noise: reader.number("noise", in: .atLeast(0), default: 10))
  }

  private func playback(_ reader: ObjectReader, in folder: SessionFolder) -> SignalModel? {
    let scale = reader.number("scale", default: 1)
    let loop = reader.flag("loop", default: false)
    guard let value = reader.required("file", "a .npy file"), let file = folder.bytes(of: value)
    else { return nil }
    return .playback(path: file.path, scale: scale, loop: loop)
  }

  private func evoked(_ reader: ObjectReader) -> SignalModel {
    .evoked(
      stimulusChannel: reader.channel(),
      gain: reader.number("gain", default: 1),
      latency: reader.number("latency_ms", in: .within(0...1000), default: 2) / 1000,
      timeConstant: reader.number("time_constant_ms", in: .above(0, atMost: 1000), default: 5)
        / 1000)
  }

  private func sync(_ reader: ObjectReader) -> SignalModel {
    .sync(
      output: reader.integer("output", in: 0...63, default: 0),
      level: reader.number("level", default: 1))
  }

  private func stamps(_ reader: ObjectReader) -> SignalModel {
    .stamps(
      period: reader.required("period", "a number of ticks")?.integer(in: 1...Int(Int32.max)) ?? 1)
  }

  /// Models by channel; `else` is for the rest, which is silent without it.
  private func channelModels(in folder: SessionFolder) -> SignalModel? {
    guard let entries = entries() else { return nil }
    let rest = entries.first { $0.key == "else" }?.value.signalModel(in: folder) ?? .sum([])
    return entries.reversed().reduce(rest) { model, entry in
      if entry.key == "else" { return model }
      guard let channel = Int(entry.key), channel >= 0 else {
        entry.value.report("unknown key; allowed: a channel's number in quotes, else")
        return model
      }
      guard let own = entry.value.signalModel(in: folder) else { return model }
      return .channel(channel, own, else: model)
    }
  }
}
