import Datasets
import Models

/// The columns of rows as members of a JSON object, for the lines of `metadata.jsonl`.
struct MetadataColumns {
  private var writer: TableWriter

  /// Columns whose numbers are drawn within their bins, reproducibly from the seed.
  init(_ columns: [ColumnDomain], seed: UInt64) {
    writer = TableWriter(columns: columns, format: .jsonLines, seed: seed)
  }

  /// The members of a row's object, without its braces.
  mutating func members(of row: TableRow) -> String {
    let line = String(decoding: writer.lines(row.codes), as: UTF8.self)
    return String(line.drop { $0 != "{" }.dropFirst().prefix { $0 != "\n" }.dropLast())
  }
}
