import HDF5
import Testing

@testable import NWB

@Suite("The order inside a table")
struct RowsOrderTests {
  private final class Spy: PendingRows {
    private let name: String
    private let written: (String) -> Void

    init(_ name: String, _ written: @escaping (String) -> Void) {
      self.name = name
      self.written = written
    }

    func write() throws(HDF5Error) { written(name) }
  }

  @Test("columns are written as they were created, and the one that counts after a flush")
  func order() throws {
    var written: [String] = []
    let rows = Rows(
      ["values", "values_index", "flat", "id"].map { Spy($0) { written.append($0) } })
    try rows.writeContent()
    #expect(written == ["values", "values_index", "flat"])
    try rows.writeCount()
    #expect(written == ["values", "values_index", "flat", "id"])
  }
}
