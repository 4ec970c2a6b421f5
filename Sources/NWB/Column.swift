import HDF5

/// A dataset that gets a row now and then: rows are collected, and written when the file is flushed.
///
/// Readers see nothing before a flush anyway, and so a table never has columns of different length
/// in a completed one.
protocol PendingRows: AnyObject {
  /// Writes what was collected since the last time.
  func write() throws(HDF5Error)
}

/// Numbers; a fixed count of them per row in a dataset of two dimensions.
final class NumberColumn<T: Element>: PendingRows {
  private let dataset: GrowingDataset
  private var pending: [T] = []

  init(_ dataset: GrowingDataset) {
    self.dataset = dataset
  }

  func append(_ number: T) {
    pending.append(number)
  }

  func append(_ numbers: some Sequence<T>) {
    pending.append(contentsOf: numbers)
  }

  func write() throws(HDF5Error) {
    guard !pending.isEmpty else { return }
    try dataset.append(pending)
    pending.removeAll(keepingCapacity: true)
  }
}

/// Texts in a fixed number of bytes each; what does not fit is cut off.
final class TextColumn: PendingRows {
  private let dataset: GrowingDataset
  private var pending: [Substring] = []

  init(_ dataset: GrowingDataset) {
    self.dataset = dataset
  }

  /// An empty text, which readers take for a missing one, is stored as `n/a`.
  func append(_ text: Substring) {
    pending.append(text.isEmpty ? "n/a" : text)
  }

  func append(_ text: String) {
    append(text[...])
  }

  func write() throws(HDF5Error) {
    for text in pending { try dataset.append(text) }
    pending.removeAll(keepingCapacity: true)
  }
}

/// Columns that grow together. The last one counts the rows: it is written after the others have
/// been flushed, so that whoever goes by its length finds every other at least as long, at any
/// moment.
final class Rows {
  private let columns: [any PendingRows]

  init(_ columns: [any PendingRows]) {
    self.columns = columns
  }

  /// Writes all columns but the last, in the order they were created in.
  func writeContent() throws(HDF5Error) {
    for column in columns.dropLast() { try column.write() }
  }

  /// Writes the column that counts.
  func writeCount() throws(HDF5Error) {
    try columns.last?.write()
  }
}
