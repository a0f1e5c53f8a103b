import Compute
import Datasets

/// A table as text, and what it says without our readers.
struct TextTable {
  /// The declared columns of these tables.
  static let columns = [
    ColumnDomain(name: "sex", values: .categories(["f", "m"]), allowsMissing: false),
    ColumnDomain(name: "site", values: .categories(["north", "south", "-east"])),
    ColumnDomain(
      name: "age", values: .numbers(minimum: 0, maximum: 99, bins: 5, areIntegers: true)),
  ]

  /// The same columns as a file of declarations.
  static let declaration = """
    sex: {categories: [f, m], missing: false}
    site: {categories: [north, south, -east]}
    age: {minimum: 0, maximum: 99, bins: 5, integers: true}
    """

  /// The rows: sex, site and age; empty texts are missing.
  let rows: [[String]]

  /// Draws rows whose columns depend on each other; some values are missing or outside their domains.
  init(count: Int, seed: UInt64) {
    var stream = SeededStream(seed: seed)
    rows = (0..<count).map { _ in
      let isOld = stream.uniform() < 0.6
      let site = ["north", "south", "-east", "", "west"]
      return [
        stream.uniform() < (isOld ? 0.8 : 0.3) ? "f" : "m",
        site[min(4, Int(stream.uniform() * (isOld ? 2.5 : 5)))],
        String(Int(stream.uniform() * 50) + (isOld ? 50 : 0)),
      ]
    }
  }

  /// Reads a table of these three columns whose fields hold no commas.
  init(csv text: String) {
    rows = text.split(whereSeparator: \.isNewline).dropFirst().map { line in
      line.split(separator: ",", omittingEmptySubsequences: false).map { field in
        let text = field.filter { $0 != "\"" }
        return text.hasPrefix("'") ? String(text.dropFirst()) : text
      }
    }
  }

  /// The table with a header, and a column that is not declared.
  var csv: String {
    "name,sex,site,age\n"
      + rows.enumerated().map { "p\($0)," + $1.joined(separator: ",") + "\n" }.joined()
  }

  /// The mean total variation distance of the three columns.
  func meanDistance(to other: TextTable) -> Double {
    let distances = (0..<3).map { column in
      let (own, others) = (shares(column), other.shares(column))
      return Set(own.keys).union(others.keys)
        .reduce(0) { $0 + abs((own[$1] ?? 0) - (others[$1] ?? 0)) } / 2
    }
    return distances.reduce(0, +) / 3
  }

  private func shares(_ column: Int) -> [String: Double] {
    var counts: [String: Double] = [:]
    for row in rows {
      let text = row[column]
      let value =
        switch column {
        case 1: ["north", "south", "-east"].contains(text) ? text : "missing"
        case 2: Int(text).map { String($0 / 20) } ?? "missing"
        default: text
        }
      counts[value, default: 0] += 1
    }
    return counts.mapValues { $0 / Double(rows.count) }
  }
}

/// The metrics of a `report.json`.
struct ReportMetrics: Decodable {
  struct Metric: Decodable {
    let value: Double?
  }

  let metrics: [String: Metric]
}
