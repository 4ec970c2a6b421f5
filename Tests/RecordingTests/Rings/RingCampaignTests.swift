import Foundation
import Testing

/// A share of the loss campaign (`tools/campaigns/ring_campaign`): whole recordings in virtual time.
@Suite("Recordings in which things go wrong")
struct RingCampaignTests {
  @Test(
    "Every sample is right or in a declared gap, and every gap is real", .timeLimit(.minutes(4)),
    arguments: [1...25, 26...50].map { $0 as ClosedRange<UInt64> })
  func share(seeds: ClosedRange<UInt64>) throws {
    let folder = FileManager.default.temporaryDirectory.path
    for seed in seeds {
      let scenario = RingScenario(seed: seed)
      let run = try RingRun(scenario, folder: folder)
      defer { unlink(run.path) }
      let check = try RingCheck(run)
      #expect(check.problems.isEmpty, "\(scenario.summary)")
    }
  }

  @Test(
    "A reset of an index-only ring as it wraps is counted as what no position could tell")
  func excuses() throws {
    let folder = FileManager.default.temporaryDirectory.path
    // In seed 30352 two rings without a cycle tag begin anew by their gates as their index wraps.
    let run = try RingRun(RingScenario(seed: 30352), folder: folder)
    defer { unlink(run.path) }
    let check = try RingCheck(run)
    #expect(check.problems.isEmpty)
    #expect(check.figures.unseen == 2)
    #expect(check.excused.count == 2)
  }
}
