import Foundation

/// Measures parts of the recorder against named alternatives; each line of output is one JSON object.
@main
enum Main {
  static func main() {
    var words = Array(CommandLine.arguments.dropFirst())
    guard let mode = words.first else { exit(usage()) }
    words.removeFirst()
    switch mode {
    case "unpack": exit(UnpackBench.run(arguments: words))
    case "ring": exit(RingBench.run(arguments: words))
    case "clock": exit(ClockRun.run(arguments: words))
    case _ where StimulusCampaigns.modes.contains(mode):
      exit(StimulusCampaigns.run(mode, words))
    default: exit(usage())
    }
  }

  private static func usage() -> Int32 {
    print("usage: daqrec-bench unpack [--pairs N] [--quick]")
    print(RingBench.usage)
    print(ClockRun.usage)
    print(StimulusCampaigns.usage)
    return 64
  }
}
