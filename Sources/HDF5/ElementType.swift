import CHDF5

/// The character set that a fixed-length text is marked with.
public enum TextEncoding: Sendable, Hashable {
  case ascii
  case utf8
}

/// What one element of a dataset is, for elements that occupy a fixed number of bytes.
public enum ElementType: Sendable, Hashable {
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case float32, float64
  /// An enumeration of int8 with the members FALSE and TRUE, as h5py and PyTables write it.
  case bool
  /// A text of at most this many bytes, padded with NULs.
  case text(bytes: Int, TextEncoding)

  /// The bytes one element occupies, in memory and in the file.
  public var size: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    case .text(let bytes, _): bytes
    }
  }
}

/// A Swift type whose values are stored as they lie in memory.
public protocol Element: BitwiseCopyable, Sendable {
  static var elementType: ElementType { get }
}

extension Int8: Element { public static var elementType: ElementType { .int8 } }
extension Int16: Element { public static var elementType: ElementType { .int16 } }
extension Int32: Element { public static var elementType: ElementType { .int32 } }
extension Int64: Element { public static var elementType: ElementType { .int64 } }
extension UInt8: Element { public static var elementType: ElementType { .uint8 } }
extension UInt16: Element { public static var elementType: ElementType { .uint16 } }
extension UInt32: Element { public static var elementType: ElementType { .uint32 } }
extension UInt64: Element { public static var elementType: ElementType { .uint64 } }
extension Float: Element { public static var elementType: ElementType { .float32 } }
extension Double: Element { public static var elementType: ElementType { .float64 } }
extension Bool: Element { public static var elementType: ElementType { .bool } }

/// What the elements of a dataset or attribute found in a file are.
public enum StoredType: Sendable, Hashable {
  case fixed(ElementType)
  /// Variable-length text.
  case string
  /// References to objects of the same file.
  case reference
  /// Anything else (compound, opaque, other float widths …), which this module does not read.
  case other
}

extension StoredType: CustomStringConvertible {
  /// `float32`, `int16`, `text(bytes: 16, …)`, `string` …
  public var description: String {
    switch self {
    case .fixed(let type): "\(type)"
    case .string: "string"
    case .reference: "reference"
    case .other: "other"
    }
  }
}
