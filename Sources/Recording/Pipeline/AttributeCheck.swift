import Devices

/// A scalar tag that must not change while a buffer is read, polled along with its positions.
struct AttributeCheck: Sendable {
  enum What: Sendable {
    case scalingFactor
    case size
    case decimation
  }

  let what: What
  let tag: String
  /// The ring, and where the tag's value is among those of the poll.
  let ring: Int
  let value: Int

  /// What the tag was when the buffer was opened, at the precision it travels with.
  func expected(of attributes: BufferAttributes) -> Double {
    switch what {
    case .scalingFactor: attributes.scalingFactor
    case .size: Double(attributes.slots)
    case .decimation: Double(attributes.decimation)
    }
  }

  /// The checks of all rings; their values follow `offset` others in the poll.
  static func all(of rings: [OpenedRing], after offset: Int) -> [AttributeCheck] {
    var checks: [AttributeCheck] = []
    for (index, ring) in rings.enumerated() {
      let attributes = ring.attributes
      let tags = [
        (What.scalingFactor, attributes.scalingTag), (.size, attributes.sizeTag),
        (.decimation, attributes.decimationTag),
      ]
      for case (let what, let tag?) in tags {
        checks.append(
          AttributeCheck(what: what, tag: tag, ring: index, value: offset + checks.count))
      }
    }
    return checks
  }
}
