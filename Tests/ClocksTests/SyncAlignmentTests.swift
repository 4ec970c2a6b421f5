import Clocks
import Foundation
import Testing

/// A pulse train sent on a stimulator's stream and recorded on a circuit, with both clocks' errors.
private struct SyncScenario {
  let streamRate = 50_000.0
  let rate = 24_414.0625
  /// The stream runs 60 ppm fast against the recording clock, drifting by 10 ppm an hour, and begins
  /// 2.5 s after it.
  func trueSeconds(of pulse: Int64) -> Double {
    let time = Double(pulse) / streamRate
    return 2.5 + time * (1 - 60e-6) + 10e-6 / 3600 * time * time / 2
      + 0.5e-6 * 600 / (2 * .pi) * sin(2 * .pi * time / 600)
  }

  var pulses: [Int64] = []
  var edges: [Int64] = []
  var predicted: [Onset] = []
  var length = 0.0
  /// Shifts the software's prediction, seconds.
  var offset = 0.0

  /// `intervals`: seconds from pulse to pulse.
  init(
    for length: Double, intervals: ClosedRange<Double>, offset: Double = 0, missing: Double = 0.05,
    spurious: Double = 0.01, seed: UInt64
  ) {
    var random = SeededGenerator(seed: seed)
    self.length = length
    self.offset = offset
    var time = 0.5
    while time < length - 5 {
      let pulse = Int64((time * streamRate).rounded())
      pulses.append(pulse)
      if Double.random(in: 0..<1, using: &random) >= missing { edges.append(edge(of: pulse)) }
      if Double.random(in: 0..<1, using: &random) < spurious {
        edges.append(Int64(.random(in: 0..<length, using: &random) * rate))
      }
      time +=
        intervals.lowerBound == intervals.upperBound
        ? intervals.lowerBound : .random(in: intervals, using: &random)
    }
    edges.sort()
    predict()
  }

  func edge(of pulse: Int64) -> Int64 { Int64((trueSeconds(of: pulse) * rate).rounded(.up)) }

  /// The software's map: off by a slow 100 µs.
  mutating func predict() {
    predicted = pulses.map { pulse in
      let seconds = trueSeconds(of: pulse)
      return Onset(
        seconds: seconds + offset + 100e-6 * sin(seconds / 40), uncertainty: 500e-6,
        basis: .readings)
    }
  }

  var line: SyncAlignment.Line {
    .init(
      edges: edges, sampleCount: Int64((length * rate).rounded()), rate: rate, startingTime: 0)
  }

  func align(search: Double? = nil) throws -> SyncAlignment {
    try SyncAlignment(
      of: line, to: pulses, predicted: predicted, streamRate: streamRate, search: search)
  }

  /// How many pulses are given an edge that is not theirs.
  func wrongMatches(_ alignment: SyncAlignment) -> Int {
    zip(pulses, alignment.matches).count { pulse, match in
      guard let match else { return false }
      return abs(match - edge(of: pulse)) > 1
    }
  }
}

@Suite("Alignment by a sync line")
struct SyncAlignmentTests {
  @Test(
    "With 5 % missing and 1 % spurious edges every onset is within one sample",
    arguments: [1, 2, 3] as [UInt64], [0.1...0.1, 0.01...0.05, 0.2...1.5, 15...40])
  func onsets(seed: UInt64, intervals: ClosedRange<Double>) throws {
    let length = intervals.upperBound > 1 ? 3600.0 : 1200 * intervals.upperBound
    let scenario = SyncScenario(for: length, intervals: intervals, seed: seed)
    let alignment = try scenario.align()
    #expect(scenario.wrongMatches(alignment) == 0)
    for pulse in scenario.pulses {
      let onset = alignment.onset(of: pulse)
      let error = onset.seconds - scenario.trueSeconds(of: pulse)
      #expect(abs(error) < 1 / scenario.rate, "seed \(seed)")
      #expect(abs(error) < onset.uncertainty, "seed \(seed)")
      #expect(onset.basis == .syncEdges)
    }
    let report = alignment.report
    #expect(report.pulses == scenario.pulses.count)
    #expect(report.matched + report.outliers + report.unmatchedPulses == report.pulses)
    #expect(report.matched + report.outliers + report.unmatchedEdges == scenario.edges.count)
    #expect(Double(report.matched) > 0.88 * Double(report.pulses))
    #expect(report.residualDeviation < 0.5 / scenario.rate)
    #expect(report.residualMaximum < 1.5 / scenario.rate)
    #expect(abs(report.offset) < 150e-6)
    // Only a regular train fits nearly as well when shifted.
    let isRegular = intervals.lowerBound == intervals.upperBound
    #expect((report.runnerUp > report.matched / 2) == isRegular)
  }

  @Test(
    "A start that is up to 1 s off is found by irregular intervals",
    arguments: [-0.98, -0.3, 0.004, 0.5, 0.98])
  func startOffset(offset: Double) throws {
    let scenario = SyncScenario(for: 600, intervals: 0.2...0.6, offset: offset, seed: 4)
    let alignment = try scenario.align(search: 1)
    #expect(scenario.wrongMatches(alignment) == 0)
    #expect(abs(alignment.report.offset + offset) < 200e-6)
    for pulse in scenario.pulses {
      let error = alignment.onset(of: pulse).seconds - scenario.trueSeconds(of: pulse)
      #expect(abs(error) < 1 / scenario.rate)
    }
  }

