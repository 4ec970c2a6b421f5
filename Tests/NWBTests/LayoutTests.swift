import HDF5
import NWB
import Testing

@Suite("The layout of a recording")
struct LayoutTests {
  private let folder = try? TemporaryFolder()

  private func created(
    _ change: (inout RecordingDescription) -> Void = { _ in }
  ) throws -> String {
    var description = exampleDescription()
    change(&description)
    let path = try #require(folder).path("layout.nwb.h5")
    let file = try RecordingFile(creating: path, description)
    _ = consume file
    return path
  }

  private func names(_ file: borrowing ReadFile, _ group: String) throws -> [String] {
    try file.children(of: group).map(\.name)
  }

  @Test("has every group and dataset of the specification and no other")
  func everything() throws {
    let file = try ReadFile(reading: try created(), live: true)
    #expect(
      try names(file, "/") == [
        "acquisition", "analysis", "events", "file_create_date", "general", "identifier",
        "intervals", "processing", "session_description", "session_start_time", "stimulus",
        "timestamps_reference_time",
      ])
    #expect(
      try names(file, "/general") == [
        "devices", "experiment_description", "experimenter", "extracellular_ephys", "institution",
        "keywords", "lab", "session_id", "source_script", "subject", "was_generated_by",
      ])
    #expect(
      try names(file, "/general/subject") == ["age", "description", "sex", "species", "subject_id"])
    #expect(try names(file, "/general/devices") == ["models", "rz", "stg"])
    #expect(try names(file, "/general/extracellular_ephys") == ["electrodes", "probe1"])
    #expect(
      try names(file, "/acquisition") == ["lfp", "monitor", "rz_clock", "stg_clock", "stg_link"])
    #expect(
      try names(file, "/acquisition/lfp") == [
        "channel_conversion", "data", "electrodes", "starting_time",
      ])
    #expect(try names(file, "/acquisition/monitor") == ["data", "starting_time"])
    #expect(
      try names(file, "/acquisition/rz_clock/sync") == [
        "cycle", "durable", "host_after_ns", "host_before_ns", "index", "sample",
      ])
    #expect(
      try names(file, "/acquisition/stg_clock/sync") == [
        "frames_buffered", "frames_done", "host_after_ns", "host_before_ns",
      ])
    #expect(try names(file, "/acquisition/stg_link/sync") == ["t0", "t1", "t2", "t3"])
    #expect(
      try names(file, "/events") == ["licks", "recorder_log", "stimulus_changes", "tags"])
    #expect(try names(file, "/intervals") == ["invalid_times", "trials"])
    #expect(
      try file.attribute("colnames", of: "/intervals/trials")?.strings == [
        "start_time", "stop_time", "level", "stim", "first_sample", "n_samples",
      ])
    #expect(
      try file.attribute("colnames", of: "/events/stimulus_changes")?.strings == [
        "timestamp", "uncertainty", "basis", "requested_time", "queued_time", "channel", "repeat",
        "stream_sample", "amplitudes_in_mA", "durations_in_ms",
      ])
  }

  @Test("types every object and gives each an identifier of its own")
  func types() throws {
    let file = try ReadFile(reading: try created(), live: true)
    let expected = [
      "/": "NWBFile", "/general/subject": "Subject", "/general/devices/rz": "Device",
      "/general/devices/models/RZ2": "DeviceModel",
      "/general/extracellular_ephys/probe1": "ElectrodeGroup",
      "/general/extracellular_ephys/electrodes": "ElectrodesTable",
      "/acquisition/lfp": "ElectricalSeries", "/acquisition/lfp/electrodes": "DynamicTableRegion",
      "/acquisition/monitor": "TimeSeries", "/acquisition/rz_clock": "TimeSeries",
      "/acquisition/stg_clock": "TimeSeries", "/acquisition/stg_link": "TimeSeries",
      "/events/stimulus_changes": "EventsTable", "/events/licks": "EventsTable",
      "/events/stimulus_changes/timestamp": "TimestampVectorData",
      "/events/stimulus_changes/amplitudes_in_mA_index": "VectorIndex",
      "/events/stimulus_changes/id": "ElementIdentifiers", "/events/tags/tag": "VectorData",
      "/intervals/trials": "TimeIntervals", "/intervals/invalid_times": "TimeIntervals",
    ]
    var identifiers: Set<String> = []
    for (path, type) in expected {
      #expect(try file.attribute("neurodata_type", of: path)?.string == type)
      identifiers.insert(try #require(try file.attribute("object_id", of: path)?.string))
    }
    #expect(identifiers.count == expected.count)
    #expect(try file.attribute("nwb_version", of: "/")?.string == "2.10.0")
  }

  @Test("makes the same identifiers from the same generator, as UUIDs of version 4")
  func identifiers() throws {
    let folder = try #require(folder)
    var found: [String] = []
    for name in ["a.nwb.h5", "b.nwb.h5"] {
      let file = try RecordingFile(
        creating: folder.path(name), exampleDescription(), identifiers: SeededGenerator(state: 1))
      _ = consume file
      let reader = try ReadFile(reading: folder.path(name), live: true)
      found.append(try #require(try reader.attribute("object_id", of: "/")?.string))
    }
    #expect(found[0] == found[1])
    let pattern = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/
    #expect(try pattern.wholeMatch(in: found[0]) != nil)
  }

  @Test("says what a stored number is worth, and leaves keys without a value out")
  func series() throws {
    let file = try ReadFile(reading: try created(), live: true)
    let data = "/acquisition/lfp/data"
    #expect(try file.info(of: data).shape == [0, 2])
    #expect(try file.info(of: data).type == .fixed(.int16))
    #expect(try file.info(of: data).chunk == [4, 2])
    #expect(try file.attribute("conversion", of: data)?.number() == 1e-6)
    #expect(try file.attribute("offset", of: data)?.number() == 0.0)
    #expect(try file.attribute("resolution", of: data)?.number() == 1e-6)
    #expect(try file.attribute("unit", of: data)?.string == "volts")
    #expect(try file.attribute("rate", of: "/acquisition/lfp/starting_time")?.number() == 1000.0)
    #expect(
      try file.attribute("comments", of: "/acquisition/lfp")?.string == "device=rz; data_tag=lfp")
    #expect(try file.attribute("comments", of: "/acquisition/monitor") == nil)
    #expect(try file.attribute("serial_number", of: "/general/devices/stg") == nil)
  }

  @Test("lists an electrode once, however many series record from it")
  func sharedElectrodes() throws {
    let path = try created { description in
      var second = exampleElectricalSeries()
      second.name = "raw"
      second.electrodes = ElectrodesDescription(
        [
          .init(name: "A2", group: "probe1", location: "VISp"),
          .init(name: "B1", group: "probe2", location: "SSp"),
        ], device: "rz")
      description.series.append(second)
    }
    let file = try ReadFile(reading: path, live: true)
    let table = "/general/extracellular_ephys/electrodes"
    #expect(try file.readStrings("\(table)/channel_name") == ["A1", "A2", "B1"])
    #expect(try file.readStrings("\(table)/reference") == ["skull screw", "unknown", "unknown"])
    #expect(try file.read("\(table)/rel_x", as: Float.self).prefix(2) == [0, 50])
    #expect(try file.read("\(table)/rel_x", as: Float.self)[2].isNaN)
    #expect(try file.read("\(table)/bad", as: Bool.self) == [false, true, false])
    #expect(
      try file.value(of: "\(table)/group").references == [
        "/general/extracellular_ephys/probe1", "/general/extracellular_ephys/probe1",
        "/general/extracellular_ephys/probe2",
      ])
    #expect(try file.read("/acquisition/lfp/electrodes", as: Int64.self) == [0, 1])
    #expect(try file.read("/acquisition/raw/electrodes", as: Int64.self) == [1, 2])
    #expect(try file.readStrings("\(table)/group_name") == ["probe1", "probe1", "probe2"])
  }

  @Test("keeps the zero of the recording clock beside the raw readings")
  func start() throws {
    let file = try ReadFile(reading: try created(), live: true)
    for clock in ["rz_clock", "stg_clock", "stg_link"] {
      let sync = "/acquisition/\(clock)/sync"
      #expect(try file.attribute("t0_monotonic_ns", of: sync)?.number() == Int64(7_000_000_000))
      #expect(
        try file.attribute("t0_realtime_ns", of: sync)?.number()
          == Int64(1_772_353_800_125_000_000))
      #expect(try file.attribute("boot_id", of: sync)?.string == "0f3c")
    }
    #expect(try file.readStrings("/session_start_time") == ["2026-03-01T09:30:00.125+01:00"])
    #expect(try file.readStrings("/timestamps_reference_time") == ["2026-03-01T09:30:00.125+01:00"])
  }

  @Test(
    "refuses what readers would misunderstand",
    arguments: [
      "too few electrodes", "unknown device", "reserved column",
    ])
  func refusals(what: String) throws {
    let folder = try #require(folder)
    var description = exampleDescription()
    switch what {
    case "too few electrodes": description.series[0].electrodes?.electrodes.removeLast()
    case "unknown device": description.series[0].electrodes?.device = "elsewhere"
    default: description.trialColumns[0].name = "start_time"
    }
    #expect(throws: NWBError.self) {
      let file = try RecordingFile(creating: folder.path("x.nwb.h5"), description)
      _ = consume file
    }
    #expect(try folder.names.isEmpty)
  }

  @Test("never replaces a file and leaves nothing behind when it fails")
  func existing() throws {
    let folder = try #require(folder)
    let path = try created()
    #expect(throws: NWBError.exists(path: path)) {
      let file = try RecordingFile(creating: path, exampleDescription())
      _ = consume file
    }
    // Two series of one name: found out when the second is created.
    var description = exampleDescription()
    description.series.append(description.series[1])
    #expect(throws: NWBError.self) {
      let file = try RecordingFile(creating: folder.path("y.nwb.h5"), description)
      _ = consume file
    }
    #expect(try folder.names == ["layout.nwb.h5"])
  }
}

