/// Samples on their way to an output, as runs of equal codes. Samples are numbered as they were fed.
struct RunQueue: Sendable {
  private struct Run: Sendable {
    var code: Int16
    /// The sample after the run's last.
    var end: Int64
  }

  private var runs: [Run] = []
  private var head = 0
  /// Samples fed so far: the number of the next one.
  private(set) var end: Int64 = 0

  mutating func append(_ samples: some Collection<Int16>) {
    for sample in samples {
      end += 1
      if runs.count > head, runs[runs.count - 1].code == sample {
        runs[runs.count - 1].end = end
      } else {
        runs.append(Run(code: sample, end: end))
      }
    }
  }

  /// The run that holds a sample and where it ends; what was fed before it is forgotten. Beyond the
  /// end: nil.
  mutating func run(at sample: Int64) -> (code: Int16, end: Int64)? {
    while head < runs.count, runs[head].end <= sample { head += 1 }
    if head > 1024, head > runs.count / 2 {
      runs.removeFirst(head)
      head = 0
    }
    return head < runs.count ? (runs[head].code, runs[head].end) : nil
  }

  /// Forgets everything: the next sample fed is number `sample`.
  mutating func clear(next sample: Int64) {
    runs.removeAll()
    head = 0
    end = sample
  }
}
