import HDF5
import Testing

@Suite struct ValueTests {
  static let values: [Value] = [
    .number(Int8.min), .number(Int16.min), .number(Int32.min), .number(Int64.min),
    .number(UInt8.max), .number(UInt16.max), .number(UInt32.max), .number(UInt64.max),
    .number(Float(1.5)), .number(Double.leastNonzeroMagnitude), .number(true), .number(false),
    .numbers([Int8(-1), 0, 1]), .numbers([Int16(-300), 300]), .numbers([Int32(-70000)]),
    .numbers([Int64.min, .max]), .numbers([UInt8(0), 255]), .numbers([UInt16(65535)]),
    .numbers([UInt32(4_000_000_000)]), .numbers([UInt64.max, 0]),
    .numbers([Float.infinity, -0.25]), .numbers([0.1, 24414.0625, .pi]),
    .numbers([true, false, true]), .numbers([Double]()),
    "plain", .string(""), .string("µV ≤ 𝛥 e\u{301}"), .string("two\nlines"),
    .strings(["a", "", "ŁÓDŹ"]), .strings([]),
    .pairs([("daqrec", "1.0"), ("libhdf5", "1.10.8")]),
    .reference(to: "/group"), .references(to: ["/group", "/group/inner", "/group"]),
  ]

  @Test("A value comes back from a dataset with its type and shape", arguments: values)
  func dataset(value: Value) throws {
    let file = try written { file in
      try file.createGroup("/group")
      try file.createGroup("/group/inner")
      try file.createDataset("/value", value)
    }
    #expect(try file.value(of: "/value") == value)
  }

  @Test("A value comes back from an attribute with its type and shape", arguments: values)
  func attribute(value: Value) throws {
    let file = try written { file in
      try file.createGroup("/group")
      try file.createGroup("/group/inner")
      try file.createDataset("/object", "target")
      for path in ["/", "/group", "/object"] {
        try file.setAttribute("value µ", on: path, to: value)
      }
    }
    for path in ["/", "/group", "/object"] {
      #expect(try file.attribute("value µ", of: path) == value)
    }
  }

  @Test("The accessors give what is there, and nil for anything else")
  func accessors() {
    #expect(Value.number(Int16(-5)).number() == Int16(-5))
    #expect(Value.number(Int16(-5)).number(as: Int32.self) == nil)
    #expect(Value.numbers([1.5, 2.5]).numbers() == [1.5, 2.5])
    #expect(Value.numbers([1.5, 2.5]).number(as: Double.self) == nil)
    #expect(Value.number(true).number() == true)
    #expect(Value("x").string == "x")
    #expect(Value.strings(["x"]).string == nil)
    #expect(Value.pairs([("a", "b"), ("c", "d")]).strings == ["a", "b", "c", "d"])
    #expect(Value.pairs([("a", "b"), ("c", "d")]).shape == [2, 2])
    #expect(Value.reference(to: "/x").references == ["/x"])
    #expect(Value.reference(to: "/x").strings == nil)
    #expect(Value("x").numbers(as: UInt8.self) == nil)
  }

  @Test("A text with a NUL is refused instead of being cut")
  func nul() throws {
    _ = try written { file in
      let error = failure { try file.createDataset("/text", "before\0after") }
      #expect(error?.description == "cannot create dataset /text: its text contains a NUL")
    }
  }

  @Test("A reference to nothing is refused")
  func danglingReference() throws {
    _ = try written { file in
      let error = failure { try file.createDataset("/reference", .reference(to: "/nowhere")) }
      #expect(
        error?.description
          == "cannot create dataset /reference: H5Rcreate: unable to create reference: "
          + "object 'nowhere' doesn't exist")
    }
  }

  @Test("Attributes given at creation are set, and listed by name")
  func attributesAtCreation() throws {
    let file = try written { file in
      try file.createGroup("/g", attributes: ["b": "2", "a": .number(1.0)])
      try file.createDataset("/g/d", "x", attributes: ["unit": "V"])
      _ = try file.createScalar("/g/s", 0.0, attributes: ["rate": .number(24414.0625)])
      _ = try file.createGrowing(
        "/g/w", of: .int16, chunkRows: 1, attributes: ["target": .reference(to: "/g")])
    }
    #expect(try file.attributeNames(of: "/g") == ["a", "b"])
    #expect(try file.attribute("unit", of: "/g/d")?.string == "V")
    #expect(try file.attribute("rate", of: "/g/s")?.number() == 24414.0625)
    #expect(try file.attribute("target", of: "/g/w")?.references == ["/g"])
    #expect(try file.attribute("none", of: "/g") == nil)
    #expect(try file.attributeNames(of: "/") == [])
  }
}
