import Devices
import NWB
import Testing

@testable import Recording

@Suite struct BufferContradictionTests {
  @Test(arguments: [
    Wrong(
      #"buffers: [¦{ circuit: "rz", channels: 1 }],"#,
      "buffers.0.name: is missing; a text is required"),
    Wrong(
      #"buffers: [¦{ name: "x", circuit: "rz" }],"#,
      "buffers.0.channels: is missing; their number is required"),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", channels: ¦0 }],"#,
      "buffers.0.channels: 0 is not allowed; allowed: a whole number from 1 to 4096"),
    Wrong(
      #"buffers: [{ name: "x", circuit: ¦"rx", channels: 1 }],"#,
      #"buffers.0.circuit: there is no circuit "rx"; did you mean "rz"?"#),
    Wrong(
      #"buffers: [{ name: "x", circuit: ¦"amplifier", channels: 1 }],"#,
      #"buffers.0.circuit: there is no circuit "amplifier"; allowed: rz"#),
    Wrong(
      """
      buffers: [{ name: "x", circuit: "rz", channels: 1 },
        { name: ¦"x", circuit: "rz", channels: 2 }],
      """,
      #"buffers.1.name: "x" is the name of buffers.0 already; names must differ"#),
    Wrong(
      #"buffers: [{ name: ¦"a/b", circuit: "rz", channels: 1 }],"#,
      #"buffers.0.name: "a/b" is not allowed; allowed: a name without / and :"#),
    Wrong(
      #"buffers: [{ name: ¦"a:b", circuit: "rz", channels: 1 }],"#,
      #"buffers.0.name: "a:b" is not allowed; allowed: a name without / and :"#),
    Wrong(
      #"buffers: [{ name: ¦"..", circuit: "rz", channels: 1 }],"#,
      #"buffers.0.name: ".." is not allowed; allowed: a name without / and :"#),
    Wrong(
      #"buffers: [{ name: ¦"rz_clock", circuit: "rz", channels: 1 }],"#,
      #"buffers.0.name: "rz_clock" is taken in the file; choose another name"#),
    Wrong(
      """
      stimulator: { name: "stg" },
      buffers: [{ name: ¦"stg_link", circuit: "rz", channels: 1 }],
      """,
      #"buffers.0.name: "stg_link" is taken in the file; choose another name"#),
    Wrong(
      #"buffers: [{ name: ¦"tags", circuit: "rz", kind: "events" }],"#,
      #"buffers.0.name: "tags" is taken in the file; choose another name"#),
    Wrong(
      """
      buffers: [{ name: "x", circuit: "rz", channels: 4, data_tag: "q" },
        { name: "y", circuit: "rz", channels: 4, data_tag: "q", dest_type: "float64" },
        { name: "z", circuit: "rz", channels: 2, src_type: "int16", data_tag: ¦"q" }],
      """,
      "buffers.2.data_tag: \"q\" is the data tag of buffer x too, with other settings; allowed: "
        + "the same channels, src_type, pack_order, layout, size and dec_factor"),
  ])
  func `names and circuits must fit`(wrong: Wrong) { wrong.check() }

  @Test(arguments: [
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", channels: ¦3, src_type: "int16" }],"#,
      "buffers.0.channels: 3 channels of int16 do not fill whole slots; allowed: multiples of 2, "
        + "or 1"),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", channels: ¦6, src_type: "int8" }],"#,
      "buffers.0.channels: 6 channels of int8 do not fill whole slots; allowed: multiples of 4, "
        + "or 1"),
    Wrong(
      """
      buffers: [{ name: "x", circuit: "rz", channels: 2, src_type: "int16", layout: ¦"time" }],
      """,
      "buffers.0.layout: layout time is for a single channel, not for 2; allowed: \"channels\""),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", channels: 1, src_type: "int8", size: ¦1002 }],"#,
      "buffers.0.size: 1002 samples do not fill whole slots of 4; allowed: multiples of 4"),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", channels: 1, src_type: "int16", block_size: ¦5 }],"#,
      "buffers.0.block_size: 5 frames do not fill whole slots of 2; allowed: multiples of 2"),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", channels: 2, size: 100, block_size: ¦101 }],"#,
      "buffers.0.block_size: 101 is not allowed; allowed: 1 to 100, the buffer's size"),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", channels: 2, block_size: ¦0 }],"#,
      "buffers.0.block_size: 0 is not allowed; allowed: a whole number from 1 to 1073741824"),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", channels: 2, dec_factor: ¦0 }],"#,
      "buffers.0.dec_factor: 0 is not allowed; allowed: a whole number from 1 to 16777216"),
    Wrong(
      """
      buffers: [{ name: "x", circuit: "rz", channels: 2, src_type: "int16", dest_type: ¦"int8" }],
      """,
      "buffers.0.dest_type: int8 does not hold every code of int16; allowed: \"float32\", "
        + "\"float64\", \"int32\", \"int16\""),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", channels: 1, src_type: ¦"uint8" }],"#,
      #"buffers.0.src_type: "uint8" is not allowed; allowed: "float32", "int32", "int16", "int8""#),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", kind: "events", src_type: ¦"float32" }],"#,
      #"buffers.0.src_type: tick stamps are int32; allowed: "int32""#),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", kind: "events", dest_type: ¦"float64" }],"#,
      #"buffers.0.dest_type: tick stamps stay int32; allowed: "int32""#),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", kind: "events", channels: ¦2 }],"#,
      "buffers.0.channels: 2 is not allowed; allowed: a whole number from 1 to 1"),
    Wrong(
      """
      buffers: [{ name: "x", circuit: "rz", kind: "events", electrodes: ¦{ location: "SSp" } }],
      """,
      "buffers.0.electrodes: tick stamps have no electrodes; leave them out"),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", channels: 2, gain: ¦0 }],"#,
      "buffers.0.gain: 0 is not allowed; allowed: a gain that is not 0"),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", channels: 2, gain: ¦[1, 2, 3] }],"#,
      "buffers.0.gain: 3 gains for 2 channels; one, or one for each, is allowed"),
    Wrong(
      #"buffers: [{ name: "x", circuit: "rz", channels: 2, gain: ¦[1, 2] }],"#,
      "buffers.0.gain: different gains are only stored with electrodes; allowed without: one "
        + "number"),
  ])
  func `the shape must be one that slots can have`(wrong: Wrong) { wrong.check() }

  @Test func `gains of channels become one conversion and factors`() throws {
    let session = try SessionText(
      """
      buffers: [{ name: "x", circuit: "rz", channels: 2, gain: [2e-6, 3e-6],
        electrodes: { location: "SSp" } }],
      """
    ).load()
    let buffer = try #require(session.buffers.first)
    #expect(buffer.gains == [2e-6, 3e-6])
    #expect(buffer.electrodes?.channelConversion == [1, 1.5])
  }
}
