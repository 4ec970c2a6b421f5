import NWB

extension SessionTexts {
  init(reading reader: ObjectReader) {
    self.init(
      id: reader.requiredText("id"), description: reader.requiredText("description"))
    experimenters = reader.texts("experimenter")
    lab = reader.text("lab", default: "")
    institution = reader.text("institution", default: "")
    experimentDescription = reader.text("experiment_description", default: "")
    keywords = reader.texts("keywords")
  }
}

/// `F` female, `M` male, `O` other, `U` unknown (NWB).
private enum Sex: String, CaseIterable {
  case female = "F"
  case male = "M"
  case other = "O"
  case unknown = "U"
}

extension SubjectDescription {
  init(reading reader: ObjectReader) {
    self.init(id: reader.requiredText("id"))
    species = reader.text("species", default: "")
    sex = reader["sex"]?.choice(of: Sex.self)?.rawValue ?? ""
    age = reader.text("age", default: "")
    description = reader.text("description", default: "")
    genotype = reader.text("genotype", default: "")
    strain = reader.text("strain", default: "")
    weight = reader.text("weight", default: "")
    if !age.isEmpty, !age.hasPrefix("P") {
      reader.report(
        "\"\(age)\" is not allowed; allowed: an ISO 8601 duration as \"P90D\"", at: "age")
    }
  }
}
