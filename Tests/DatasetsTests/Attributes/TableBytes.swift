import Foundation

@testable import Datasets

/// Bytes in memory as a stream that gives at most `chunk` bytes at a time.
struct BytesSource: ByteSource {
  let bytes: [UInt8]
  var chunk = Int.max
  private var offset = 0

  init(_ bytes: [UInt8], chunk: Int = Int.max) {
    self.bytes = bytes
    self.chunk = chunk
  }

  init(_ text: String, chunk: Int = Int.max) { self.init(Array(text.utf8), chunk: chunk) }

  mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, chunk, bytes.count - offset)
    buffer.copyBytes(from: bytes[offset..<(offset + count)])
    offset += count
    return count
  }
}

/// A row as a test sees it: the texts of the columns, or the reason why there are none.
enum SeenRow: Equatable {
  case row(Int, [String?])
  case fault(Int, RowVerdict)
}

/// The rows of a table, for some columns.
func seenRows(
  _ source: any ByteSource, _ format: TableFormat, columns: [String], limit: Int = 1 << 20
) throws -> [SeenRow] {
  let stream = try TableStream(source, format: format, columns: columns, limit: limit)
  var rows: [SeenRow] = []
  while let step = try stream.next() {
    switch step {
    case .fault(let reason, let line): rows.append(.fault(line, reason))
    case .row(let line):
      let texts = zip(stream.values.texts, stream.values.isPresent).map {
        $1 ? String(decoding: $0, as: UTF8.self) : nil
      }
      rows.append(.row(line, texts))
    }
  }
  return rows
}

func seenRows(
  _ text: String, _ format: TableFormat = .csv, columns: [String], limit: Int = 1 << 20
) throws -> [SeenRow] {
  try seenRows(BytesSource(text), format, columns: columns, limit: limit)
}

let colour = ColumnDomain(name: "colour", values: .categories(["red", "green", "blue"]))
let age = ColumnDomain(
  name: "age", values: .numbers(minimum: 0, maximum: 99, bins: 10, areIntegers: true))
let weight = ColumnDomain(
  name: "weight", values: .numbers(minimum: 0, maximum: 2, bins: 4, areIntegers: false))
let sex = ColumnDomain(name: "sex", values: .categories(["f", "m"]), allowsMissing: false)
