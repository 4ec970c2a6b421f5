import Devices

/// What a link asks of a bridge before anything else: the protocol's version, the device, and
/// whether every byte comes back as it went out.
enum Greeting {
  /// Goes out as the blob of `hello`, and has to come back.
  static let bytes = (0...255).map { UInt8($0) }

  static func check(_ reply: HelloReply, echo: [UInt8], kind: String) throws(LinkError) {
    guard reply.proto == protocolVersion else {
      throw LinkError(
        .version, "the bridge speaks proto \(reply.proto), this recorder \(protocolVersion)")
    }
    guard echo.count == bytes.count else {
      throw LinkError(
        .badFrame, "the link mangles bytes: of \(bytes.count) sent, \(echo.count) came back")
    }
    for (sent, found) in zip(bytes, echo) where sent != found {
      throw LinkError(.badFrame, "the link mangles bytes: \(sent) came back as \(found)")
    }
    guard reply.device == kind else {
      throw LinkError(.badArgument, "the bridge serves a \(reply.device), not a \(kind)")
    }
  }
}
