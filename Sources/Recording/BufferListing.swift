public import Devices
import Samples

extension BufferAttributes {
  /// Every attribute by its name in the field, null where there is none: for probe and the file.
  ///
  /// `latch`: the software trigger that latches the circuit's positions.
  public func listing(latch: Int?) -> [(name: String, value: JSONValue)] {
    func text(_ value: String?) -> JSONValue { value.map { .text($0) } ?? .null }
    return [
      ("data_tag", .text(dataTag)), ("idx_tag", .text(indexTag)), ("size_tag", text(sizeTag)),
      ("sf_tag", text(scalingTag)), ("cycle_tag", text(cycleTag)),
      ("dec_tag", text(decimationTag)), ("src_type", .text(format.source.rawValue)),
      ("dest_type", .text(format.destination.rawValue)),
      ("compression", .whole(format.source.samplesPerSlot)), ("sf", .number(scalingFactor)),
      ("resolution", resolution.map { .number($0) } ?? .null),
      ("dec_factor", .whole(decimation)), ("fs", .number(rate)),
      ("channels", .whole(format.channels)), ("block_size", .whole(blockSize)),
      ("n_slots", .whole(slots)), ("n_samples", .whole(samples)), ("size", .whole(size)),
      ("sample_time", .number(sampleTime)), ("n_slots_max", .whole(maximumSlots)),
      ("n_samples_max", .whole(maximumSamples)), ("size_max", .whole(maximumSize)),
      ("max_sample_time", .number(maximumSampleTime)),
      ("latch_trigger", latch.map { .whole($0) } ?? .null),
    ]
  }

  /// The same as texts for the file: what is absent is left out, but for a resolution, which is −1,
  /// and a latch, which is none.
  func comments(latch: Int?) -> [(key: String, value: String)] {
    listing(latch: latch).compactMap { name, value in
      switch value {
      case .text(let text): (name, text)
      case .null where name == "resolution": (name, "-1")
      case .null where name == "latch_trigger": (name, "none")
      case .null: nil
      default: (name, value.description)
      }
    }
  }

  /// What is not promised of a buffer without a cycle tag; nil of others.
  var weakerPromise: String? {
    guard cycleTag == nil else { return nil }
    return
      "index only (no cycle tag): laps are told by the clock alone, and a lap of a whole number "
      + "of buffers, or a reset as the index wraps, cannot be seen"
  }
}
