import Testing

@testable import Recording

@Suite struct SessionExampleTests {
  @Test func `the smallest session is one buffer`() throws {
    let session = try Session.load(
      text: """
        {
          session: { id: "a", description: "b" },
          circuits: [{ name: "rz" }],
          buffers: [{ name: "lfp", circuit: "rz", channels: 16 }],
        }
        """)
    #expect(session.buffers.count == 1)
  }
}
