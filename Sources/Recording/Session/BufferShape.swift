import Samples

extension BufferSettings {
  /// Checks what a buffer's keys say of one another (buffers.md, "Opening fails with").
  func checkShape(_ reader: ObjectReader) {
    let (source, destination) = (format.source, format.destination)
    let perSlot = source.samplesPerSlot
    if format.layout == .time, format.channels > 1 {
      reader.report(
        "layout time is for a single channel, not for \(format.channels); allowed: \"channels\"",
        at: "layout")
    } else if !format.isValid {
      reader.report(
        "\(format.channels) channels of \(source.rawValue) do not fill whole slots; allowed: "
          + "multiples of \(perSlot), or 1",
        at: "channels")
    }
    checkSizes(reader)
    if source.isInteger, destination.isInteger, destination.byteCount < 4 / perSlot {
      let allowed = DestinationType.allCases.filter { !$0.isInteger || $0.byteCount >= 4 / perSlot }
      reader.report(
        "\(destination.rawValue) does not hold every code of \(source.rawValue); allowed: "
          + allowed.map { "\"\($0.rawValue)\"" }.joined(separator: ", "),
        at: "dest_type")
    }
    if kind == .events { checkEvents(reader) } else { checkUnit(reader) }
  }

  private func checkSizes(_ reader: ObjectReader) {
    let step = format.framesPerUnit
    if let size, size % step != 0 {
      reader.report(
        "\(size) samples do not fill whole slots of \(step); allowed: multiples of \(step)",
        at: "size")
    }
    if let size, blockSize > size {
      reader.report(
        "\(blockSize) is not allowed; allowed: 1 to \(size), the buffer's size", at: "block_size")
    } else if blockSize % step != 0 {
      reader.report(
        "\(blockSize) frames do not fill whole slots of \(step); allowed: multiples of \(step)",
        at: "block_size")
    }
  }

  private func checkEvents(_ reader: ObjectReader) {
    if format.source != .int32 {
      reader.report("tick stamps are int32; allowed: \"int32\"", at: "src_type")
    }
    if format.destination != .int32 {
      reader.report("tick stamps stay int32; allowed: \"int32\"", at: "dest_type")
    }
    if electrodes != nil {
      reader.report("tick stamps have no electrodes; leave them out", at: "electrodes")
    }
  }

  private func checkUnit(_ reader: ObjectReader) {
    if electrodes != nil, unit != "volts" {
      reader.report(
        "\"\(unit)\" is not allowed with electrodes; allowed: \"volts\" (and a gain)", at: "unit")
    }
    if electrodes == nil, Set(gains).count > 1 {
      reader.report(
        "different gains are only stored with electrodes; allowed without: one number", at: "gain")
    }
  }
}
