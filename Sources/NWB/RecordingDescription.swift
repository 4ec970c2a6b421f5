/// Everything about a recording that is known before it begins. It is written once, before the
/// first sample.
///
/// Texts that are empty are left out of the file.
public struct RecordingDescription: Sendable {
  /// Unique among all recordings.
  public var identifier: String
  public var session: SessionTexts
  public var start: RecordingStart
  /// The programs and libraries that make the file.
  public var generatedBy: [Software] = []
  /// The session file, verbatim.
  public var sourceScript: SourceScript?
  public var subject: SubjectDescription?
  public var devices: [DeviceDescription] = []
  public var series: [SeriesDescription] = []
  /// The circuits whose clocks are read. The first is the reference circuit: the recording clock is
  /// seconds on its sample clock.
  public var circuits: [CircuitClockDescription] = []
  public var stimulator: StimulatorDescription?
  /// Names of the devices behind a bridge, whose clock exchanges are stored.
  public var links: [String] = []
  public var eventBuffers: [EventBufferDescription] = []
  /// Names under which changes of scalar tags are stored.
  public var watchedTags: [String] = []
  /// What the protocol or control says of each trial.
  public var trialColumns: [TrialColumn] = []

  public init(identifier: String, session: SessionTexts, start: RecordingStart) {
    self.identifier = identifier
    self.session = session
    self.start = start
  }
}

/// What the session file says of the session as a whole.
public struct SessionTexts: Sendable, Equatable {
  public var id: String
  public var description: String
  public var experimentDescription = ""
  /// `Last, First` each.
  public var experimenters: [String] = []
  public var institution = ""
  public var lab = ""
  public var keywords: [String] = []

  public init(id: String, description: String) {
    self.id = id
    self.description = description
  }
}

/// A program or library and its version.
public struct Software: Sendable, Equatable {
  public var name: String
  public var version: String

  public init(_ name: String, _ version: String) {
    self.name = name
    self.version = version
  }
}

public struct SourceScript: Sendable, Equatable {
  public var fileName: String
  public var text: String

  public init(fileName: String, text: String) {
    self.fileName = fileName
    self.text = text
  }
}

public struct SubjectDescription: Sendable, Equatable {
  public var id: String
  /// Latin binomial: `Mus musculus`.
  public var species = ""
  /// M, F, O or U.
  public var sex = ""
  /// ISO 8601 duration: `P90D`.
  public var age = ""
  public var description = ""
  public var genotype = ""
  public var strain = ""
  /// With its unit: `0.025 kg`.
  public var weight = ""

  public init(id: String) {
    self.id = id
  }
}

/// A device and, shared by equal ones, its model.
public struct DeviceDescription: Sendable, Equatable {
  public var name: String
  public var description: String
  public var serialNumber = ""
  public var model: Model?

  public struct Model: Sendable, Equatable {
    public var name: String
    public var manufacturer: String
    public var description: String

    public init(name: String, manufacturer: String, description: String) {
      self.name = name
      self.manufacturer = manufacturer
      self.description = description
    }
  }

  public init(name: String, description: String) {
    self.name = name
    self.description = description
  }
}

/// A ring of tick stamps, stored as a table of events.
public struct EventBufferDescription: Sendable, Equatable {
  public var name: String
  public var description: String
  /// Seconds of one tick; nil if unknown.
  public var resolution: Double?

  public init(name: String, description: String, resolution: Double? = nil) {
    self.name = name
    self.description = description
    self.resolution = resolution
  }
}

/// A column of the trials table besides those every trial has.
public struct TrialColumn: Sendable, Equatable {
  public enum Kind: Sendable {
    case number
    /// At most ``longestText`` bytes of UTF-8.
    case text
  }

  /// Bytes of a text in a trial.
  public static let longestText = 32

  public var name: String
  public var kind: Kind
  public var description: String

  public init(name: String, kind: Kind, description: String) {
    self.name = name
    self.kind = kind
    self.description = description
  }
}
