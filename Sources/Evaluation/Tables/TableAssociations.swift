import Datasets

/// Measures of how two columns depend on each other.
enum Association {
  /// Cramér's V of a two-way table, with the correction for bias of Bergsma 2013 (Journal of the Korean Statistical
  /// Society 42, 323–328): 0 for independent columns, 1 if one column determines the other.
  ///
  /// Rows where one of the two values is missing do not count: values that are missing together, as those of images
  /// without a row are, would make independent columns look dependent. It is 0 where a column has only one value, and
  /// without rows.
  ///
  /// - Parameters:
  ///   - width: the number of codes of the second column, missing ones included.
  ///   - rowCount: the number of values of the first column.
  ///   - columnCount: the number of values of the second column.
  static func cramersV(
    _ counts: [Int], width: Int, rowCount: Int, columnCount: Int
  ) -> Double {
    let (rows, columns) = marginals(counts, width, rowCount, columnCount)
    let n = rows.reduce(0, +)
    let (r, k) = (Double(rows.count { $0 > 0 }), Double(columns.count { $0 > 0 }))
    guard n > 1, r > 1, k > 1 else { return 0 }
    // χ²/n = Σ O²/(R·C) − 1 over the cells with observations.
    var sum = -1.0
    for row in 0..<rowCount where rows[row] > 0 {
      for column in 0..<columnCount where counts[row * width + column] > 0 {
        let observed = Double(counts[row * width + column])
        sum += observed * observed / (rows[row] * columns[column])
      }
    }
    let corrected = max(0, sum - (r - 1) * (k - 1) / (n - 1))
    let smaller = min(r - (r - 1) * (r - 1) / (n - 1), k - (k - 1) * (k - 1) / (n - 1)) - 1
    return smaller > 0 ? min(1, (corrected / smaller).squareRoot()) : 0
  }

  /// The number of rows with each value of the first column, and of the second one, where neither is missing.
  private static func marginals(
    _ counts: [Int], _ width: Int, _ rowCount: Int, _ columnCount: Int
  ) -> (rows: [Double], columns: [Double]) {
    var rows = [Double](repeating: 0, count: rowCount)
    var columns = [Double](repeating: 0, count: columnCount)
    for row in 0..<rowCount {
      for column in 0..<columnCount {
        rows[row] += Double(counts[row * width + column])
        columns[column] += Double(counts[row * width + column])
      }
    }
    return (rows, columns)
  }

  /// Pearson's correlation of the values that a two-way table gives its rows and columns.
  ///
  /// Rows and columns past the values (missing ones) are left out. It is 0 where a column is constant.
  static func pearson(
    _ counts: [Int], width: Int, rowValues: [Double], columnValues: [Double]
  ) -> Double {
    var (n, x, y) = (0.0, 0.0, 0.0)
    visit(counts, width, rowValues, columnValues) { weight, left, right in
      n += weight
      x += weight * left
      y += weight * right
    }
    guard n > 1 else { return 0 }
    let (meanX, meanY) = (x / n, y / n)
    var (xx, yy, xy) = (0.0, 0.0, 0.0)
    visit(counts, width, rowValues, columnValues) { weight, left, right in
      xx += weight * (left - meanX) * (left - meanX)
      yy += weight * (right - meanY) * (right - meanY)
      xy += weight * (left - meanX) * (right - meanY)
    }
    return xx > 0 && yy > 0 ? max(-1, min(1, xy / (xx * yy).squareRoot())) : 0
  }

  /// Spearman's correlation: Pearson's of the ranks, where equal values have their mean rank.
  static func spearman(
    _ counts: [Int], width: Int, rowCount: Int, columnCount: Int
  ) -> Double {
    let (rows, columns) = marginals(counts, width, rowCount, columnCount)
    return pearson(
      counts, width: width, rowValues: meanRanks(rows), columnValues: meanRanks(columns))
  }

  private static func meanRanks(_ counts: [Double]) -> [Double] {
    var below = 0.0
    return counts.map { count in
      defer { below += count }
      return below + (count + 1) / 2
    }
  }

