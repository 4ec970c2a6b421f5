public import Samples

/// A DSP buffer as the circuit has it: everything `daqrec probe` shows and the file's comments hold.
///
/// Names in parentheses are those of the reference implementation (TDTPy `DSPBuffer`).
public struct BufferAttributes: Sendable, Equatable {
  public let name: String
  public let dataTag: String
  public let indexTag: String
  /// nil where the circuit has no such tag.
  public let sizeTag: String?
  public let scalingTag: String?
  public let cycleTag: String?
  public let decimationTag: String?
  public let format: SlotFormat
  public let blockSize: Int
  public let isGated: Bool
  /// Ticks a second of the circuit.
  public let circuitRate: Double
  /// value = code / scaling factor (`sf`).
  public var scalingFactor: Double
  /// Ticks per frame (`dec_factor`).
  public internal(set) var decimation: Int
  /// Slots of the ring (`n_slots`), and the most the circuit has memory for (`n_slots_max`).
  public internal(set) var slots: Int
  public let maximumSlots: Int

  /// Frames a second (`fs`).
  public var rate: Double { circuitRate / Double(decimation) }

  /// Slots a second.
  public var slotRate: Double {
    rate * Double(format.slotsPerUnit) / Double(format.framesPerUnit)
  }

  /// One code step in units of the value; nil for floating sources.
  public var resolution: Double? { format.source.isInteger ? 1 / scalingFactor : nil }

  /// Samples of all channels (`n_samples`).
  public var samples: Int { slots * format.source.samplesPerSlot }
  public var maximumSamples: Int { maximumSlots * format.source.samplesPerSlot }

  /// Samples per channel (`size`).
  public var size: Int { samples / format.channels }
  public var maximumSize: Int { maximumSamples / format.channels }

  /// Seconds until the ring has filled once (`sample_time`).
  public var sampleTime: Double { Double(size) / rate }
  public var maximumSampleTime: Double { Double(maximumSize) / rate }

  public var ringTags: RingTags { RingTags(data: dataTag, index: indexTag, cycle: cycleTag) }
}

extension BufferAttributes {
  /// Looks a buffer up on a circuit, sets what was asked for, and checks what is found.
  ///
  /// - Throws: a ``BufferError`` that names the buffer and what is allowed, or the
  ///   ``DeviceError`` of a call.
  public init(opening request: BufferRequest, on circuit: any Circuit) throws {
    self = try Self.introspected(request, on: circuit)
    // Everything is checked before anything is set.
    let ticks = try request.decimation.map(checkedDecimation)
    if let wanted = request.size {
      try resize(to: wanted, on: circuit)
    } else {
      try checkSize(slots)
    }
    if let ticks {
      try circuit.set(ticks.tag, to: Float(ticks.count))
      decimation = ticks.count
    }
  }

  /// Changes the ring's size; reading starts anew afterwards.
  ///
  /// - Throws: ``BufferError`` when the size is not allowed, else the call's ``DeviceError``.
  public mutating func resize(to size: Int, on circuit: any Circuit) throws {
    let (samples, overflow) = size.multipliedReportingOverflow(by: format.channels)
    guard size > 0, !overflow, samples % format.source.samplesPerSlot == 0 else {
      throw error(
        .badSize,
        "size \(size) is not allowed: multiples of \(framesPerStep) (whole slots) up to "
          + "\(maximumSize) samples per channel")
    }
    let wanted = samples / format.source.samplesPerSlot
    try checkSize(wanted)
    if wanted != slots {
      guard let sizeTag else {
        throw error(
          .badSize,
          "size \(size) cannot be set: the circuit has no tag \(dataTag)_n; leave size out, or "
            + "give \(self.size)")
      }
      try circuit.set(sizeTag, to: Float(wanted))
      slots = wanted
    }
  }

  /// Frames between allowed sizes: the fewest frames that fill whole slots and whole ticks.
  private var framesPerStep: Int {
    format.layout == .time ? format.source.samplesPerSlot : 1
  }

  private func checkedDecimation(_ wanted: Int) throws(BufferError) -> (tag: String, count: Int) {
    guard let decimationTag else {
      throw error(
        .noDecimationTag,
        "dec_factor \(wanted) was asked for, but the circuit has no tag \(dataTag)_d: leave "
          + "dec_factor out, or name the tag (dec_tag)")
    }
    guard wanted > 0, wanted <= 1 << 24 else {
      throw error(.badDecimation, "dec_factor \(wanted) is not allowed: 1 … 16777216")
    }
    return (decimationTag, wanted)
  }

  private func checkSize(_ slots: Int) throws(BufferError) {
    // An index is a float32 scalar: exact up to 2^24.
    let most = min(maximumSlots, 1 << 24)
    guard slots > 0, slots <= most else {
      let (perSlot, channels) = (format.source.samplesPerSlot, format.channels)
      throw error(
        .badSize,
        "size \(slots * perSlot / channels) (\(slots) slots) is not allowed: "
          + "1 … \(most * perSlot / channels) samples per channel (\(most) slots)")
    }
    guard slots % format.slotsPerUnit == 0 else {
      throw error(
        .badSize,
        "\(slots) slots are no multiple of the \(format.slotsPerUnit) words per tick of "
          + "\(format.channels) channels of \(format.source.rawValue)")
    }
    let frames = slots * format.source.samplesPerSlot / format.channels
    guard (1...frames).contains(blockSize) else {
      throw error(
        .badBlockSize, "block_size \(blockSize) is not allowed: 1 … \(frames) (the buffer's size)")
    }
    guard blockSize % format.framesPerUnit == 0 else {
      throw error(
        .badBlockSize,
        "block_size \(blockSize) is not allowed in layout time: multiples of "
          + "\(format.framesPerUnit), the samples per slot")
    }
  }

  private func error(_ kind: BufferError.Kind, _ message: String) -> BufferError {
    BufferError(buffer: name, kind: kind, message: message)
  }
}
