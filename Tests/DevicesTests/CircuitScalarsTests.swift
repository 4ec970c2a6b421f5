import Devices
import Testing

@Suite("Scalar tags by their type")
struct CircuitScalarsTests {
  private let circuit = TableCircuit(
    tags: [
      TagInfo(name: "on", type: .logic, size: 1), TagInfo(name: "count", type: .integer, size: 1),
      TagInfo(name: "gain", type: .float, size: 1), TagInfo(name: "index", type: .latch, size: 1),
      TagInfo(name: "lfp", type: .buffer, size: 100),
      TagInfo(name: "odd", type: .float, size: 1),
    ],
    scalars: ["on": 1, "count": 41.9999, "gain": 2.5, "index": 7])

  @Test("A value has the type of its tag")
  func get() throws {
    #expect(try circuit.scalar("on") == .logic(true))
    #expect(try circuit.scalar("count") == .integer(42))
    #expect(try circuit.scalar("gain") == .float(2.5))
    #expect(try circuit.scalar("index") == .integer(7))
  }

  @Test("A value is set as the type allows")
  func set() throws {
    try circuit.setScalar("on", to: 0)
    try circuit.setScalar("count", to: -16_777_216)
    try circuit.setScalar("gain", to: 0.1)
    #expect(circuit.settings == ["on 0.0", "count -16777216.0", "gain 0.1"])
  }

  @Test(
    "What the type does not allow is refused, and nothing is set",
    arguments: [
      ("on", 2, "2.0 is not allowed: a logic tag takes 0 or 1"),
      (
        "count", 1.5,
        "1.5 is not allowed: an integer tag takes whole numbers from -16777216 to 16777216"
      ),
      (
        "count", 16_777_217,
        "16777217.0 is not allowed: an integer tag takes whole numbers from -16777216 to 16777216"
      ),
      ("gain", 1e39, "1e+39 is not allowed: a tag takes finite float32 numbers"),
      ("gain", .nan, "nan is not allowed: a tag takes finite float32 numbers"),
      ("index", 0, "0.0 is not allowed: a latch's output cannot be set"),
      ("lfp", 0, "lfp is no scalar but a buffer"),
      ("nope", 0, "the circuit has no tag nope; its scalars are count, gain, index, odd, on"),
    ] as [(String, Double, String)])
  func refused(tag: String, value: Double, message: String) {
    let error = #expect(throws: DeviceError.self) { try circuit.setScalar(tag, to: value) }
    #expect(error?.message == message)
    #expect(error?.call == "SetTagVal \(tag)")
    #expect(circuit.settings.isEmpty)
  }

  @Test("A whole number beyond 2^24 would be a rounded one")
  func rounded() {
    circuit.scalars["count"] = 16_777_218
    let error = #expect(throws: DeviceError.self) { try circuit.scalar("count") }
    #expect(error?.code == .readFailed)
    #expect(
      error?.message == "1.6777218e+07 is beyond 2^24, where whole numbers arrive rounded")
  }

  @Test("A tag without a value, and no tag, are errors")
  func missing() {
    let none = #expect(throws: DeviceError.self) { try circuit.scalar("odd") }
    #expect(none?.message == "the device has no value")
    let absent = #expect(throws: DeviceError.self) { try circuit.scalar("nope") }
    #expect(absent?.code == .noSuchTag)
  }
}
