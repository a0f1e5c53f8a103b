package import Datasets
package import Evaluation

extension DatasetSnapshot {
  /// The rows at some places as a table in memory.
  package func table(at places: some Sequence<Int>) throws -> CodedTable {
    let all: [UInt8] = places.flatMap { codes(of: $0) }
    return try CodedTable(
      domains: columns, codes: all, rowCount: all.count / max(1, columns.count))
  }
}

extension CodedRows {
  /// The rows as a table for an evaluation.
  package func table() throws -> CodedTable {
    try CodedTable(domains: columns, codes: codes, rowCount: count)
  }
}
