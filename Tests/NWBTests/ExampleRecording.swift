import HDF5
import NWB
import Samples

/// A generator of known numbers.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// 2026-03-01 09:30:00.125 in Berlin: 1772353800.125 s since 1970.
let exampleStart = RecordingStart(
  monotonicNanoseconds: 7_000_000_000, realtimeNanoseconds: 1_772_353_800_125_000_000,
  offsetFromUTCSeconds: 3600, bootID: "0f3c")

/// A description with one of everything: two series of the circuit `rz` (two channels with
/// electrodes, one without), a stimulator, a bridged device, an event buffer, watched tags, trials.
func exampleDescription() -> RecordingDescription {
  var description = RecordingDescription(
    identifier: "example-1",
    session: SessionTexts(id: "m42-icms", description: "Evoked potentials"), start: exampleStart)
  description.session.experimentDescription = "Microstimulation and field potentials"
  description.session.experimenters = ["Last, First"]
  description.session.institution = "Institute"
  description.session.lab = "Laboratory"
  description.session.keywords = ["icms"]
  description.generatedBy = [Software("daqrec", "1.0"), Software("libhdf5", "1.10.8")]
  description.sourceScript = SourceScript(fileName: "s.json5", text: "{ session: {} }")
  description.subject = SubjectDescription(id: "m42")
  description.subject?.species = "Mus musculus"
  description.subject?.sex = "F"
  description.subject?.age = "P90D"
  description.devices = [
    DeviceDescription(name: "rz", description: "signal processor"),
    DeviceDescription(name: "stg", description: "stimulator"),
  ]
  description.devices[0].serialNumber = "1001"
  description.devices[0].model = .init(
    name: "RZ2", manufacturer: "Tucker-Davis Technologies", description: "RZ2 processor")
  description.series = [exampleElectricalSeries(), exampleTimeSeries()]
  description.circuits = [
    CircuitClockDescription(name: "rz", buffers: ["lfp", "monitor"], rate: 24414.0625)
  ]
  description.stimulator = StimulatorDescription(
    name: "stg", channels: 2, rate: 50_000, amplitudeUnit: .milliamperes)
  description.links = ["stg"]
  description.eventBuffers = [
    EventBufferDescription(
      name: "licks", description: "Licks at the spout", resolution: 1 / 24414.0625)
  ]
  description.watchedTags = ["amp_gain"]
  description.trialColumns = [
    TrialColumn(name: "level", kind: .number, description: "Level in dB"),
    TrialColumn(name: "stim", kind: .text, description: "Name of the stimulus"),
  ]
  return description
}

/// int16 codes of two channels at 1 kHz, 1 µV each, in chunks of 4 frames.
func exampleElectricalSeries() -> SeriesDescription {
  var series = SeriesDescription(
    name: "lfp", description: "Field potentials", channels: 2, type: .int16, rate: 1000,
    unit: "volts", chunkRows: 4)
  series.conversion = 1e-6
  series.resolution = 1e-6
  series.comments = [("device", "rz"), ("data_tag", "lfp"), ("size_tag", "")]
  var electrodes = ElectrodesDescription(
    [
      .init(name: "A1", group: "probe1", location: "SSp"),
      .init(name: "A2", group: "probe1", location: "VISp"),
    ], device: "rz")
  electrodes.columns = [
    .init(name: "rel_x", description: "Right, in micrometres", values: .numbers([0, 50])),
    .init(name: "reference", description: "Reference", values: .texts(["skull screw", ""])),
    .init(name: "bad", description: "Known not to work", values: .flags([false, true])),
  ]
  electrodes.channelConversion = [1, 1.5]
  series.electrodes = electrodes
  return series
}

/// float32 values of one channel at 500 Hz, in chunks of 4 frames.
func exampleTimeSeries() -> SeriesDescription {
  SeriesDescription(
    name: "monitor", description: "Current monitor", channels: 1, type: .float32, rate: 500,
    unit: "a.u.", chunkRows: 4)
}

/// Code of frame n of channel c in the counter signal of tests.
func counter(_ frame: Int, _ channel: Int) -> Int16 {
  Int16(truncatingIfNeeded: frame + 1000 * channel)
}

extension SeriesWriter {
  /// Adds frames of the counter signal, as many channels as the series has.
  func appendCounter(_ frames: Range<Int>) throws {
    let codes = frames.flatMap { frame in (0..<channels).map { counter(frame, $0) } }
    try codes.withUnsafeBytes { try append($0) }
  }

  /// Adds single-channel values.
  func append(values: [Float]) throws {
    try values.withUnsafeBytes { try append($0) }
  }
}
