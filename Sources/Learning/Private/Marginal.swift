/// One table of counts over some columns of the rows of a table.
public struct Marginal: Hashable, Sendable, Codable {
  /// The columns, as indices in ascending order; none for the table of one cell that counts all units.
  public let columns: [Int]
  /// The number of codes of each column.
  public let codeCounts: [Int]

  /// The largest number of cells.
  public static let mostCells = 1 << 24

  /// Describes a table.
  ///
  /// `columns` must ascend, each with 1 to 256 codes, and the table has at most `mostCells` cells.
  public init(columns: [Int], codeCounts: [Int]) {
    precondition(columns.count == codeCounts.count, "a number of codes for each column")
    precondition(
      zip(columns, columns.dropFirst()).allSatisfy { $0 < $1 } && (columns.first ?? 0) >= 0,
      "columns \(columns): not ascending")
    precondition(
      codeCounts.allSatisfy { (1...256).contains($0) },
      "numbers of codes \(codeCounts) (1 to 256 each expected)")
    var cells = 1
    for count in codeCounts {
      cells *= count
      precondition(cells <= Self.mostCells, "more than \(Self.mostCells) cells")
    }
    self.columns = columns
    self.codeCounts = codeCounts
  }

  /// The number of cells, the product of the code counts; the last column varies fastest.
  public var cellCount: Int { codeCounts.reduce(1, *) }
}

/// A candidate of a private choice: its table, and what public knowledge expects in each cell.
public struct MarginalCandidate: Sendable {
  /// The table.
  public let marginal: Marginal
  /// The expected number of units in each cell; it must not depend on the private rows, except through noise.
  public let estimate: [Double]
  /// What the score is reduced by, in units.
  public let penalty: Double

  /// Describes a candidate.
  public init(_ marginal: Marginal, estimate: [Double], penalty: Double) {
    precondition(
      estimate.count == marginal.cellCount, "an estimate for each of \(marginal.cellCount) cells")
    precondition(
      estimate.allSatisfy(\.isFinite) && penalty.isFinite, "estimates and penalties are numbers")
    self.marginal = marginal
    self.estimate = estimate
    self.penalty = penalty
  }
}
