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
  /// nil: the data tag with the customary suffix (`_i _n _sf _c _d`), where the circuit has it.
  public var indexTag: String?
  public var sizeTag: String?
  public var scalingTag: String?
  public var cycleTag: String?
  public var decimationTag: String?
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
    indexTag = reader.text("idx_tag")
    sizeTag = reader.text("size_tag")
    scalingTag = reader.text("sf_tag")
    cycleTag = reader.text("cycle_tag")
    decimationTag = reader.text("dec_tag")
    format = SlotFormat(
      source: reader.choice("src_type", default: .float32), destination: .float32,
      channels: reader.integer("channels", in: 1...4096, default: 1),
      packOrder: reader.choice("pack_order", default: .lsb))
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

  /// What is asked of the circuit's buffer.
  public var request: BufferRequest {
    BufferRequest(
      name: name, dataTag: dataTag, indexTag: indexTag, sizeTag: sizeTag, scalingTag: scalingTag,
      cycleTag: cycleTag, decimationTag: decimationTag, format: format)
  }

  /// Looks into the source: whether it can be read, and whether its channels are the output's and
  /// its samples fill whole slots.
  private mutating func readSource(_ value: ValueReader, in folder: SessionFolder) {
    guard let (path, bytes) = folder.bytes(of: value) else { return }
    source = path
    do throws(ArrayFileError) {
      let (frames, channels) = try Self.shape(of: bytes, isArray: path.hasNumpySuffix)
      let unit = format.isValid ? format.framesPerUnit : 1
      if channels != format.channels {
        value.report("\(path) has \(channels) channels, the output \(format.channels)")
      } else if frames == 0 {
        value.report("\(path) has no samples; at least \(unit) per channel are wanted")
      } else if mode == .epoch, frames % unit != 0 {
        value.report(
          "\(path) has \(frames) samples, which do not fill whole slots of "
            + "\(format.source.rawValue); allowed: multiples of \(unit)")
      }
    } catch {
      value.report("\(path): \(error)")
    }
  }
  private static func shape(
    of bytes: [UInt8], isArray: Bool
  ) throws(ArrayFileError) -> (frames: Int, channels: Int) {
    if isArray {
      let array = try NumpyArray(parsing: bytes)
      return (array.frames, array.channels)
    }
    let sound = try WaveFile(parsing: bytes)
    return (sound.frames, sound.channels)
  }
}

extension String {
  /// Whether a source is an array rather than a sound.
  var hasNumpySuffix: Bool { lowercased().hasSuffix(".npy") }
}
