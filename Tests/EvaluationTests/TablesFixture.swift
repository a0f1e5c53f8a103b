import Compute
import Datasets
import FoundationEssentials
import Testing

@testable import Evaluation

/// The tables of tables.json, and what independent implementations say about them.
struct TableGoldens: Decodable {
  struct Prediction: Decodable {
    let score: Double
    /// Predictions of five rows: one number each, or the probability of every class.
    let first: [Row]
  }

  enum Row: Decodable {
    case number(Double)
    case probabilities([Double])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else {
        self = .probabilities(try container.decode([Double].self))
      }
    }
  }

  let synthetic: [UInt8], training: [UInt8], test: [UInt8]
  let oneWay: [Double], oneWayReal: [Double]
  let twoWay: [Double], twoWayUniform: [Double], twoWayIndependent: [Double]
  let cramersV: [String: [Double]], pearson: [String: [Double]], spearman: [String: [Double]]
  let predictions: [Prediction]
  let risks: [[Double]]
  let inference: [[Int]]
  let copies: [Int]

  private enum CodingKeys: String, CodingKey {
    case synthetic, training, test
    case oneWay = "one-way"
    case oneWayReal = "one-way-real"
    case twoWay = "two-way"
    case twoWayUniform = "two-way-uniform"
    case twoWayIndependent = "two-way-independent"
    case cramersV = "cramers-v"
    case pearson, spearman, predictions, risks, inference, copies
  }

  static func read() throws -> TableGoldens {
    var path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    path.append(path: "Golden/evaluation/tables.json")
    return try JSONDecoder().decode(TableGoldens.self, from: Data(contentsOf: path))
  }

  /// The columns of the script.
  static let domains = [
    ColumnDomain(name: "sex", values: .categories(["f", "m"]), allowsMissing: false),
    ColumnDomain(name: "region", values: .categories(["n", "e", "s", "w"])),
    ColumnDomain(
      name: "age", values: .numbers(minimum: 0, maximum: 16, bins: 8, areIntegers: false)),
    ColumnDomain(
      name: "income", values: .numbers(minimum: 0, maximum: 24, bins: 10, areIntegers: true),
      allowsMissing: false),
    ColumnDomain(
      name: "smoker", values: .categories(["no", "yes", "once"]), allowsMissing: false),
  ]

  static func table(_ codes: [UInt8]) throws -> CodedTable {
    try CodedTable(domains: domains, codes: codes, rowCount: codes.count / domains.count)
  }
}

/// Tables with known properties.
enum DrawnTable {
  static func domains(_ codeCounts: [Int], numeric: Set<Int> = []) -> [ColumnDomain] {
    codeCounts.enumerated().map { column, count in
      ColumnDomain(
        name: "c\(column)",
        values: numeric.contains(column)
          ? .numbers(minimum: 0, maximum: Double(count), bins: count, areIntegers: false)
          : .categories((0..<count).map { "v\($0)" }), allowsMissing: false)
    }
  }

  /// Independent columns of equally frequent codes.
  static func uniform(_ rows: Int, _ domains: [ColumnDomain], seed: UInt64) throws -> CodedTable {
    var stream = SeededStream(seed: seed)
    let codes = (0..<rows).flatMap { _ in
      domains.map { UInt8.random(in: 0...UInt8($0.codeCount - 1), using: &stream) }
    }
    return try CodedTable(domains: domains, codes: codes, rowCount: rows)
  }

  /// Every column is a noisy copy of one hidden uniform number, so all columns depend on each other.
  static func dependent(_ rows: Int, _ domains: [ColumnDomain], seed: UInt64) throws -> CodedTable {
    var stream = SeededStream(seed: seed)
    let codes = (0..<rows).flatMap { _ in
      let hidden = stream.uniform()
      return domains.map { domain in
        let value = hidden + 0.1 * stream.gaussian()
        return UInt8(min(domain.codeCount - 1, max(0, Int(value * Double(domain.codeCount)))))
      }
    }
    return try CodedTable(domains: domains, codes: codes, rowCount: rows)
  }

  /// The same codes of each column in another order, so that columns become independent.
  static func shuffled(_ table: CodedTable, seed: UInt64) throws -> CodedTable {
    var stream = SeededStream(seed: seed)
    let columns = table.columns.map { $0.shuffled(using: &stream) }
    return try CodedTable(
      domains: table.domains,
      codes: (0..<table.rowCount).flatMap { row in columns.map { $0[row] } },
      rowCount: table.rowCount)
  }
}
