import Samples

extension BufferAttributes {
  /// Reads everything a circuit says of a buffer; changes nothing.
  static func introspected(
    _ request: BufferRequest, on circuit: any Circuit
  ) throws -> BufferAttributes {
    func fail(_ kind: BufferError.Kind, _ message: String) -> BufferError {
      BufferError(buffer: request.name, kind: kind, message: message)
    }
    try checkShape(request)
    let tags = Dictionary(
      circuit.tags.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    guard let data = tags[request.dataTag], data.type != .absent else {
      let buffers = circuit.tags.filter { $0.type == .buffer }.map(\.name).sorted()
      throw fail(
        .noSuchTag,
        "the circuit has no data tag \(request.dataTag); its buffers are "
          + (buffers.isEmpty ? "none" : buffers.joined(separator: ", ")))
    }
    guard data.type == .buffer, data.size > 0 else {
      throw fail(
        .notABuffer,
        "tag \(data.name) is not a buffer but \(data.type == .buffer ? "empty" : "\(data.type)")")
    }
    func tag(_ explicit: String?, _ suffix: String) throws -> String? {
      let name = explicit ?? request.dataTag + suffix
      guard let found = tags[name], found.type != .absent else {
        guard explicit == nil else {
          throw fail(.noSuchTag, "the circuit has no tag \(name), which the session names")
        }
        return nil
      }
      guard found.type.isScalar else {
        guard explicit == nil else {
          throw fail(
            .notAScalar,
            "tag \(name) is a \(found.type); a scalar is wanted (idx_tag, size_tag, sf_tag, "
              + "cycle_tag, dec_tag)")
        }
        return nil
      }
      return name
    }
    guard let index = try tag(request.indexTag, "_i") else {
      throw fail(
        .requiredTagMissing,
        "the circuit has no index tag \(request.dataTag)_i: a buffer needs one; name it (idx_tag)")
    }
    let size = try tag(request.sizeTag, "_n")
    let scaling = try tag(request.scalingTag, "_sf")
    let cycle = try tag(request.cycleTag, "_c")
    let decimation = try tag(request.decimationTag, "_d")
    let named = [
      ("idx_tag", index), ("size_tag", size), ("sf_tag", scaling), ("cycle_tag", cycle),
      ("dec_tag", decimation),
    ].compactMap { key, tag in tag.map { (key: key, tag: $0) } }
    for (number, one) in named.enumerated() {
      if let first = named[..<number].first(where: { $0.tag == one.tag }) {
        throw fail(
          .sameTag,
          "tag \(one.tag) is both \(first.key) and \(one.key); each needs a tag of its own")
      }
    }

    func value(_ tag: String?, else absent: Double) throws -> Double {
      guard let tag else { return absent }
      return Double(try circuit.values(of: [tag]).first ?? .nan)
    }
    let factor = try value(scaling, else: 1)
    guard factor > 0, factor.isFinite else {
      throw fail(
        .badScalingFactor,
        "scaling factor \(factor) (tag \(scaling ?? "")) is not allowed: it must be positive and "
          + "finite")
    }
    let ticks = try value(decimation, else: 1)
    guard ticks >= 1, ticks <= 16_777_216, ticks == ticks.rounded() else {
      throw fail(
        .badDecimation,
        "decimation \(ticks) (tag \(decimation ?? "")) is not allowed: a whole number from 1")
    }
    let slots = try value(size, else: Double(data.size))
    guard slots >= 1, slots <= Double(data.size), slots == slots.rounded() else {
      throw fail(
        .badSize,
        "size \(slots) slots (tag \(size ?? "")) is not allowed: 1 … \(data.size), what the "
          + "circuit allocated")
    }
    return BufferAttributes(
      name: request.name, dataTag: request.dataTag, indexTag: index, sizeTag: size,
      scalingTag: scaling, cycleTag: cycle, decimationTag: decimation, format: request.format,
      blockSize: request.blockSize ?? request.format.framesPerUnit, isGated: request.isGated,
      circuitRate: circuit.rate,
      scalingFactor: factor, decimation: Int(ticks), slots: Int(slots), maximumSlots: data.size)
  }

  private static func checkShape(_ request: BufferRequest) throws(BufferError) {
    let format = request.format
    func fail(_ kind: BufferError.Kind, _ message: String) -> BufferError {
      BufferError(buffer: request.name, kind: kind, message: message)
    }
    guard !request.name.isEmpty, !request.name.contains(where: { $0 == "/" || $0 == ":" }) else {
      throw fail(.badName, "the name is not allowed: it must not be empty or contain / or :")
    }
    guard format.channels > 0 else {
      throw fail(.badChannels, "channels \(format.channels) is not allowed: at least 1")
    }
    guard format.layout == .channels || format.channels == 1 else {
      throw fail(
        .badLayout, "layout time is for a single channel, not for \(format.channels) channels")
    }
    guard format.layout == .time || format.channels % format.source.samplesPerSlot == 0 else {
      throw fail(
        .badChannels,
        "\(format.channels) channels of \(format.source.rawValue) do not fill whole slots: "
          + "a multiple of \(format.source.samplesPerSlot), or one channel")
    }
    if let blockSize = request.blockSize, blockSize < 1 {
      throw fail(.badBlockSize, "block_size \(blockSize) is not allowed: at least 1")
    }
  }
}
