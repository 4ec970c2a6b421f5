import Glibc

/// What this process has used.
enum Usage {
  private static var usage: rusage {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage
  }

  static var processorSeconds: Double {
    let usage = usage
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6
  }

  static var peakMegabytes: Double { Double(usage.ru_maxrss) * 1024 / 1e6 }
}