@Suite("The start of a recording")
struct RecordingStartTests {
  @Test(
    "is a wall clock with milliseconds and offset",
    arguments: [
      (0, 0, "1970-01-01T00:00:00.000+00:00"),
      (-1, 0, "1969-12-31T23:59:59.999+00:00"),
      (951_782_399_999_999_999, 0, "2000-02-28T23:59:59.999+00:00"),
      (951_782_400_000_000_000, 0, "2000-02-29T00:00:00.000+00:00"),
      (951_868_800_000_000_000, 0, "2000-03-01T00:00:00.000+00:00"),
      (1_772_353_800_125_000_000, 3600, "2026-03-01T09:30:00.125+01:00"),
      (1_772_353_800_125_000_000, -12_600, "2026-03-01T05:00:00.125-03:30"),
      (4_102_444_800_000_000_000, 20_700, "2100-01-01T05:45:00.000+05:45"),
    ] as [(Int64, Int, String)])
  func iso8601(nanoseconds: Int64, offset: Int, text: String) {
    let start = RecordingStart(
      monotonicNanoseconds: 0, realtimeNanoseconds: nanoseconds, offsetFromUTCSeconds: offset,
      bootID: "")
    #expect(start.iso8601 == text)
  }
}

@Suite("The size of chunks")
struct ChunkRowsTests {
  @Test(
    "chunks are 1 MiB, or half a flush if that is less, and a frame at least",
    arguments: [
      // 64 channels of float32 at 24414.0625 Hz: 256 bytes a frame, 4096 frames a MiB.
      (256, 24414.0625, 1.0, 4096),
      // 4 channels of int16 at 1000 Hz: half a second is 500 frames.
      (8, 1000.0, 1.0, 500),
      (4, 0.5, 1.0, 1),
      (4 << 20, 24414.0625, 1.0, 1),
    ])
  func chunkRows(bytes: Int, rate: Double, flush: Double, rows: Int) {
    #expect(
      SeriesDescription.chunkRows(bytesPerFrame: bytes, rate: rate, flushSeconds: flush) == rows)
  }
}
