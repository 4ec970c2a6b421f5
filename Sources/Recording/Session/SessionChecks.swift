import Devices
import NWB
import Samples

/// Finds contradictions between the parts of a session.
///
/// Elements are addressed by their number in the text. An element that could not be read is not in
/// the session's lists; where any is missing, its list is not compared by number.
struct SessionChecks {
  let session: Session
  let root: JSON5Node
  let problems: SessionProblems

  func run() {
    checkParts()
    checkNames()
    checkSpeed()
    for (index, circuit) in numbered(session.circuits, "circuits") {
      check(circuit, at: ["circuits", "\(index)"])
    }
    for (index, buffer) in numbered(session.buffers, "buffers") {
      check(buffer, at: ["buffers", "\(index)"])
      checkDataTag(of: buffer, index)
    }
    for (index, output) in numbered(session.outputs, "outputs") {
      check(output, at: ["outputs", "\(index)"])
    }
    StimulusChecks(self).run()
  }

  // MARK: - Reporting

  /// Reports at a key, or at the innermost of its objects that is there.
  func report(_ message: String, at path: [String]) {
    problems.add(message, at: root.place(of: path), path: path)
  }

  func isGiven(_ path: [String]) -> Bool {
    var node: JSON5Node? = root
    for name in path { node = node?.child(name) }
    return node.map { !$0.isNull } ?? false
  }

  /// Elements with their numbers; none if the list could not be read as a whole.
  func numbered<Element>(_ elements: [Element], _ path: String...) -> [(Int, Element)] {
    numbered(elements, at: path)
  }

  private func numbered<Element>(_ elements: [Element], at path: [String]) -> [(Int, Element)] {
    var node: JSON5Node? = root
    for name in path { node = node?.child(name) }
    guard case .list(let nodes)? = node?.content, nodes.count == elements.count else { return [] }
    return elements.enumerated().map { ($0.offset, $0.element) }
  }

  // MARK: - The whole

  private func checkParts() {
    if !isGiven(["buffers"]) && !isGiven(["stimulator"]) || isEmptySession {
      problems.add(
        "there is nothing to do; buffers, a stimulator, or both are wanted", at: root.place,
        path: [])
    }
    if session.file.path.contains("{id}"), session.texts.id.contains("/") {
      report(
        "\"\(session.texts.id)\" is not allowed; allowed: an id without / (file.path contains "
          + "{id})",
        at: ["session", "id"])
    }
  }

  private var isEmptySession: Bool {
    guard case .list(let buffers)? = root.child("buffers")?.content else { return false }
    return buffers.isEmpty && !isGiven(["stimulator"])
  }

  /// Simulated devices share one time; real ones have their own.
  private func checkSpeed() {
    var asked: [(speed: Double, path: [String])] = []
    for (index, circuit) in numbered(session.circuits, "circuits") {
      if let speed = circuit.simulation.speed {
        asked.append((speed, ["circuits", "\(index)", "simulate", "speed"]))
      }
    }
    if let speed = session.stimulator?.simulationSpeed {
      asked.append((speed, ["stimulator", "simulate", "speed"]))
    }
    guard let first = asked.first else { return }
    for other in asked where other.speed != first.speed {
      report(
        "differs from \(first.path.joined(separator: ".")); devices of a session share one time: "
          + "give it once",
        at: other.path)
    }
    let drivers = session.circuits.map(\.driver) + [session.stimulator?.driver].compactMap(\.self)
    if first.speed != 1, drivers.contains(.bridge) {
      report("a session with a real device runs in real time; allowed: 1", at: first.path)
    }
  }

  // MARK: - Circuits, buffers, outputs

  private func check(_ circuit: CircuitSettings, at path: [String]) {
    if let latch = circuit.latchTrigger, circuit.startTrigger == .software(latch) {
      report("\(latch) is the latch_trigger, which every poll fires", at: path + ["start_trigger"])
    }
    guard circuit.driver == .simulator else { return }
    let tags =
      session.buffers(of: circuit.name).map(\.dataTag)
      + session.outputs.filter { $0.circuit == circuit.name }.map(\.dataTag)
    for section in ["signals", "stores"] {
      let path = path + ["simulate", section]
      for tag in keys(of: path) where !tags.contains(tag) {
        let hint = tags.nearest(to: tag).map { "did you mean \($0)?" }
        report(
          "no buffer or output of the circuit has this data tag; "
            + (hint ?? "allowed: \(tags.joined(separator: ", "))"),
          at: path + [tag])
      }
    }
    checkStores(of: circuit, at: path + ["simulate", "stores"])
    checkFaults(of: circuit, at: path + ["simulate", "faults"])
    let stores = stores(of: circuit)
    let ofStores = stores.flatMap(\.optionalTags) + stores.flatMap(writtenTags)
    for (index, program) in circuit.simulation.programs.enumerated()
    where ofStores.contains(program.tag) {
      report(
        "is a tag of a store, which no program changes; a fault of kind \"set_tag\" can",
        at: path + ["simulate", "programs", "\(index)", "tag"])
    }
  }

  private func checkFaults(of circuit: CircuitSettings, at path: [String]) {
    let allowed = settableTags(of: circuit)
    for (index, fault) in numbered(circuit.simulation.device.faults, at: path) {
      guard case .setTag(let tag, _) = fault.kind, !tag.isEmpty, !allowed.contains(tag) else {
        continue
      }
      report(
        "the circuit has no tag \"\(tag)\" that can be set; "
          + (allowed.isEmpty ? "it has none" : "allowed: \(allowed.joined(separator: ", "))"),
        at: path + ["\(index)", "tag"])
    }
  }

