import FoundationEssentials
import Testing

/// A table from an independent implementation, in Tests/Golden/evaluation.
struct GoldenFile {
  /// The rows below the header.
  let rows: [[String]]

  init(_ name: String) throws {
    var path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    path.append(path: "Golden/evaluation/\(name)")
    let text = String(decoding: try Data(contentsOf: path), as: UTF8.self)
    rows = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.dropFirst()
      .map { $0.split(separator: ",").map(String.init) }
  }

  func number(_ name: String) throws -> Double {
    let row = try #require(rows.first { $0[0] == name })
    return try #require(Double(row[1]))
  }

  func numbers(ofSet name: String) throws -> [[Double]] {
    try rows.filter { $0[0] == name }.map { try $0.dropFirst().map { try #require(Double($0)) } }
  }
}

func isClose(_ first: Double, _ second: Double, relative: Double, absolute: Double = 0) -> Bool {
  abs(first - second) <= max(absolute, relative * max(abs(first), abs(second)))
}
