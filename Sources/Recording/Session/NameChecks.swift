extension SessionChecks {
  /// Names become objects of the file: allowed, different, and not what the recorder itself writes.
  func checkNames() {
    let circuits = numbered(session.circuits, "circuits").map {
      Named(name: $1.name, path: ["circuits", "\($0)", "name"])
    }
    let stimulator = session.stimulator.map {
      Named(name: $0.name, path: ["stimulator", "name"])
    }
    let buffers = numbered(session.buffers, "buffers").map {
      Named(name: $1.name, path: ["buffers", "\($0)", "name"])
    }
    let outputs = numbered(session.outputs, "outputs").map {
      Named(name: $1.name, path: ["outputs", "\($0)", "name"])
    }
    let devices = circuits + [stimulator].compactMap(\.self)
    check(devices, taken: ["models"])
    check(buffers + outputs, taken: [])

    // Series stand beside the clocks and links of devices, event buffers beside the events.
    let clocks = Set(devices.flatMap { ["\($0.name)_clock", "\($0.name)_link"] })
    for (index, buffer) in numbered(session.buffers, "buffers") {
      let taken =
        buffer.kind == .samples ? clocks : ["stimulus_changes", "tags", "recorder_log"]
      if let problem = ObjectName.problem(of: buffer.name, taken: taken), !buffer.name.isEmpty {
        report(problem, at: ["buffers", "\(index)", "name"])
      }
    }
  }

  private struct Named {
    var name: String
    var path: [String]
  }

  private func check(_ named: [Named], taken: Set<String>) {
    for (place, one) in named.enumerated() where !one.name.isEmpty {
      if let problem = ObjectName.problem(of: one.name, taken: taken) {
        report(problem, at: one.path)
      } else if let first = named[..<place].first(where: { $0.name == one.name }) {
        let other = first.path.dropLast().joined(separator: ".")
        report("\"\(one.name)\" is the name of \(other) already; names must differ", at: one.path)
      }
    }
  }
}
