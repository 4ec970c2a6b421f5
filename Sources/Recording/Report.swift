public import Devices

/// What a session came to: the facts behind the end report and the exit code.
public struct Report: Sendable {
  /// nil for a preview.
  public var path: String?
  /// Seconds on the recording clock from sample 0 to the end.
  public var duration: Double
  public var reason: StopSignal.Reason
  public var final: StatusBoard.Snapshot
  /// Why the stimulation ended before the session did.
  public var stimulatorFault: String?
  /// Devices that failed for good.
  public var deviceFailures: [String]
  /// Why the file could not be written or completed.
  public var fileFailure: String?
  /// Something that people should know and that costs nothing.
  public var remarks: [String]
  /// The trials of an ``EpochRequest`` that were acquired whole.
  public var epochs: [Epoch] = []
  /// Processor seconds by thread name.
  public var processorSeconds: [(thread: String, seconds: Double)]

  /// Samples per channel that were lost, of all buffers.
  public var lost: Int64 { final.buffers.reduce(0) { $0 + $1.lost } }

  /// What is missing, in a few words each: the causes of exit code 75.
  public var losses: [String] {
    var list: [String] = []
    if lost > 0 { list.append("samples were lost") }
    if final.lostEvents > 0 { list.append("events were lost") }
    if final.eventResets > 0 { list.append("events may be lost") }
    // What a store that stands still at the end did not make is missing as well.
    if final.buffers.contains(where: \.isStalled) { list.append("a store stands still") }
    if !final.endedSeries.isEmpty { list.append("a series ended early") }
    if final.outputs.contains(where: { $0.underruns > 0 || $0.failure != nil }) {
      list.append("an output ran dry or failed")
    }
    if stimulatorFault != nil { list.append("the stimulation ended by a fault") }
    return list
  }

  /// Session.md: 74, 69, 75, signal, 0, in this order; 1 for a fault of the recorder's own.
  public var exitCode: Int32 {
    if fileFailure != nil { return 74 }
    if case .disk = reason { return 74 }
    switch reason {
    case .device, .timeout: return 69
    default: break
    }
    if !deviceFailures.isEmpty { return 69 }
    if !losses.isEmpty { return 75 }
    switch reason {
    case .overrun: return 75
    case .signal(let number): return 128 + number
    case .fault: return 1
    case .duration, .trials, .control, .disk, .device, .timeout: return 0
    }
  }
}
