import Datasets

/// How well a column can be predicted from the other columns, after training on synthetic and on real rows.
public struct PredictionFinding: Sendable {
  /// The score of one model on the test rows.
  public struct Score: Sendable {
    /// The accuracy of a column of categories, or R² of a column of numbers; nil if it is not defined.
    public let value: Double?
    /// Its interval over the test rows.
    public let interval: Interval?
  }

  /// The name of the column.
  public let column: String
  /// Whether the column has numbers: then the score is R², otherwise it is the accuracy.
  public let isNumeric: Bool
  /// After training on synthetic rows, and after training on equally many real rows.
  public let synthetic: Score, real: Score
  /// The score of the most frequent value, or of the mean, of the same real rows.
  public let baseline: Double?
  /// The synthetic rows and the real rows that models were trained on, and the test rows; rows without a value in the
  /// column are left out.
  public let syntheticCount: Int, realCount: Int, testCount: Int
}

/// Predicts each of the first columns from all others.
struct TableUtility {
  let seed: UInt64

  /// The largest number of columns that are predicted: the first in the order of declaration, because a choice by the
  /// data would reveal something of it.
  static let columnLimit = 8
  /// The largest number of rows to train on, and to test on.
  static let rowLimit = 10_000
  /// The products of a classifier's pass over its rows, at most: wide tables are trained on fewer rows.
  private static let passLimit = 4_000_000
  private static let leastRows = 1000

  /// Compares training on `synthetic` with training on equally many rows of `training`; both are tested on `test`.
  ///
  /// Empty without a second column, and if one of the tables has no row.
  func findings(
    synthetic: CodedTable, training: CodedTable, test: CodedTable
  ) -> [PredictionFinding] {
    guard training.columnCount > 1, synthetic.rowCount > 0, training.rowCount > 0, test.rowCount > 0
    else { return [] }
    let tested = test.sample(Self.rowLimit, seed: seed)
    return training.domains.indices.prefix(Self.columnLimit).map { column in
      let domain = training.domains[column]
      let pass = domain.hasNumbers ? 1 : domain.valueCount * (training.columnCount - 1)
      let limit = min(Self.rowLimit, max(Self.leastRows, Self.passLimit / max(1, pass)))
      let count = min(synthetic.rowCount, training.rowCount, limit)
      let rows = [synthetic.sample(count, seed: seed), training.sample(count, seed: seed), tested]
        .map { OneHotRows($0, predicting: column) }
      return domain.hasNumbers
        ? Self.regression(domain, rows[0], rows[1], rows[2])
        : Self.classification(domain, rows[0], rows[1], rows[2])
    }
  }

  private static func classification(
    _ domain: ColumnDomain, _ synthetic: OneHotRows, _ real: OneHotRows, _ test: OneHotRows
  ) -> PredictionFinding {
    func score(_ rows: OneHotRows) -> PredictionFinding.Score {
      guard rows.rowCount > 0, test.rowCount > 0 else { return .init(value: nil, interval: nil) }
      let predictions = SoftmaxRegression(rows).predictions(for: test)
      let right = zip(predictions, test.targets).count { $0 == $1 }
      return .init(
        value: Double(right) / Double(test.rowCount),
        interval: .proportion(right, of: test.rowCount))
    }
    let baseline = mostFrequent(real.targets).flatMap { code in
      test.rowCount == 0
        ? nil : Double(test.targets.count { $0 == code }) / Double(test.rowCount)
    }
    return PredictionFinding(
      column: domain.name, isNumeric: false, synthetic: score(synthetic), real: score(real),
      baseline: baseline, syntheticCount: synthetic.rowCount, realCount: real.rowCount,
      testCount: test.rowCount)
  }

  private static func regression(
    _ domain: ColumnDomain, _ synthetic: OneHotRows, _ real: OneHotRows, _ test: OneHotRows
  ) -> PredictionFinding {
    let centres = domain.binCentres ?? []
    func values(_ rows: OneHotRows) -> [Double] { rows.targets.map { centres[Int($0)] } }
    let truth = values(test)
    func score(_ rows: OneHotRows) -> PredictionFinding.Score {
      guard rows.rowCount > 0 else { return .init(value: nil, interval: nil) }
      let model = RidgeRegression(rows, values: values(rows))
      return determination(of: model.predictions(for: test), truth)
    }
    let known = values(real)
    let mean = known.reduce(0, +) / Double(max(1, known.count))
    return PredictionFinding(
      column: domain.name, isNumeric: true, synthetic: score(synthetic), real: score(real),
      baseline: known.isEmpty
        ? nil : determination(of: truth.map { _ in mean }, truth).value,
      syntheticCount: synthetic.rowCount, realCount: real.rowCount, testCount: test.rowCount)
  }

  /// The most frequent code, the first of several; nil without a code.
  static func mostFrequent(_ codes: [UInt8]) -> UInt8? {
    guard !codes.isEmpty else { return nil }
    var counts = [Int](repeating: 0, count: 256)
    for code in codes { counts[Int(code)] += 1 }
    let most = counts.max() ?? 0
    return counts.firstIndex(of: most).map { UInt8($0) }
  }

  /// R² = 1 − Σ(y − ŷ)²/Σ(y − ȳ)², with the interval of the ratio of two means by the delta method.
  ///
  /// It is not defined if all true values are the same.
  static func determination(
    of predictions: [Double], _ truth: [Double]
  ) -> PredictionFinding.Score {
    let count = Double(truth.count)
    let mean = truth.reduce(0, +) / max(1, count)
    let spread = truth.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, count)
    guard spread > 0 else { return .init(value: nil, interval: nil) }
    let errors = zip(predictions, truth).map { ($0 - $1) * ($0 - $1) }
    let ratio = errors.reduce(0, +) / count / spread
    // The influence of a row on the ratio is (error² − ratio·deviation²)/spread, with mean 0.
    let variance =
      zip(errors, truth).reduce(0) { sum, row in
        let influence = (row.0 - ratio * (row.1 - mean) * (row.1 - mean)) / spread
        return sum + influence * influence
      } / count
    let interval = Interval.normal(
      1 - ratio, standardError: (variance / count).squareRoot(), method: "normal, delta method")
    return .init(
      value: 1 - ratio,
      interval: Interval(
        low: interval.low, high: min(1, interval.high), method: interval.method))
  }
}
