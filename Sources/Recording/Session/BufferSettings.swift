public import Devices
public import NWB
public import Samples

/// One of `buffers`.
public struct BufferSettings: Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    case samples
    /// A store of tick stamps.
    case events
  }

  public enum Overrun: String, Sendable, CaseIterable {
    /// The loss is declared, and the recording goes on.
    case gap
    /// The recording ends.
    case stop
  }

  public var name = ""
  /// The name of its circuit.
  public var circuit = ""
  public var kind = Kind.samples
  /// The buffer's name where it is not given.
  public var dataTag = ""
  /// nil: the data tag with the customary suffix (`_i _n _sf _c _d`), where the circuit has it.
  public var indexTag: String?
  public var sizeTag: String?
  public var scalingTag: String?
  public var cycleTag: String?
  public var decimationTag: String?
  public var format: SlotFormat
  /// Frames that are read together.
  public var blockSize = 1
  /// Ticks per frame to set; nil: as found.
  public var decimation: Int?
  /// Samples per channel to set; nil: as found.
  public var size: Int?
  public var isGated = false
  public var unit = "a.u."
  /// Value in `unit` = code / sf · gain, one for each channel.
  public var gains: [Double]
  /// One for each channel; device and factors are filled in.
  public var electrodes: ElectrodesDescription?
  public var onOverrun = Overrun.gap

  init(reading reader: ObjectReader, in folder: SessionFolder) {
    name = reader.requiredText("name")
    circuit = reader.requiredText("circuit")
    kind = reader.choice("kind", default: kind)
    let isEvents = kind == .events
    let channels =
      isEvents
      ? reader.integer("channels", in: 1...1, default: 1)
      : reader.required("channels", "their number")?.integer(in: 1...4096) ?? 1
    dataTag = reader.text("data_tag", default: name)
    indexTag = reader.text("idx_tag")
    sizeTag = reader.text("size_tag")
    scalingTag = reader.text("sf_tag")
    cycleTag = reader.text("cycle_tag")
    decimationTag = reader.text("dec_tag")
    format = SlotFormat(
      source: reader.choice("src_type", default: isEvents ? .int32 : .float32),
      destination: reader.choice("dest_type", default: isEvents ? .int32 : .float32),
      channels: channels,
      packOrder: reader.choice("pack_order", default: .lsb),
      layout: reader.choice("layout", default: .channels))
    blockSize = reader.integer("block_size", in: 1...(1 << 30), default: format.framesPerUnit)
    decimation = reader.integer("dec_factor", in: 1...(1 << 24))
    size = reader.integer("size", in: 1...(1 << 30))
    isGated = reader.flag("gated", default: isGated)
    onOverrun = reader.choice("on_overrun", default: onOverrun)
    gains = reader["gain"]?.gains(channels) ?? Array(repeating: 1, count: channels)
    let givenUnit = reader.text("unit")
    if let section = reader["electrodes"] {
      electrodes = section.object { electrodes in
        ElectrodesDescription(
          reading: electrodes, channels: channels, buffer: name, circuit: circuit, in: folder)
      }
      unit = givenUnit ?? "volts"
      let factors = channelConversion
      electrodes?.channelConversion = factors
    } else {
      unit = givenUnit ?? unit
    }
    checkShape(reader)
  }

  /// What is asked of the circuit's buffer.
  public var request: BufferRequest {
    BufferRequest(
      name: name, dataTag: dataTag, indexTag: indexTag, sizeTag: sizeTag, scalingTag: scalingTag,
      cycleTag: cycleTag, decimationTag: decimationTag, format: format, blockSize: blockSize,
      decimation: decimation, size: size, isGated: isGated)
  }

  /// Factors besides the first channel's gain; nil where all gains are the same.
  private var channelConversion: [Float]? {
    guard let first = gains.first, gains.contains(where: { $0 != first }) else { return nil }
    return gains.map { Float($0 / first) }
  }
}

extension ValueReader {
  /// A gain, or one for each channel.
  fileprivate func gains(_ channels: Int) -> [Double]? {
    guard case .list(let nodes) = node.content else {
      return gain().map { Array(repeating: $0, count: channels) }
    }
    guard nodes.count == channels else {
      report("\(nodes.count) gains for \(channels) channels; one, or one for each, is allowed")
      return nil
    }
    let gains = list { $0.gain() } ?? []
    return gains.count == channels ? gains : nil
  }

  private func gain() -> Double? {
    guard let gain = number() else { return nil }
    guard gain != 0 else {
      refuse(allowed: "a gain that is not 0")
      return nil
    }
    return gain
  }
}