  @Test("Regular intervals and an unknown start fit in many ways: refused")
  func regularIsAmbiguous() {
    let scenario = SyncScenario(for: 300, intervals: 0.25...0.25, offset: 0.3, seed: 5)
    #expect(throws: SyncError.self) { try scenario.align(search: 1) }
  }

  @Test(
    "A prediction that is off by whole intervals of a regular train is refused",
    arguments: [-0.5, -0.1, 0.1, 0.2, 0.9])
  func shiftedRegularTrain(offset: Double) {
    let scenario = SyncScenario(
      for: 300, intervals: 0.1...0.1, offset: offset, missing: 0, spurious: 0, seed: 6)
    #expect {
      try scenario.align()
    } throws: { error in
      guard case .ambiguous(_, _, let other, _)? = error as? SyncError else { return false }
      return abs(other + offset) < 1e-3
    }
  }

  @Test("Edges of something else are refused", arguments: [1, 2, 3] as [UInt64])
  func strangers(seed: UInt64) {
    var scenario = SyncScenario(for: 300, intervals: 0.05...0.2, seed: seed)
    scenario.edges = SyncScenario(for: 300, intervals: 0.05...0.2, seed: seed + 1000).edges
    #expect(throws: SyncError.self) { try scenario.align() }
    #expect(throws: SyncError.self) { try scenario.align(search: 1) }
    // So dense that every pulse has an edge within a millisecond, by chance.
    var random = SeededGenerator(seed: seed)
    var dense = SyncScenario(for: 30, intervals: 0.05...0.2, seed: seed)
    dense.edges = (0..<30_000).map { _ in
      Int64.random(in: 0..<Int64(30 * dense.rate), using: &random)
    }.sorted()
    #expect(throws: SyncError.self) { try dense.align() }
  }

  @Test("A stream that slips in the middle of the recording is refused")
  func slip() {
    var scenario = SyncScenario(for: 300, intervals: 0.05...0.2, seed: 8)
    let late = Int64(0.03 * scenario.rate)
    scenario.edges = scenario.edges.map { $0 > 6_000_000 ? $0 + late : $0 }
    #expect {
      try scenario.align()
    } throws: { error in
      guard case .lostTrack(let from, _)? = error as? SyncError else { return false }
      return abs(from - 6_000_000 / scenario.rate) < 1
    }
  }

  @Test("A pulled plug loses pulses, and they are counted; the rest is aligned")
  func pulledPlug() throws {
    var scenario = SyncScenario(
      for: 600, intervals: 0.1...0.1, missing: 0, spurious: 0, seed: 9)
    let all = scenario.edges.count
    scenario.edges.removeAll { (4_882_813..<7_324_219).contains($0) }
    let alignment = try scenario.align()
    #expect(alignment.report.unmatchedPulses == all - scenario.edges.count)
    #expect(alignment.report.unmatchedPulses == 1000)
    let unseen = scenario.pulses[2500]
    let onset = alignment.onset(of: unseen)
    let error = onset.seconds - scenario.trueSeconds(of: unseen)
    #expect(abs(error) < onset.uncertainty)
    #expect(onset.uncertainty > 40e-6)
  }

  @Test("Pulses before and after the recording are not missed")
  func partlyRecorded() throws {
    let scenario = SyncScenario(
      for: 300, intervals: 0.2...0.4, missing: 0, spurious: 0, seed: 10)
    let (skip, rate) = (Int64(100 * scenario.rate), scenario.rate)
    let line = SyncAlignment.Line(
      edges: scenario.edges.filter { $0 >= skip }.map { $0 - skip },
      sampleCount: Int64(300 * rate) - skip, rate: rate, startingTime: Double(skip) / rate)
    let alignment = try SyncAlignment(
      of: line, to: scenario.pulses, predicted: scenario.predicted,
      streamRate: scenario.streamRate)
    #expect(alignment.report.pulses == line.edges.count)
    #expect(alignment.report.unmatchedPulses == 0)
    let error =
      alignment.onset(of: scenario.pulses[700]).seconds
      - scenario.trueSeconds(of: scenario.pulses[700])
    #expect(abs(error) < 1 / rate)
  }

  @Test("Spurious edges within a millisecond of the true ones are told by the local line")
  func outliers() throws {
    var scenario = SyncScenario(for: 300, intervals: 0.1...0.3, missing: 0.1, spurious: 0, seed: 12)
    // For one pulse in ten an edge 0.6 ms late: beside the true one, or in its place.
    scenario.edges += scenario.pulses.indices.filter { $0 % 10 == 0 }
      .map { scenario.edge(of: scenario.pulses[$0]) + 15 }
    scenario.edges.sort()
    let alignment = try scenario.align()
    #expect(scenario.wrongMatches(alignment) == 0)
    #expect(alignment.report.outliers > 3)
    #expect(alignment.report.residualMaximum < 1.5 / scenario.rate)
  }

  @Test("No edges and no pulses are refused")
  func nothing() {
    var scenario = SyncScenario(for: 60, intervals: 0.1...0.1, seed: 13)
    scenario.edges = []
    #expect(throws: SyncError.tooFewMatches(matched: 0, pulses: scenario.pulses.count, edges: 0)) {
      try scenario.align()
    }
    scenario.pulses = []
    scenario.predicted = []
    #expect(throws: SyncError.tooFewMatches(matched: 0, pulses: 0, edges: 0)) {
      try scenario.align()
    }
  }
}