  private static func visit(
    _ counts: [Int], _ width: Int, _ rowValues: [Double], _ columnValues: [Double],
    _ body: (_ weight: Double, _ left: Double, _ right: Double) -> Void
  ) {
    for row in rowValues.indices {
      for column in columnValues.indices where counts[row * width + column] > 0 {
        body(Double(counts[row * width + column]), rowValues[row], columnValues[column])
      }
    }
  }
}

/// One measure of one pair of columns, in both tables.
public struct AssociationFinding: Sendable {
  /// The measures.
  public enum Measure: String, Sendable, CaseIterable {
    /// Cramér's V with the correction for bias, of pairs with a column of categories; numbers enter by their bins.
    case cramersV = "cramers_v"
    /// Pearson's correlation of two columns of numbers, each at the centre of its bin.
    case pearson
    /// Spearman's correlation of two columns of numbers.
    case spearman
  }

  /// The measure.
  public let measure: Measure
  /// The names of the two columns.
  public let columns: [String]
  /// The values in the synthetic table and in the training table.
  public let synthetic: Double, training: Double
  /// The values in two sets of real rows, whose difference is sampling noise; nil if there are too few.
  public let real: (Double, Double)?

  /// The absolute difference between synthetic and training table.
  public var difference: Double { abs(synthetic - training) }
  /// The same between real rows and other real rows.
  public var differenceOfReal: Double? { real.map { abs($0.0 - $0.1) } }
}

extension AssociationFinding {
  /// How much of the dependences between columns a synthetic table keeps, 0...1: one minus the sum of the differences
  /// over the sum of the dependences themselves, both beyond what sampling noise explains; nil if columns hardly
  /// depend on each other.
  ///
  /// Dependences that the synthetic table makes up count as lost ones.
  static func keptShare(of findings: [AssociationFinding]) -> Double? {
    let sum = { (value: (AssociationFinding) -> Double) in findings.reduce(0) { $0 + value($1) } }
    let noise = sum { $0.differenceOfReal ?? 0 }
    let all = sum { abs($0.training) } - noise
    guard all > 0.02 * Double(findings.count) else { return nil }
    return min(1, max(0, 1 - (sum(\.difference) - noise) / all))
  }

  /// The measures of all pairs; none if a table has no row.
  static func all(
    _ table: CodedTable, _ synthetic: TableCounts, _ training: TableCounts, floor: NoiseFloor?
  ) -> [AssociationFinding] {
    guard synthetic.rowCount > 0, training.rowCount > 0 else { return [] }
    let domains = table.domains
    return ColumnPair.all(domains.count).flatMap { pair in
      let (first, second) = (domains[pair.first], domains[pair.second])
      let measures: [Measure] =
        first.hasNumbers && second.hasNumbers ? [.pearson, .spearman] : [.cramersV]
      let counted = [synthetic, training].map { $0.counts(pair.first, pair.second) }
      let real = floor.map {
        [$0.rows.counts(pair.first, pair.second), $0.others.counts(pair.first, pair.second)]
      }
      return measures.map { measure in
        func value(_ counts: [Int]) -> Double { measure.value(counts, first, second) }
        return AssociationFinding(
          measure: measure, columns: [first.name, second.name], synthetic: value(counted[0]),
          training: value(counted[1]), real: real.map { (value($0[0]), value($0[1])) })
      }
    }
  }
}

extension AssociationFinding.Measure {
  /// The value of a two-way table.
  fileprivate func value(
    _ counts: [Int], _ first: ColumnDomain, _ second: ColumnDomain
  ) -> Double {
    let width = second.codeCount
    switch self {
    case .cramersV:
      return Association.cramersV(
        counts, width: width, rowCount: first.valueCount, columnCount: second.valueCount)
    case .pearson:
      return Association.pearson(
        counts, width: width, rowValues: first.binCentres ?? [],
        columnValues: second.binCentres ?? [])
    case .spearman:
      return Association.spearman(
        counts, width: width, rowCount: first.valueCount, columnCount: second.valueCount)
    }
  }
}
