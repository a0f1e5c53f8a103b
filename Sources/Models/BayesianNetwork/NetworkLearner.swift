import Glibc
import Learning

/// What a learner may ask of the rows of a table, and nothing else: with privacy, every answer has noise.
protocol TableAnswers {
  /// The index of the candidate whose table its estimate describes worst.
  func choose(among candidates: [MarginalCandidate]) throws -> Int
  /// The number of units in each cell of a table.
  func measure(_ marginal: Marginal) throws -> [Double]
  /// The standard deviation of the noise on each cell that is measured; 0 without noise.
  var deviation: Double { get }
}

/// What a learner knows of a table, and how it learns more.
///
/// It starts from a noisy table of every column. Each round then chooses the table that the current distribution
/// describes worst, measures it with noise, and fits the distribution again (the adaptive scheme of AIM: McKenna,
/// Mullins, Sheldon and Miklau 2022, arXiv 2201.12677). The state is a function of the answers alone.
struct NetworkLearner: Equatable {
  /// How large a network and its tables may become.
  struct Limits: Equatable {
    /// The most columns of a measured table.
    var tableColumns: Int
    /// The most parents of a column.
    var degree: Int
    /// The most cells of the table of a column with its parents.
    var cells: Int
  }

  /// Steps of the fit after a round, and before the network is used.
  private static let stepsOfRound = 30
  private static let stepsOfNetwork = 300
  /// The most cells of all tables of a network, in tables of the largest size.
  private static let tablesOfLargestSize = 8.0

  let codeCounts: [Int]
  let limits: Limits
  /// The column without parents, given which rows can be drawn; nil for whichever comes.
  let root: Int?
  /// The measured tables: those of single columns first.
  var measured: [MeasuredTable] = []
  /// The potentials of each measured table.
  var potentials: [[Float]] = []
  /// The estimated number of units.
  var total = 0.0
  /// The step size of the fit.
  var stepSize: Double?

  /// A learner of a table whose columns have so many codes each.
  init(codeCounts: [Int], limits: Limits, root: Int? = nil) {
    self.codeCounts = codeCounts
    self.root = root
    self.limits = limits
  }

  /// The table of one column.
  func marginal(of columns: [Int]) -> Marginal {
    Marginal(columns: columns, codeCounts: columns.map { codeCounts[$0] })
  }

  /// Takes the noisy tables of all columns.
  mutating func start(with tables: [[Double]], deviation: Double) {
    precondition(tables.count == codeCounts.count, "a table for each column")
    // The sum of a table has the variance of its number of cells.
    let weights = codeCounts.map { 1 / Double($0) }
    let sum = zip(tables, weights).reduce(0) { $0 + $1.0.reduce(0, +) * $1.1 }
    total = max(1, sum / weights.reduce(0, +))
    measured = tables.enumerated().map {
      MeasuredTable(
        columns: [$0.offset], values: $0.element.map(Float.init),
        variance: deviation > 0 ? deviation * deviation : 1)
    }
    let least = max(deviation / 4, total * 1e-6)
    potentials = tables.map { $0.map { Float(log(max($0, least))) } }
    stepSize = nil
    refit()
  }

  /// Chooses a table, measures it and fits the distribution again.
  ///
  /// - Returns: the total variation distance of the measured table from what was expected, noise included; 0 if no
  ///   table is within the limits.
  mutating func round(asking answers: some TableAnswers) throws -> Double {
    let candidates = candidates(deviation: answers.deviation)
    guard !candidates.isEmpty else { return 0 }
    let chosen = candidates[try answers.choose(among: candidates)]
    let marginal = chosen.marginal
    let values = try answers.measure(marginal)
    let distance = zip(values, chosen.estimate).reduce(0) { $0 + abs($1.0 - $1.1) } / 2 / total
    let variance = answers.deviation > 0 ? answers.deviation * answers.deviation : 1
    if let place = measured.firstIndex(where: { $0.columns == marginal.columns }) {
      measured[place].combine(values, variance: variance)
    } else {
      measured.append(
        MeasuredTable(
          columns: marginal.columns, values: values.map(Float.init), variance: variance))
      potentials.append([Float](repeating: 0, count: marginal.cellCount))
    }
    refit()
    return distance
  }

  private mutating func refit() {
    var fit = fit()
    fit.descend(steps: Self.stepsOfRound)
    potentials = fit.potentials.map { $0.map(Float.init) }
    stepSize = fit.stepSize
  }

  private func fit() -> TableFit {
    TableFit(
      measured, total: total, codeCounts: codeCounts, root: root, potentials: potentials,
      stepSize: stepSize)
  }

  /// The tables that may be measured next, with what the current distribution expects in them.
  ///
  /// The penalty is the distance that noise alone makes, so that a table is chosen only for what it would teach.
  func candidates(deviation: Double) -> [MarginalCandidate] {
    var fit = fit()
    fit.descend(steps: 0)
    return admissible().map { columns in
      let marginal = marginal(of: columns)
      return MarginalCandidate(
        marginal, estimate: fit.tree.marginal(of: columns).values,
        penalty: (2 / Double.pi).squareRoot() * deviation * Double(marginal.cellCount))
    }
  }

  /// The sets of columns whose tables keep the network within its limits.
  private func admissible() -> [[Int]] {
    (2...limits.tableColumns).flatMap { Self.subsets(of: codeCounts.count, size: $0) }
      .filter { columns in
        columns.reduce(1.0) { $0 * Double(codeCounts[$1]) } <= Double(limits.cells)
          && isWithinLimits(adding: columns)
      }
  }

  /// Whether the network of the measured tables is within its limits.
  var isWithinLimits: Bool { isWithinLimits(adding: []) }

  private func isWithinLimits(adding columns: [Int]) -> Bool {
    let order = EliminationOrder(
      of: measured.map(\.columns) + [columns], codeCounts: codeCounts, root: root)
    return order.largestTable <= Double(limits.cells) && order.degree <= limits.degree
      && order.allTables <= Self.tablesOfLargestSize * Double(limits.cells)
  }

  /// All ascending lists of `size` numbers below `count`.
  private static func subsets(of count: Int, size: Int) -> [[Int]] {
    guard size > 0 else { return [[]] }
    return subsets(of: count, size: size - 1).flatMap { list in
      (((list.last ?? -1) + 1)..<count).map { list + [$0] }
    }
  }

  /// The network that the answers so far describe.
  func network() -> CodeNetwork {
    var fit = fit()
    fit.descend(steps: Self.stepsOfNetwork)
    return CodeNetwork(of: fit.tree, codeCounts: codeCounts)
  }
}
