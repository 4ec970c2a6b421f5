import Clocks
import Testing

/// A small share of the campaigns of `tools/campaigns/stimulus_campaigns`.
@Suite struct StimulusCampaignTests {
  @Test(arguments: [1, 2, 3] as [UInt64])
  func whatLeavesIsWhatTheLedgerSays(seed: UInt64) throws {
    let result = try StimulusChangesCampaign.round(seed: seed, changes: 150)
    #expect(result.problems.isEmpty, "seed \(seed)")
    #expect(result.changes >= 150 && result.underruns == 0, "seed \(seed)")
  }

  @Test func aLiveChangeStartsAtTheFirstBoundaryThatAFeedReaches() throws {
    let result = try StimulusChangesCampaign.boundaries(seed: 4, changes: 150)
    #expect(result.problems.isEmpty && result.changes >= 150)
  }

  @Test(arguments: [2, 5] as [UInt64])
  func aPlannedChangeIsOnTheStreamSampleNearestItsTime(seed: UInt64) throws {
    let result = try StimulusPlansCampaign.round(seed: seed, changes: 40)
    #expect(result.problems.isEmpty, "seed \(seed)")
    #expect(result.notNearest == 0 && result.changes == 40, "seed \(seed)")
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func aStopIsSilentWithinTheQueueAndCutsNoPulse(seed: UInt64) throws {
    let result = try StimulusStopCampaign.round(seed: seed)
    #expect(result.problems.isEmpty, "seed \(seed)")
  }

  @Test func aDiskThatStallsForSecondsDisturbsNoStream() throws {
    let result = try StimulusPlansCampaign.round(seed: 8, changes: 60) { timekeeper in
      let last = AtomicTime()
      return {
        guard timekeeper.now - last.value > 9_000_000_000 else { return }
        timekeeper.sleep(until: timekeeper.now + 5_000_000_000)
        last.set(timekeeper.now)
      }
    }
    #expect(result.problems.isEmpty)
    #expect(result.underruns == 0 && result.notNearest == 0)
    // A heart-beat is due every 500 ms.
    #expect(result.longestSilence < 0.1)
  }
}
