/// The order in which the columns of a network are summed out, and the columns that each step joins.
///
/// Columns that share a measured table are neighbours. Each step sums out the column whose table with its neighbours
/// has the fewest cells, and makes these neighbours of one another. Read backwards, the order is a Bayesian network:
/// each column has its neighbours at that moment as parents, and all of them come before it.
struct EliminationOrder: Equatable {
  /// One column and what it depends on.
  struct Step: Equatable {
    /// The column that is summed out.
    let column: Int
    /// Its neighbours then, in ascending order.
    let neighbours: [Int]
  }

  /// The largest number of columns: a set of them is one word.
  static let mostColumns = 64

  /// All columns, the first to be summed out first.
  let steps: [Step]
  /// The cells of the largest table that a step needs.
  let largestTable: Double
  /// The cells of the tables of all steps.
  let allTables: Double
  /// The most neighbours of a column.
  let degree: Int

  /// The order for measured tables over `tables`.
  ///
  /// - Parameters:
  ///   - codeCounts: the number of codes of each column.
  ///   - root: the column that is summed out last, and so has no parents; nil for whichever comes.
  init(of tables: [[Int]], codeCounts: [Int], root: Int? = nil) {
    let count = codeCounts.count
    precondition(count <= Self.mostColumns, "\(count) columns")
    var neighbours = [UInt64](repeating: 0, count: count)
    for table in tables {
      let members = table.reduce(UInt64(0)) { $0 | 1 << $1 }
      for column in table { neighbours[column] |= members & ~(1 << column) }
    }
    func columns(_ set: UInt64) -> [Int] {
      (0..<count).filter { set >> $0 & 1 == 1 }
    }
    func cells(_ column: Int) -> Double {
      columns(neighbours[column]).reduce(Double(codeCounts[column])) {
        $0 * Double(codeCounts[$1])
      }
    }
    var sizes = (0..<count).map(cells)
    var left = Set(0..<count)
    var steps: [Step] = []
    var (largest, total, degree) = (0.0, 0.0, 0)
    func isBefore(_ one: Int, _ other: Int) -> Bool {
      (one == root ? 1 : 0, sizes[one], one) < (other == root ? 1 : 0, sizes[other], other)
    }
    while let column = left.min(by: isBefore) {
      let joined = columns(neighbours[column])
      steps.append(Step(column: column, neighbours: joined))
      largest = max(largest, sizes[column])
      total += sizes[column]
      degree = max(degree, joined.count)
      left.remove(column)
      for other in joined {
        neighbours[other] = (neighbours[other] | neighbours[column]) & ~(1 << other | 1 << column)
      }
      for other in joined { sizes[other] = cells(other) }
    }
    self.steps = steps
    (largestTable, allTables, self.degree) = (largest, total, degree)
  }
}
