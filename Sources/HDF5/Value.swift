/// The whole content of a small dataset or of an attribute, with its shape.
///
/// Text is stored with variable length in UTF-8 and must not contain NUL. References are given as
/// the absolute path of an object that exists when they are written, and read back as its path.
public struct Value: Sendable, Hashable {
  public enum Content: Sendable, Hashable {
    /// Elements of a fixed-size type as they lie in memory; texts of fixed length are never here.
    case elements(ElementType, bytes: [UInt8])
    case strings([String])
    case references([String])
  }

  /// The length of each dimension, slowest first; empty for a scalar.
  public let shape: [Int]
  public let content: Content

  init(shape: [Int], content: Content) {
    self.shape = shape
    self.content = content
  }

  /// A scalar number or truth value.
  public static func number<T: Element>(_ value: T) -> Value {
    Value(shape: [], content: .elements(T.elementType, bytes: bytes(of: [value])))
  }

  /// A list of numbers or truth values, `[n]`.
  public static func numbers<T: Element>(_ values: [T]) -> Value {
    Value(
      shape: [values.count], content: .elements(T.elementType, bytes: bytes(of: values)))
  }

  /// A scalar text.
  public static func string(_ text: String) -> Value {
    Value(shape: [], content: .strings([text]))
  }

  /// A list of texts, `[n]`.
  public static func strings(_ texts: [String]) -> Value {
    Value(shape: [texts.count], content: .strings(texts))
  }

  /// A list of pairs of texts, `[n, 2]`.
  public static func pairs(_ pairs: [(String, String)]) -> Value {
    Value(shape: [pairs.count, 2], content: .strings(pairs.flatMap { [$0.0, $0.1] }))
  }

  /// A scalar reference to an object.
  public static func reference(to path: String) -> Value {
    Value(shape: [], content: .references([path]))
  }

  /// A list of references to objects, `[n]`.
  public static func references(to paths: [String]) -> Value {
    Value(shape: [paths.count], content: .references(paths))
  }

  /// The numbers in row-major order; nil unless they are stored as exactly this type.
  public func numbers<T: Element>(as type: T.Type = T.self) -> [T]? {
    guard case .elements(T.elementType, let bytes) = content else { return nil }
    return bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / MemoryLayout<T>.stride).map {
        bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.stride, as: T.self)
      }
    }
  }

  /// The scalar number; nil unless it is one, stored as exactly this type.
  public func number<T: Element>(as type: T.Type = T.self) -> T? {
    shape.isEmpty ? numbers(as: type)?.first : nil
  }

  /// The texts in row-major order; nil for anything else.
  public var strings: [String]? {
    guard case .strings(let texts) = content else { return nil }
    return texts
  }

  /// The scalar text; nil for anything else.
  public var string: String? { shape.isEmpty ? strings?.first : nil }

  /// The absolute paths of the objects referred to; nil for anything else.
  public var references: [String]? {
    guard case .references(let paths) = content else { return nil }
    return paths
  }

  private static func bytes<T: Element>(of values: [T]) -> [UInt8] {
    values.withUnsafeBytes(Array.init)
  }
}

extension Value: ExpressibleByStringInterpolation {
  public init(stringLiteral text: String) { self = .string(text) }
}