  /// What a simulated circuit has stores for.
  private func stores(of circuit: CircuitSettings) -> [BufferRequest] {
    session.buffers(of: circuit.name).map(\.request)
      + session.outputs.filter { $0.circuit == circuit.name }.map(\.request)
  }

  /// The tags of a store that the circuit itself writes.
  private func writtenTags(_ store: BufferRequest) -> [String] {
    [
      store.dataTag, store.indexTag ?? store.dataTag + "_i", store.cycleTag ?? store.dataTag + "_c",
    ]
  }

  /// The tags of a simulated circuit besides those it writes itself.
  private func settableTags(of circuit: CircuitSettings) -> [String] {
    let stores = stores(of: circuit)
    var tags = stores.flatMap(\.optionalTags)
    let taken = circuit.simulation.stores.values.flatMap(\.absentTags) + stores.flatMap(writtenTags)
    tags += circuit.tags.map(\.name) + circuit.watchTags
    tags += circuit.simulation.tags.keys.sorted() + circuit.simulation.programs.map(\.tag)
    var settable: [String] = []
    for tag in tags where !taken.contains(tag) && !settable.contains(tag) {
      settable.append(tag)
    }
    return settable
  }

  private func keys(of path: [String]) -> [String] {
    var node: JSON5Node? = root
    for name in path { node = node?.child(name) }
    guard case .object(let members)? = node?.content else { return [] }
    return members.map(\.key)
  }

  private func checkStores(of circuit: CircuitSettings, at path: [String]) {
    for buffer in session.buffers(of: circuit.name) {
      guard let store = circuit.simulation.stores[buffer.dataTag] else { continue }
      let path = path + [buffer.dataTag]
      if let most = store.maximumSize, most % buffer.format.framesPerUnit != 0 {
        report(
          "\(most) samples do not fill whole slots; allowed: multiples of "
            + "\(buffer.format.framesPerUnit)",
          at: path + ["size_max"])
      }
      if let most = store.maximumSize, let size = buffer.size, size > most {
        report(
          "\(most) is less than the size of buffer \(buffer.name); allowed: from \(size)",
          at: path + ["size_max"])
      }
      checkAbsentTags(of: store, buffer.request.optionalTags, at: path)
    }
    for output in session.outputs where output.circuit == circuit.name {
      guard let store = circuit.simulation.stores[output.dataTag] else { continue }
      checkAbsentTags(of: store, output.request.optionalTags, at: path + [output.dataTag])
    }
  }

  private func checkAbsentTags(of store: StoreSimulation, _ tags: [String], at path: [String]) {
    for (index, tag) in store.absentTags.enumerated() where !tags.contains(tag) {
      report(
        "\"\(tag)\" is not allowed; allowed: \(tags.joined(separator: ", "))",
        at: path + ["tags_absent", "\(index)"])
    }
  }

  private func check(_ buffer: BufferSettings, at path: [String]) {
    checkCircuit(buffer.circuit, at: path + ["circuit"])
  }

  /// One store can be read by two buffers, which must agree on what it is.
  private func checkDataTag(of buffer: BufferSettings, _ index: Int) {
    guard
      let first = session.buffers[..<index].first(where: {
        $0.circuit == buffer.circuit && $0.dataTag == buffer.dataTag
      }), first.name != buffer.name
    else { return }
    let (one, other) = (first.format, buffer.format)
    if one.channels != other.channels || one.source != other.source
      || one.packOrder != other.packOrder || one.layout != other.layout
      || first.size != buffer.size || first.decimation != buffer.decimation
    {
      report(
        "\"\(buffer.dataTag)\" is the data tag of buffer \(first.name) too, with other settings; "
          + "allowed: the same channels, src_type, pack_order, layout, size and dec_factor",
        at: ["buffers", "\(index)", "data_tag"])
    }
  }

  private func check(_ output: OutputSettings, at path: [String]) {
    checkCircuit(output.circuit, at: path + ["circuit"])
    checkDataTag(of: output, at: path)
    if let latch = session.circuit(output.circuit)?.latchTrigger,
      output.trigger == .software(latch)
    {
      report(
        "\(latch) is the circuit's latch_trigger, which every poll fires", at: path + ["trigger"])
    }
  }

  /// A store is read or played by one of the session's parts.
  private func checkDataTag(of output: OutputSettings, at path: [String]) {
    // The same name is reported as such.
    let buffer = session.buffers(of: output.circuit).first {
      $0.dataTag == output.dataTag && $0.name != output.name
    }
    let others = session.outputs.prefix { $0.name != output.name }
    let other = others.first { $0.circuit == output.circuit && $0.dataTag == output.dataTag }
    guard !output.dataTag.isEmpty,
      let owner = buffer.map({ "buffer \($0.name)" })
        ?? other.map({ "output \($0.name)" })
    else { return }
    report(
      "\(output.dataTag) is the data tag of \(owner) already; an output has a store of its own",
      at: path + ["data_tag"])
  }

  private func checkCircuit(_ name: String, at path: [String]) {
    guard !name.isEmpty, session.circuit(name) == nil else { return }
    let names = session.circuits.map(\.name)
    let hint =
      names.nearest(to: name).map { "did you mean \"\($0)\"?" }
      ?? (names.isEmpty ? "there are none" : "allowed: \(names.joined(separator: ", "))")
    report("there is no circuit \"\(name)\"; \(hint)", at: path)
  }
}

extension BufferRequest {
  /// Every tag besides the data, as named or by suffix.
  var optionalTags: [String] {
    [
      indexTag ?? dataTag + "_i", sizeTag ?? dataTag + "_n", scalingTag ?? dataTag + "_sf",
      cycleTag ?? dataTag + "_c", decimationTag ?? dataTag + "_d",
    ]
  }
}
