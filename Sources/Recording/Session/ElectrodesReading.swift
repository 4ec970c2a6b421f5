import NWB

extension ElectrodesDescription {
  /// Reads `electrodes`: a location for all, names in a list, or a table (CSV) with a row for each
  /// channel, whose cells go before what is given for all.
  init(
    reading reader: ObjectReader, channels: Int, buffer: String, circuit: String,
    in folder: SessionFolder
  ) {
    let location = reader.text("location")
    let group = reader.text("group", default: buffer)
    let names = reader["names"]?.list { $0.text() }
    let table = reader["table"].flatMap { ElectrodeTable(reading: $0, in: folder) }
    self.init([], device: circuit)

    if let names, names.count != channels {
      reader.report(
        "\(names.count) names for \(channels) channels; one for each is wanted", at: "names")
    }
    if let table, table.rows != channels {
      reader.report(
        "the table has \(table.rows) rows for \(channels) channels; one for each is wanted",
        at: "table")
    }
    if let names, let given = table?.texts("name"), names != given {
      reader.report("the table has other names; leave names out, or the column name", at: "names")
    }
    if location == nil, table?.texts("location") == nil, reader["table"] == nil || table != nil {
      reader.report("is missing; a text, or a table with this column, is required", at: "location")
    }

    func cell(_ column: String, _ row: Int) -> String? {
      guard let texts = table?.texts(column), texts.indices.contains(row), !texts[row].isEmpty
      else { return nil }
      return texts[row]
    }
    electrodes = (0..<channels).map { row in
      Electrode(
        name: cell("name", row) ?? (names.map { $0.indices.contains(row) ? $0[row] : "" })
          ?? "ch\(row)",
        group: cell("group", row) ?? group,
        location: cell("location", row) ?? location ?? "unknown")
    }
    columns = table?.columns ?? []
    checkNames(reader)
  }

  private func checkNames(_ reader: ObjectReader) {
    var seen: Set<Electrode> = []
    for electrode in electrodes {
      let identity = Electrode(name: electrode.name, group: electrode.group, location: "")
      if !electrode.name.isEmpty, !seen.insert(identity).inserted {
        reader.report(
          "the name \"\(electrode.name)\" is there twice in group \"\(electrode.group)\"; an "
            + "electrode records on one channel",
          at: reader.has("names") ? "names" : "table")
      }
    }
    for group in Set(electrodes.map(\.group)).sorted() {
      guard let problem = ObjectName.problem(of: group, taken: ["electrodes"]) else { continue }
      reader.report(problem, at: reader.has("group") ? "group" : "table")
    }
  }
}

/// Names of objects of the file.
enum ObjectName {
  /// What is wrong with a name, or nil.
  static func problem(of name: String, taken: Set<String> = []) -> String? {
    let isPlain = name.unicodeScalars.allSatisfy { $0.value >= 32 && $0 != "/" && $0 != ":" }
    guard isPlain, !name.isEmpty, name != ".", name != ".." else {
      return "\"\(name)\" is not allowed; allowed: a name without / and :"
    }
    return taken.contains(name) ? "\"\(name)\" is taken in the file; choose another name" : nil
  }
}
