import HDF5
import Samples

/// Every object of a recording, created in the order of the layout, and the writers of those that
/// grow.
struct RecordingLayout {
  let series: [SeriesWriter]
  let circuits: [CircuitClock]
  let stimulator: StimulatorClock?
  let links: [LinkClock]
  let durable: DurableRows?
  let ledger: Ledger?
  let eventBuffers: [StampTable]
  let tags: TagTable?
  let log: RecorderLog
  let trials: TrialTable
  let invalidTimes: InvalidTimes

  init(
    _ recording: RecordingDescription, in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    try Self.root(recording, in: &layout)
    try Self.general(recording, in: &layout)
    let electrodes = try ElectrodesLayout(recording.series, in: &layout)

    try layout.file.createGroup("/acquisition")
    var series: [SeriesWriter] = []
    for description in recording.series {
      series.append(try Self.series(description, electrodes, in: &layout))
    }
    var circuits: [CircuitClock] = []
    for (index, circuit) in recording.circuits.enumerated() {
      circuits.append(
        try CircuitClock(
          circuit, isReference: index == 0, start: recording.start, in: &layout))
    }
    let names = recording.series.map(\.name)
    if let reference = recording.circuits.first, !names.isEmpty {
      durable = try DurableRows(reference: reference.name, names, in: &layout)
    } else {
      durable = nil
    }
    if let description = recording.stimulator {
      stimulator = try StimulatorClock(description, start: recording.start, in: &layout)
    } else {
      stimulator = nil
    }
    var links: [LinkClock] = []
    for device in recording.links {
      links.append(try LinkClock(device, start: recording.start, in: &layout))
    }

    try layout.file.createGroup("/events")
    if let stimulator = recording.stimulator {
      ledger = try Ledger(stimulator, in: &layout)
    } else {
      ledger = nil
    }
    var eventBuffers: [StampTable] = []
    for buffer in recording.eventBuffers {
      eventBuffers.append(try StampTable(buffer, in: &layout))
    }
    if recording.watchedTags.isEmpty {
      tags = nil
    } else {
      tags = try TagTable(recording.watchedTags, in: &layout)
    }
    log = try RecorderLog(in: &layout)

    try layout.file.createGroup("/intervals")
    trials = try TrialTable(recording.trialColumns, reference: names.first, in: &layout)
    invalidTimes = try InvalidTimes(names, in: &layout)
    self.series = series
    self.circuits = circuits
    self.links = links
    self.eventBuffers = eventBuffers
  }

  private static func root(
    _ recording: RecordingDescription, in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    for (name, value) in layout.type(.nwbFile) {
      try layout.file.setAttribute(name, on: "/", to: value)
    }
    try layout.file.setAttribute("nwb_version", on: "/", to: "2.10.0")
    let start = recording.start.iso8601
    try layout.texts("/file_create_date", [start])
    try layout.text("/identifier", recording.identifier)
    try layout.text("/session_description", recording.session.description)
    try layout.text("/session_start_time", start)
    try layout.text("/timestamps_reference_time", start)
    for group in [
      "/analysis", "/processing", "/stimulus", "/stimulus/presentation", "/stimulus/templates",
    ] {
      try layout.file.createGroup(group)
    }
  }

  private static func general(
    _ recording: RecordingDescription, in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    let session = recording.session
    try layout.file.createGroup("/general")
    try layout.text("/general/session_id", session.id)
    try layout.text("/general/institution", session.institution)
    try layout.text("/general/lab", session.lab)
    try layout.text("/general/experiment_description", session.experimentDescription)
    try layout.texts("/general/experimenter", session.experimenters)
    try layout.texts("/general/keywords", session.keywords)
    let software = recording.generatedBy.filter { !$0.name.isEmpty && !$0.version.isEmpty }
    if !software.isEmpty {
      try layout.file.createDataset(
        "/general/was_generated_by", .pairs(software.map { ($0.name, $0.version) }))
    }
    if let script = recording.sourceScript, !script.text.isEmpty {
      try layout.file.createDataset(
        "/general/source_script", .string(script.text),
        attributes: ["file_name": .string(script.fileName)])
    }
    if let subject = recording.subject {
      let path = "/general/subject"
      try layout.group(path, .subject)
      try layout.text("\(path)/age", subject.age)
      if !subject.age.isEmpty {
        try layout.file.setAttribute("reference", on: "\(path)/age", to: "birth")
      }
      try layout.text(
        "\(path)/description",
        subject.description.isEmpty ? "Subject \(subject.id)" : subject.description)
      try layout.text("\(path)/genotype", subject.genotype)
      try layout.text("\(path)/sex", subject.sex)
      try layout.text("\(path)/species", subject.species)
      try layout.text("\(path)/strain", subject.strain)
      try layout.text("\(path)/subject_id", subject.id)
      try layout.text("\(path)/weight", subject.weight)
    }
    try devices(recording.devices, in: &layout)
  }

  private static func devices(
    _ devices: [DeviceDescription], in layout: inout LayoutBuilder
  ) throws(HDF5Error) {
    guard !devices.isEmpty else { return }
    try layout.file.createGroup("/general/devices")
    let models = devices.compactMap(\.model)
    if !models.isEmpty { try layout.file.createGroup("/general/devices/models") }
    var known: Set<String> = []
    for model in models where known.insert(model.name).inserted {
      try layout.group(
        "/general/devices/models/\(model.name)", .deviceModel,
        ["manufacturer": model.manufacturer, "description": model.description])
    }
    for device in devices {
      let path = "/general/devices/\(device.name)"
      try layout.group(
        path, .device,
        [
          "description": device.description.isEmpty ? device.name : device.description,
          "serial_number": device.serialNumber,
        ])
      if let model = device.model {
        try layout.file.createSoftLink(
          "\(path)/model", to: "/general/devices/models/\(model.name)")
      }
    }
  }

  private static func series(
    _ series: SeriesDescription, _ electrodes: ElectrodesLayout?, in layout: inout LayoutBuilder
  ) throws(HDF5Error) -> SeriesWriter {
    let path = "/acquisition/\(series.name)"
    let ofElectrodes = series.electrodes
    try layout.group(
      path, ofElectrodes == nil ? .timeSeries : .electricalSeries,
      [
        "description": series.description.isEmpty ? series.name : series.description,
        "comments": comments(series.comments),
      ])
    let data = try layout.file.createGrowing(
      "\(path)/data", of: series.type.elementType, columns: series.channels,
      chunkRows: series.chunkRows, filters: series.filters,
      attributes: [
        "conversion": .number(series.conversion), "offset": .number(0.0),
        "resolution": .number(series.resolution), "unit": .string(series.unit),
        "continuity": "continuous",
      ])
    let startingTime = try layout.file.createScalar(
      "\(path)/starting_time", 0.0,
      attributes: ["rate": .number(series.rate), "unit": "seconds"])
    if let ofElectrodes, let electrodes {
      try electrodes.region(of: ofElectrodes, series: path, in: &layout)
    }
    return SeriesWriter(series, data: data, startingTime: startingTime)
  }
}

extension DestinationType {
  var elementType: ElementType {
    switch self {
    case .float32: .float32
    case .float64: .float64
    case .int32: .int32
    case .int16: .int16
    case .int8: .int8
    }
  }
}
