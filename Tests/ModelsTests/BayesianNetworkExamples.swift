import Compute
import Datasets
import Glibc
import Learning
import TestSupport

@testable import Models

/// Rows of codes, with a class each where there are classes.
struct CodeRows: ExampleSource {
  let rows: [[UInt8]]
  var classes: [Int] = []
  var units: [Int]?

  var count: Int { rows.count }
  func labels(in range: Range<Int>) -> [Int] { classes.isEmpty ? [] : Array(classes[range]) }
  func fill(_ target: Tensor, from range: Range<Int>) {}
  func codes(in range: Range<Int>) -> [UInt8] { rows[range].flatMap { $0 } }
}

/// Answers from exact tables of a distribution, with noise of a seeded stream: tests of the algorithm alone.
final class PlainAnswers: TableAnswers {
  let joint: CodeTable
  let deviation: Double
  private(set) var chosen: [[Int]] = []
  private var stream: SeededStream

  init(_ joint: CodeTable, deviation: Double = 0, seed: UInt64 = 1) {
    self.joint = joint
    self.deviation = deviation
    stream = SeededStream(seed: seed)
  }

  func choose(among candidates: [MarginalCandidate]) -> Int {
    let scores = candidates.map { candidate in
      zip(exact(candidate.marginal.columns), candidate.estimate)
        .reduce(-candidate.penalty) { $0 + abs($1.0 - $1.1) }
    }
    let best = scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
    chosen.append(candidates[best].marginal.columns)
    return best
  }

  func measure(_ marginal: Marginal) -> [Double] { noisy(marginal.columns) }

  /// The noisy tables of all columns.
  func oneWay() -> [[Double]] { joint.columns.map { noisy([$0]) } }

  private func exact(_ columns: [Int]) -> [Double] { joint.marginal(over: columns).values }

  private func noisy(_ columns: [Int]) -> [Double] {
    exact(columns).map { ($0 + deviation * stream.gaussian()).rounded() }
  }
}

/// Answers of which nothing but noise is left; the choice is made at random.
final class NoiseAlone: TableAnswers {
  let deviation: Double
  private var stream: SeededStream

  init(deviation: Double, seed: UInt64) {
    self.deviation = deviation
    stream = SeededStream(seed: seed)
  }

  func choose(among candidates: [MarginalCandidate]) -> Int {
    Int(stream.uniform() * Double(candidates.count))
  }

  func measure(_ marginal: Marginal) -> [Double] {
    (0..<marginal.cellCount).map { _ in (deviation * stream.gaussian()).rounded() }
  }
}

extension CodeTable {
  /// The probabilities of all rows of a network.
  init(_ network: CodeNetwork) {
    let columns = Array(network.codeCounts.indices)
    var rows: [[UInt8]] = [[]]
    for codes in network.codeCounts {
      rows = rows.flatMap { row in (0..<codes).map { row + [UInt8($0)] } }
    }
    self.init(
      columns, extents: network.codeCounts,
      values: rows.map { exp(network.logProbability(of: $0)) })
  }

  /// The total variation distance of two tables, each divided by its sum.
  func distance(from other: CodeTable) -> Double {
    zip(values, other.values).reduce(0) { $0 + abs($1.0 / sum - $1.1 / other.sum) } / 2
  }

  /// How often each combination of codes occurs in rows.
  init(counting rows: [[UInt8]], codeCounts: [Int]) {
    var values = [Double](repeating: 0, count: codeCounts.reduce(1, *))
    for row in rows { values[zip(row, codeCounts).reduce(0) { $0 * $1.1 + Int($1.0) }] += 1 }
    self.init(Array(codeCounts.indices), extents: codeCounts, values: values)
  }
}

/// A network and its tables from the golden file.
struct GoldenNetwork {
  let arrays: Golden.Arrays
  let name: String

  init(_ name: String) throws {
    arrays = try Golden.arrays("models/bayesian_network.csv")
    self.name = name
  }

  func numbers(_ array: String) throws -> [Double] { try arrays.numbers(array, of: name) }
  func whole(_ array: String) throws -> [Int] { try numbers(array).map { Int($0) } }
  func codeCounts() throws -> [Int] { try whole("codes") }

  /// The distribution, by enumeration of all rows.
  func joint() throws -> CodeTable {
    let codes = try codeCounts()
    return CodeTable(Array(codes.indices), extents: codes, values: try numbers("joint"))
  }

  /// The network of case "network", whose columns are not in topological order.
  static func network() throws -> CodeNetwork {
    let golden = try GoldenNetwork("network")
    let parents: [(Int, [Int])] = [(3, []), (0, [3]), (4, [0, 3]), (1, [4]), (2, [1, 3])]
    return try CodeNetwork(
      parents.map { column, parents in
        CodeNetwork.Node(
          column: column, parents: parents,
          probabilities: try golden.numbers("probabilities\(column)").map(Float.init))
      }, codeCounts: golden.codeCounts())
  }
}

extension ColumnDomain {
  /// A column of so many categories, none of them missing.
  static func test(_ name: String, _ codes: Int) -> ColumnDomain {
    ColumnDomain(
      name: name, values: .categories((0..<codes).map { "\($0)" }), allowsMissing: false)
  }
}
