import Samples
import Testing

@testable import Recording

@Suite struct JSONValueTests {
  @Test func `a value is written on one line`() {
    let value: JSONValue = [
      "type": "status", "t": 0.1, "n": 3, "ok": true, "none": nil,
      "list": [1, .number(2.5), .list([])], "empty": [:],
    ]
    #expect(
      value.description
        == #"{"type":"status","t":0.1,"n":3,"ok":true,"none":null,"list":[1,2.5,[]],"empty":{}}"#)
  }

  @Test(arguments: [
    ("a\"b\\c", #""a\"b\\c""#), ("\n\r\t", #""\n\r\t""#), ("\u{1}\u{1F}", #""\u0001\u001f""#),
    ("é😀/", "\"é😀/\""),
  ])
  func `texts are escaped`(text: String, expected: String) {
    #expect(JSONValue.text(text).description == expected)
  }

  @Test func `numbers that JSON does not have are null`() {
    #expect(JSONValue.list([.number(.nan), .number(.infinity)]).description == "[null,null]")
  }

  @Test func `integers beyond 2^53 keep every digit`() {
    #expect(JSONValue.whole(Int64.max).description == "9223372036854775807")
    #expect(JSONValue.whole(UInt64.max).description == "9223372036854775807")
  }

  @Test func `doubles are read back as they were`() throws {
    var random = SplitMix64(seed: 1)
    for _ in 0..<2000 {
      let number = Double(bitPattern: random.next())
      guard number.isFinite else { continue }
      let read = try JSONValue(parsing: JSONValue.number(number).description)
      let back: Double? =
        switch read {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
      #expect(back == number)
    }
  }

  @Test func `a line that is no JSON names its problem`() {
    #expect {
      try JSONValue(parsing: "{\"a\": 1 \"b\": 2}")
    } throws: { error in
      "\(error)" == "JSON:1:9: b: a comma is missing before \"b\""
    }
  }

  @Test func `values of keys are found`() throws {
    let value = try JSONValue(parsing: #"{"set_signal": {"channel": 0}}"#)
    #expect(value["set_signal"]?["channel"] == 0)
    #expect(value["other"] == nil)
    #expect(JSONValue.null["a"] == nil)
  }
}
