import Devices
import Samples

extension ObjectReader {
  /// The stimulator's channel that an entry is for.
  func channel() -> Int { required("channel", "its number")?.integer(in: 0...63) ?? 0 }

  /// A signal as amplitudes and durations, as a `pulse`, or from a `file`; with `repeat` periods, or
  /// until replaced. What is wrong is reported, and nil returned.
  func signal(channel: Int, mode: StimulusMode, in folder: SessionFolder) -> Signal? {
    let amplitudes = mode.amplitudesKey
    // Asked for first, so that every form is known whichever is used.
    let forms = [amplitudes, "pulse", "file"].filter { has($0) }
    let durations = self["durations_in_ms"]?.numbers(in: .atLeast(0))
    let fileChannel = integer("file_channel", in: 0...63)
    let repeats = integer("repeat", in: 1...Int(Int32.max), default: 0)

    guard let form = forms.first else {
      report(
        "is missing; \(amplitudes) and durations_in_ms, pulse or file is required",
        at: amplitudes)
      return nil
    }
    if forms.count > 1 {
      report("\(forms[0]) says the signal already; one of them is allowed", at: forms[1])
    }
    if form != amplitudes, has("durations_in_ms") {
      report("goes with \(amplitudes), not with \(form)", at: "durations_in_ms")
    }
    var signal: Signal?
    switch form {
    case amplitudes:
      if !has("durations_in_ms") {
        report("is missing; one for each amplitude is required", at: "durations_in_ms")
      }
      if let amplitudes = self[amplitudes]?.numbers(), let durations {
        signal = Signal(amplitudes: amplitudes, durations: durations)
      }
    case "pulse": signal = self["pulse"]?.pulse(mode)
    default: signal = self["file"]?.stimulusFile(fileChannel, channel, mode, in: folder)
    }
    signal?.repeats = repeats
    return signal
  }

  /// Permits more than 200 ms without a sample of zero, during which the stimulator cannot be fed
  /// without the risk of cutting a phase.
  func allowsLongPhase() -> Bool { flag("allow_long_phase", default: false) }
}

extension StimulusMode {
  /// What the amplitudes of a signal are called.
  var amplitudesKey: String { self == .current ? "amplitudes_in_mA" : "amplitudes_in_mV" }

  var intensityKey: String { self == .current ? "intensity_in_mA" : "intensity_in_mV" }

  var unit: CodeScale.Unit { self == .current ? .milliamperes : .millivolts }
}

extension ValueReader {
  fileprivate func pulse(_ mode: StimulusMode) -> Signal? {
    object { reader -> Signal? in
      let intensity = reader.required(mode.intensityKey, "a number")?.number()
      let width = reader.required("pulsewidth_in_ms", "a number")?.number(in: .above(0))
      let pulse = Pulse(
        intensity: intensity ?? 0,
        mode: reader.choice("mode", default: .biphasic),
        width: width ?? 1,
        interphase: reader.number("interphase_in_ms", in: .atLeast(0), default: 0),
        recoveryRatio: reader.number("recovery_ratio", in: .above(0), default: 1),
        burstCount: reader.integer("burstcount", in: 1...1_000_000, default: 1),
        isi: reader.required("isi_in_ms", "the pause after each pulse")?
          .number(in: .atLeast(0)) ?? 1)
      guard intensity != nil, width != nil else { return nil }
      do throws(SignalError) { return try pulse.signal() } catch {
        report("\(error)")
        return nil
      }
    } ?? nil
  }

  /// The signal of a channel of an MCS stimulus file: `fileChannel` (from 0), else the only one,
  /// else the one of the same number.
  fileprivate func stimulusFile(
    _ fileChannel: Int?, _ channel: Int, _ mode: StimulusMode, in folder: SessionFolder
  ) -> Signal? {
    guard let (path, bytes) = folder.bytes(of: self) else { return nil }
    do throws(StimulusFileError) {
      let file = try StimulusFile(parsing: String(decoding: bytes, as: UTF8.self))
      guard file.unit == mode.unit else {
        report("\(path) is in \(file.unit.rawValue), the stimulator in \(mode.unit.rawValue)")
        return nil
      }
      let only = file.signals.count == 1 ? file.signals.keys.first : nil
      let wanted = fileChannel ?? only ?? channel
      guard let signal = file.signals[wanted] else {
        let channels = file.signals.keys.sorted().map { "\($0)" }.joined(separator: ", ")
        report("\(path) has no signal for channel \(wanted); file_channel allowed: \(channels)")
        return nil
      }
      return signal
    } catch {
      report("\(path): \(error)")
      return nil
    }
  }
}
