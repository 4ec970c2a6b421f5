import Glibc
import Samples

/// Measures unpacking against `memcpy` of the output's bytes, in interleaved pairs.
enum UnpackBench {
  /// One measured conversion: so many bytes of output from one call.
  struct Case {
    let format: SlotFormat
    let scalingFactor: Double
    let outputBytes: Int

    static func all(quick: Bool) -> [Case] {
      let sizes = quick ? [128 << 10, 8 << 20] : [128 << 10, 64 << 20]
      let pairs: [(SourceType, DestinationType)] = [
        (.int16, .float32), (.int8, .float32), (.int32, .float32), (.float32, .float32),
        (.int16, .int16), (.int16, .float64), (.int16, .int32), (.int32, .int16),
        (.float32, .int16),
      ]
      return sizes.flatMap { bytes in
        pairs.flatMap { source, destination in
          let orders: [PackOrder] = source.samplesPerSlot > 1 ? [.lsb, .msb] : [.lsb]
          return orders.map { order in
            Case(
              format: SlotFormat(
                source: source, destination: destination, channels: 64, packOrder: order),
              scalingFactor: source == .float32 ? 1 : 3276.7, outputBytes: bytes)
          }
        }
      }
    }
  }

  /// Prints a JSON line per case; `--pairs N` (at least 9), `--quick` for smaller outputs.
  ///
  /// `ratio_to_memcpy` is the median over the pairs of memcpy's time by the decoder's.
  static func run(arguments: [String]) -> Int32 {
    var pairs = 9
    var quick = false
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--quick": quick = true
      case "--pairs":
        guard let text = rest.popFirst(), let number = Int(text), number >= 9 else {
          return complain("--pairs takes a number of at least 9")
        }
        pairs = number
      default: return complain("unknown argument '\(argument)'; known: --pairs N, --quick")
      }
    }
    for item in Case.all(quick: quick) {
      guard let line = measure(item, pairs: pairs) else { return complain("decoding failed") }
      emit(line, to: STDOUT_FILENO)
    }
    return 0
  }

  private static func complain(_ message: String) -> Int32 {
    emit("daqrec-bench unpack: \(message)", to: STDERR_FILENO)
    return 64
  }

  private static func emit(_ line: String, to descriptor: Int32) {
    let bytes = Array((line + "\n").utf8)
    _ = write(descriptor, bytes, bytes.count)
  }

  private static func measure(_ item: Case, pairs: Int) -> String? {
    let format = item.format
    let slotCount =
      item.outputBytes / (format.destination.byteCount * format.source.samplesPerSlot)
    let slots = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: slotCount)
    let output = UnsafeMutableRawBufferPointer.allocate(
      byteCount: item.outputBytes, alignment: 64)
    let copySource = UnsafeMutableRawBufferPointer.allocate(
      byteCount: item.outputBytes, alignment: 64)
    let copyTarget = UnsafeMutableRawBufferPointer.allocate(
      byteCount: item.outputBytes, alignment: 64)
    defer {
      slots.deallocate()
      output.deallocate()
      copySource.deallocate()
      copyTarget.deallocate()
    }
    fill(slots, format)
    for buffer in [copySource, copyTarget, output] {
      _ = buffer.initializeMemory(as: UInt8.self, repeating: 1)
    }
    let decoder = SlotDecoder(format: format, scalingFactor: item.scalingFactor)
    // One timing lasts about 10 ms or one call, whichever is longer.
    let calls = max(1, (32 << 20) / item.outputBytes)
    var decodeTimes: [Double] = []
    var ratios: [Double] = []
    decodeTimes.reserveCapacity(pairs)
    ratios.reserveCapacity(pairs)
    for pair in 0...pairs {
      let start = seconds()
      for _ in 0..<calls {
        do {
          try decoder.decode(UnsafeBufferPointer(slots), into: output)
        } catch {
          return nil
        }
      }
      let middle = seconds()
      for _ in 0..<calls { copy(copySource, copyTarget) }
      let end = seconds()
      // The first pair warms up.
      if pair > 0 {
        decodeTimes.append((middle - start) / Double(calls))
        ratios.append((end - middle) / (middle - start))
      }
    }
    let rate = Double(item.outputBytes) / median(decodeTimes) / 1e9
    return "{\"bench\": \"unpack\", \"source\": \"\(format.source.rawValue)\", "
      + "\"destination\": \"\(format.destination.rawValue)\", "
      + "\"pack_order\": \"\(format.packOrder.rawValue)\", "
      + "\"output_bytes\": \(item.outputBytes), \"pairs\": \(pairs), "
      + "\"ratio_to_memcpy\": \(rounded(median(ratios))), "
      + "\"output_GB_s\": \(rounded(rate))}"
  }

  /// Pseudo-random words whose samples fit every destination asked for.
  private static func fill(_ slots: UnsafeMutableBufferPointer<UInt32>, _ format: SlotFormat) {
    var word: UInt32 = 1
    for index in slots.indices {
      word = word &* 1_664_525 &+ 1_013_904_223
      slots[index] =
        switch format.source {
        case .float32: Float(Int32(bitPattern: word) >> 18).bitPattern
        case .int32: UInt32(bitPattern: Int32(bitPattern: word) >> 16)
        case .int16, .int8: word
        }
    }
  }

  @inline(never)
  private static func copy(
    _ source: UnsafeMutableRawBufferPointer, _ target: UnsafeMutableRawBufferPointer
  ) {
    guard let from = source.baseAddress, let to = target.baseAddress else { return }
    memcpy(to, from, source.count)
  }

  private static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted[sorted.count / 2]
  }

  private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
