import Devices
import Testing

@Suite("Conversions at a circuit's rate")
struct TickConversionTests {
  @Test(
    "Samples are rounded to the nearest, and what they amount to is told",
    arguments: [
      // 0.29 · 100 is 28.999999999999996 in binary.
      (0.29, TimeUnit.seconds, TimeUnit.samples, 100.0, 29.0, 0.29),
      (290, .milliseconds, .samples, 100, 29, 290),
      (1.5, .seconds, .samples, 1, 2, 2),
      (1.49, .seconds, .samples, 1, 1, 1),
      (10, .milliseconds, .samples, 24414.0625, 244, 9.99424),
      (1000, .frequency, .samplesPerPeriod, 100_000, 100, 1000),
      (1000, .frequency, .samplesPerPeriod, 24414.0625, 24, 1017.2526041666666),
    ] as [(Double, TimeUnit, TimeUnit, Double, Double, Double)])
  func samples(
    value: Double, source: TimeUnit, target: TimeUnit, rate: Double, samples: Double,
    achieved: Double
  ) {
    let conversion = Conversion(value, from: source, to: target, rate: rate)
    #expect(conversion.value == samples)
    #expect(conversion.achieved == achieved)
  }

  @Test(
    "Times and frequencies are not rounded",
    arguments: [
      (29, TimeUnit.samples, TimeUnit.seconds, 0.29), (29, .samples, .milliseconds, 290),
      (25, .samplesPerPeriod, .frequency, 4), (4, .frequency, .seconds, 0.25),
      (0.25, .seconds, .frequency, 4), (1500, .milliseconds, .seconds, 1.5),
    ] as [(Double, TimeUnit, TimeUnit, Double)])
  func exact(value: Double, source: TimeUnit, target: TimeUnit, expected: Double) {
    let circuit = TableCircuit(rate: 100, tags: [])
    #expect(
      circuit.convert(value, from: source, to: target).value == expected)
    #expect(circuit.convert(value, from: source, to: target).achieved == value)
  }
}
