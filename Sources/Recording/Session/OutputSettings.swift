public import Devices
public import Samples

/// One of `outputs`: a sound or any waveform that a circuit plays from a buffer.
public struct OutputSettings: Sendable, Equatable {
  public enum Mode: String, Sendable, CaseIterable {
    /// Loaded once, before the circuit runs.
    case epoch
    /// Fed while the circuit runs.
    case continuous
  }

  public var name = ""
  public var circuit = ""
  /// The output's name where it is not given.
  public var dataTag = ""
  public var format: SlotFormat
  /// Path of a .wav or .npy file, resolved.
  public var source = ""
  public var mode = Mode.epoch
  /// What makes the circuit play; nil: the circuit itself.
  public var trigger: Trigger?

  init(reading reader: ObjectReader, in folder: SessionFolder) {
    name = reader.requiredText("name")
    circuit = reader.requiredText("circuit")
    dataTag = reader.text("data_tag", default: name)
    format = SlotFormat(
      source: reader.choice("src_type", default: .float32), destination: .float32,
      channels: reader.integer("channels", in: 1...4096, default: 1))
    mode = reader.choice("mode", default: mode)
    trigger = reader["trigger"]?.trigger()
    if !format.isValid {
      reader.report(
        "\(format.channels) channels of \(format.source.rawValue) do not fill whole slots; "
          + "allowed: multiples of \(format.source.samplesPerSlot), or 1",
        at: "channels")
    }
    guard let value = reader.required("source", "a .wav or .npy file") else { return }
    readSource(value, in: folder)
  }

  /// Looks into the source: whether it can be read, and whether its channels are the output's.
  private mutating func readSource(_ value: ValueReader, in folder: SessionFolder) {
    guard let (path, bytes) = folder.bytes(of: value) else { return }
    source = path
    do throws(ArrayFileError) {
      let channels =
        path.lowercased().hasSuffix(".npy")
        ? try NumpyArray(parsing: bytes).channels : try WaveFile(parsing: bytes).channels
      if channels != format.channels {
        value.report("\(path) has \(channels) channels, the output \(format.channels)")
      }
    } catch {
      value.report("\(path): \(error)")
    }
  }
}
