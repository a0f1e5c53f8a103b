public import Privacy
public import Datasets

/// Results about a synthetic table that need no real row.
public struct SyntheticTableFindings: Sendable {
  /// The declared columns.
  public let domains: [ColumnDomain]
  /// The number of rows.
  public let rowCount: Int
  /// The number of rows with each code, for each column.
  public let counts: [[Int]]
  /// The number of rows that equal an earlier one.
  public let duplicateCount: Int

  /// Examines a table.
  public init(_ table: CodedTable) {
    let counted = TableCounts(table)
    domains = table.domains
    rowCount = table.rowCount
    counts = table.domains.indices.map(counted.counts)
    duplicateCount = table.rowCount - Set((0..<table.rowCount).map { table[$0] }).count
  }
}

/// Results about a synthetic table that depend on real rows.
public struct RealTableFindings: Sendable {
  /// The rows of the synthetic, the training and the test table; no test rows if there is no test table.
  public let syntheticCount: Int, trainingCount: Int, testCount: Int?
  /// What the references "real" compare, in words; nil if there are too few real rows.
  public let floor: String?
  /// The distances of single columns, and of pairs of columns.
  public let oneWay: MarginalFindings, twoWay: MarginalFindings
  /// How columns depend on each other.
  public let associations: [AssociationFinding]
  /// Predictions of columns; nil without a test table.
  public let predictions: [PredictionFinding]?
  /// The attack on single values of training rows; nil without a test table, without a second column, and for few rows.
  public let inference: InferenceFindings?
  /// The attack that singles rows out; nil for the same reasons, and if no values of the table are unique.
  public let singlingOut: SinglingOutFinding?
  /// Real rows in the synthetic table.
  public let copies: TableCopies
}

/// All results of the evaluation of a table, in two zones.
public struct TableFindings: Sendable {
  /// The results of the synthetic table alone.
  public let synthetic: Releasable<SyntheticTableFindings>
  /// Results that depend on real rows; nil if there was no evaluation with them.
  public let real: Sensitive<RealTableFindings>?
  /// Sentences about what shaped the table: they follow from the plan alone.
  public let assumptions: Releasable<[String]>
  /// Whether there is a test table, which is no secret.
  public let hasTest: Bool
}

/// Evaluates a synthetic table of coded columns against the real table that it replaces.
///
/// The real tables are `Sensitive`, so everything computed from them is too.
public enum TableEvaluation {
  /// Compares a synthetic table with real ones.
  ///
  /// - Parameters:
  ///   - synthetic: the synthetic table, or a part of it.
  ///   - training: the table that the model was trained on.
  ///   - test: rows that the model has never seen; nil if there are none. Then nothing is predicted and nothing is
  ///     attacked, because both need such rows.
  ///   - seed: of every random choice of rows.
  ///   - assumptions: sentences about what shaped the synthetic table (bins, columns that were not declared, the degree
  ///     of the network). They must follow from the plan alone, because the release report prints them.
  /// - Throws: `EvaluationError.tablesDiffer` if the tables have different columns.
  public static func run(
    synthetic: Releasable<CodedTable>, training: Sensitive<CodedTable>,
    test: Sensitive<CodedTable>?, seed: UInt64, assumptions: [String]
  ) throws -> TableFindings {
    let own = synthetic.value
    let real: Sensitive<RealTableFindings>
    if let test {
      real = try training.map(with: test) { training, test in
        try findings(own, training, test, seed: seed)
      }
    } else {
      real = try training.map { try findings(own, $0, nil, seed: seed) }
    }
    return TableFindings(
      synthetic: synthetic.map(SyntheticTableFindings.init), real: real,
      assumptions: Releasable(assumptions, .chosenBeforehand), hasTest: test != nil)
  }

  /// The results of a synthetic table alone, without real rows.
  public static func alone(
    synthetic: Releasable<CodedTable>, assumptions: [String]
  ) -> TableFindings {
    TableFindings(
      synthetic: synthetic.map(SyntheticTableFindings.init), real: nil,
      assumptions: Releasable(assumptions, .chosenBeforehand), hasTest: false)
  }

  static func findings(
    _ synthetic: CodedTable, _ training: CodedTable, _ test: CodedTable?, seed: UInt64
  ) throws -> RealTableFindings {
    try check(training, "training", like: synthetic)
    if let test { try check(test, "test", like: synthetic) }
    let test = test.flatMap { $0.rowCount == 0 ? nil : $0 }
    let (own, real) = (TableCounts(synthetic), TableCounts(training))
    let floor = NoiseFloor(
      training: training, test: test, limit: max(1, synthetic.rowCount), seed: seed)
    let names = synthetic.domains.map(\.name)
    return RealTableFindings(
      syntheticCount: synthetic.rowCount, trainingCount: training.rowCount,
      testCount: test?.rowCount, floor: floor?.words,
      oneWay: MarginalFindings(oneWay: names, own, real, floor: floor),
      twoWay: MarginalFindings(
        twoWay: names, codeCounts: synthetic.domains.map(\.codeCount), own, real, floor: floor),
      associations: AssociationFinding.all(synthetic, own, real, floor: floor),
      predictions: test.map {
        TableUtility(seed: seed).findings(synthetic: synthetic, training: training, test: $0)
      },
      inference: test.flatMap {
        AttributeInference(seed: seed)
          .findings(synthetic: synthetic, training: training, holdOut: $0)
      },
      singlingOut: test.flatMap {
        SinglingOut(seed: seed).finding(synthetic: synthetic, training: training, holdOut: $0)
      }, copies: TableCopies(synthetic: synthetic, training: training, test: test))
  }

  /// Both sets have the same declaration, which is public, so a difference may be named.
  private static func check(
    _ table: CodedTable, _ set: String, like synthetic: CodedTable
  ) throws {
    guard table.domains != synthetic.domains else { return }
    func words(_ domains: [ColumnDomain]) -> String {
      domains.map { "\($0.name) (\($0.words))" }.joined(separator: ", ")
    }
    throw EvaluationError.tablesDiffer(
      set: set, found: words(table.domains), expected: words(synthetic.domains))
  }
}
