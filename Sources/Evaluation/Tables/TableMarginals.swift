import Datasets

/// The frequencies of a table's columns and pairs of columns.
struct TableCounts {
  private let columns: [[UInt8]]
  private let codeCounts: [Int]
  /// The number of rows.
  let rowCount: Int

  init(_ table: CodedTable) {
    columns = table.columns
    codeCounts = table.domains.map(\.codeCount)
    rowCount = table.rowCount
  }

  /// How many rows have each code of a column.
  func counts(_ column: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: codeCounts[column])
    for code in columns[column] { counts[Int(code)] += 1 }
    return counts
  }

  /// How many rows have each pair of codes; the second column varies fastest.
  func counts(_ first: Int, _ second: Int) -> [Int] {
    let width = codeCounts[second]
    var counts = [Int](repeating: 0, count: codeCounts[first] * width)
    for (left, right) in zip(columns[first], columns[second]) {
      counts[Int(left) * width + Int(right)] += 1
    }
    return counts
  }
}

/// The total variation distance of two distributions: half the sum of the absolute differences of probabilities.
///
/// It is the largest difference in the probability of any event: 0 if they are the same, 1 if they have no value in
/// common.
enum TotalVariation {
  /// The distance of two tables of counts; nil if one is empty.
  static func distance(_ first: [Int], _ second: [Int]) -> Double? {
    let (n, m) = (Double(first.reduce(0, +)), Double(second.reduce(0, +)))
    guard n > 0, m > 0 else { return nil }
    return zip(first, second).reduce(0) { $0 + abs(Double($1.0) / n - Double($1.1) / m) } / 2
  }

  /// The distance of counts from equal probabilities; nil without a count.
  static func distanceFromUniform(_ counts: [Int]) -> Double? {
    distance(counts, [Int](repeating: 1, count: counts.count))
  }

  /// The distance of a two-way table from the product of its margins, which is what independent columns with the right
  /// frequencies have; nil without a count.
  static func distanceFromIndependence(_ counts: [Int], width: Int) -> Double? {
    let n = Double(counts.reduce(0, +))
    guard n > 0 else { return nil }
    let height = counts.count / width
    var rows = [Double](repeating: 0, count: height)
    var columns = [Double](repeating: 0, count: width)
    for row in 0..<height {
      for column in 0..<width {
        rows[row] += Double(counts[row * width + column]) / n
        columns[column] += Double(counts[row * width + column]) / n
      }
    }
    var sum = 0.0
    for row in 0..<height {
      for column in 0..<width {
        sum += abs(Double(counts[row * width + column]) / n - rows[row] * columns[column])
      }
    }
    return sum / 2
  }
}

/// The distance of one column or one pair of columns.
public struct MarginalDistance: Sendable {
  /// The names of the columns, one or two.
  public let columns: [String]
  /// The total variation distance between synthetic and training table.
  public let synthetic: Double
  /// The same between real rows and other real rows, which is sampling noise alone; nil if there are too few.
  public let real: Double?
  /// The same for equally frequent values in place of the synthetic table.
  public let uniform: Double
  /// The same for independent columns with the training table's frequencies; nil for one column.
  public let independent: Double?
}

/// The distances of all columns, or of all pairs of columns.
public struct MarginalFindings: Sendable {
  /// One for each; empty if a table has no row.
  public let distances: [MarginalDistance]

  /// The mean distance; nil without any.
  public var mean: Double? { mean { $0.synthetic } }
  /// The mean distance of real rows from other real rows.
  public var meanOfReal: Double? { mean { $0.real } }
  /// The mean distance of equally frequent values.
  public var meanOfUniform: Double? { mean { $0.uniform } }
  /// The mean distance of independent columns.
  public var meanOfIndependent: Double? { mean { $0.independent } }
  /// The largest distance, with its columns.
  public var largest: MarginalDistance? { distances.max { $0.synthetic < $1.synthetic } }

  private func mean(_ value: (MarginalDistance) -> Double?) -> Double? {
    let values = distances.compactMap(value)
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }
}

/// Real rows against other real rows, for the size of sampling noise.
struct NoiseFloor {
  /// Rows that play the synthetic table, and those that they are compared with.
  let rows: TableCounts, others: TableCounts
  /// What is compared, in words.
  let words: String

  /// Test rows against the training table, or two halves of the training table without a test table.
  ///
  /// - Parameter limit: the number of synthetic rows; of the test table, no more are taken.
  init?(training: CodedTable, test: CodedTable?, limit: Int, seed: UInt64) {
    if let test {
      let sample = test.sample(limit, seed: seed)
      guard sample.rowCount > 0, training.rowCount > 0 else { return nil }
      rows = TableCounts(sample)
      others = TableCounts(training)
      words = "\(Figures.count(sample.rowCount)) real test rows"
    } else {
      guard training.rowCount > 1 else { return nil }
      let halves = training.split(first: training.rowCount / 2, seed: seed)
      rows = TableCounts(halves.0)
      others = TableCounts(halves.1)
      words = "two halves of \(Figures.count(training.rowCount)) real rows"
    }
  }
}

extension MarginalFindings {
  /// The distances of all single columns.
  init(
    oneWay domains: [String], _ synthetic: TableCounts, _ training: TableCounts,
    floor: NoiseFloor?
  ) {
    distances = domains.indices.compactMap { column in
      let real = training.counts(column)
      guard let distance = TotalVariation.distance(synthetic.counts(column), real),
        let uniform = TotalVariation.distanceFromUniform(real)
      else { return nil }
      return MarginalDistance(
        columns: [domains[column]], synthetic: distance,
        real: floor.flatMap {
          TotalVariation.distance($0.rows.counts(column), $0.others.counts(column))
        }, uniform: uniform, independent: nil)
    }
  }

  /// The distances of all pairs of columns.
  init(
    twoWay domains: [String], codeCounts: [Int], _ synthetic: TableCounts,
    _ training: TableCounts, floor: NoiseFloor?
  ) {
    distances = ColumnPair.all(domains.count).compactMap { pair in
      let real = training.counts(pair.first, pair.second)
      let own = synthetic.counts(pair.first, pair.second)
      guard let distance = TotalVariation.distance(own, real),
        let uniform = TotalVariation.distanceFromUniform(real),
        let independent = TotalVariation.distanceFromIndependence(
          real, width: codeCounts[pair.second])
      else { return nil }
      return MarginalDistance(
        columns: [domains[pair.first], domains[pair.second]], synthetic: distance,
        real: floor.flatMap {
          TotalVariation.distance(
            $0.rows.counts(pair.first, pair.second), $0.others.counts(pair.first, pair.second))
        }, uniform: uniform, independent: independent)
    }
  }
}

/// Two columns, the first declared before the second.
struct ColumnPair {
  let first: Int, second: Int

  /// All pairs of `count` columns.
  static func all(_ count: Int) -> [ColumnPair] {
    (0..<count).flatMap { first in
      ((first + 1)..<max(first + 1, count)).map { ColumnPair(first: first, second: $0) }
    }
  }
}
