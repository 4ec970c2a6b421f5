public import HDF5
public import Samples

/// One buffer's samples, `[frame, channel]`. With electrodes it becomes an ElectricalSeries, else a
/// TimeSeries.
public struct SeriesDescription: Sendable {
  public var name: String
  public var description: String
  /// Keys and values, stored as `key=value; …`; those without a value are left out.
  public var comments: [(key: String, value: String)] = []
  public var channels: Int
  public var type: DestinationType
  /// Frames a second, nominal.
  public var rate: Double
  /// Value in `unit` = stored number · conversion.
  public var conversion = 1.0
  /// The smallest difference between values, in `unit`; −1 if unknown.
  public var resolution = -1.0
  /// `volts` with electrodes.
  public var unit: String
  public var electrodes: ElectrodesDescription?
  /// Frames that are stored together; see ``chunkRows(bytesPerFrame:rate:flushSeconds:)``.
  public var chunkRows: Int
  /// What the chunks go through. With filters, chunks are handed over to be compressed.
  public var filters: [Filter] = []

  public init(
    name: String, description: String, channels: Int, type: DestinationType, rate: Double,
    unit: String, chunkRows: Int
  ) {
    self.name = name
    self.description = description
    self.channels = channels
    self.type = type
    self.rate = rate
    self.unit = unit
    self.chunkRows = chunkRows
  }

  /// The frames of a chunk: 1 MiB, where chunks write at the speed of the disk, or half a flush
  /// interval if that is less, so that every frame is in a whole chunk before its flush is due.
  public static func chunkRows(
    bytesPerFrame: Int, rate: Double, flushSeconds: Double
  ) -> Int {
    let ofSize = Double(1 << 20) / Double(bytesPerFrame)
    return max(1, Int(min(ofSize, rate * flushSeconds / 2)))
  }
}

/// The electrodes of a series, one per channel.
public struct ElectrodesDescription: Sendable {
  public struct Electrode: Sendable, Hashable {
    /// Unique in its group: an electrode that several series record from is one row of the table.
    public var name: String
    public var group: String
    /// Where it is, in the words of an atlas.
    public var location: String

    public init(name: String, group: String, location: String) {
      self.name = name
      self.group = group
      self.location = location
    }
  }

  /// A further column of the electrodes table, with a value per electrode.
  public struct Column: Sendable {
    public enum Values: Sendable {
      case numbers([Double])
      case texts([String])
      case flags([Bool])
    }

    public var name: String
    public var description: String
    public var values: Values

    public init(name: String, description: String, values: Values) {
      self.name = name
      self.description = description
      self.values = values
    }
  }

  public var electrodes: [Electrode]
  /// The device that records from them.
  public var device: String
  public var columns: [Column] = []
  /// A factor per channel besides the conversion of the series; nil where all are 1.
  public var channelConversion: [Float]?

  public init(_ electrodes: [Electrode], device: String) {
    self.electrodes = electrodes
    self.device = device
  }
}
