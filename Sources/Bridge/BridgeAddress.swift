import Clocks

/// Where a bridge is.
public enum BridgeAddress: Sendable, Equatable {
  /// A command and its arguments, started with pipes to its stdio.
  case command([String])
  /// The path of a Unix socket on which a device process listens (``DeviceSocketServer``).
  case socket(String)
}

/// An open line to a bridge: frames come from `reader`; the writer is the link's own.
struct Connection: ~Copyable {
  var reader: FrameReader
  /// The process at the other end, if it is ours.
  let child: ChildProcess?

  /// Makes the connection; `writer` gets the descriptor to write to.
  init(
    _ address: BridgeAddress, writer: FrameWriter, log: @escaping @Sendable (String) -> Void
  ) throws(LinkError) {
    switch address {
    case .command(let command):
      let (child, output, input) = try ChildProcess.start(command, log: log)
      self.child = child
      reader = FrameReader(descriptor: output)
      writer.open(input)
    case .socket(let path):
      let (input, output) = try UnixSocket.connect(to: path)
      child = nil
      reader = FrameReader(descriptor: input)
      writer.open(output)
    }
  }

  /// Waits for something to read, and passes on what the child says on stderr meanwhile.
  func wait(_ timekeeper: any Timekeeper, until deadline: Nanoseconds) {
    timekeeper.wait(reading: [reader.descriptor, child?.errors ?? -1], until: deadline)
    child?.readErrors()
  }
}
