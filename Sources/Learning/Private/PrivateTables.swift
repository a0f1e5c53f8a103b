public import Compute
public import Privacy

/// The doors through which rows of private tables leave: a private choice, and tables with noise.
///
/// A unit counts as much with many rows as with one: its rows in the batch share its weight. So its presence changes
/// every table by at most 1 in L1, and so in L2. All sums are whole numbers, so these bounds hold exactly.
extension PrivateExamples {
  /// The index of a candidate, chosen by the exponential mechanism: with probability in proportion to
  /// exp(epsilon · (‖M(D) − estimate‖₁ − penalty) / 2).
  ///
  /// The ledger was charged for `PrivacyEvent.exponentialMechanism` before. Adding or removing a unit changes a
  /// score by at most 1, up or down, hence the 2.
  ///
  /// The probabilities are exact: scores are whole steps of 2⁻²⁰, epsilon is a whole multiple of 2⁻⁴⁰ (rounded down),
  /// and each candidate is accepted or rejected by exact coins, as in the discrete Gaussian. No rounding of floats
  /// can reveal the rows. The number of trials varies: an observer who can time it learns something about the scores.
  public func choice(
    among candidates: [MarginalCandidate], epsilon: Double, noise: NoiseStream
  ) -> Int {
    precondition(epsilon > 0 && epsilon.isFinite, "epsilon \(epsilon) of a choice")
    return ExactChoice(scores: ChoiceScores(of: candidates, on: source).steps, epsilon: epsilon)
      .draw(from: noise)
  }

  /// The index of the candidate with the largest score, without any protection; the first of equal ones.
  public func choice(
    among candidates: [MarginalCandidate], _ permission: UnprotectedTraining
  ) -> Int {
    let scores = ChoiceScores(of: candidates, on: source).steps
    return scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
  }

  /// The tables with noise on every cell, in units: [marginal][cell].
  ///
  /// Each unit adds a vector whose norm is at most the mechanism's clip norm, divided equally among the tables. The
  /// ledger was charged for the mechanism's event before. `SubsampledGaussian.cellDeviation` is the standard
  /// deviation of every cell.
  public func noisyMarginals(
    _ marginals: [Marginal], _ mechanism: SubsampledGaussian, noise: NoiseStream
  ) -> [[Double]] {
    let grid = mechanism.sumGrid
    let steps = TableShare(of: marginals.count, sensitivity: grid.sensitivity).steps
    let tables = TableCounts(marginals: marginals, unitSteps: steps).cells(of: source)
    let unit = Double(steps) * grid.step
    return tables.map { mechanism.noised($0, in: grid, noise: noise).map { $0 / unit } }
  }

  /// The tables without noise, which needs the administrator's permission.
  public func marginals(
    _ marginals: [Marginal], _ permission: UnprotectedTraining
  ) -> [[Double]] {
    let steps = ChoiceScores.unitSteps
    return TableCounts(marginals: marginals, unitSteps: steps).cells(of: source)
      .map { $0.map { Double($0) / Double(steps) } }
  }
}

extension SubsampledGaussian {
  /// The standard deviation of the noise on every cell of `count` tables that are measured together, in units.
  public func cellDeviation(ofTables count: Int) -> Double {
    let grid = sumGrid
    let steps = TableShare(of: count, sensitivity: grid.sensitivity).steps
    let deviation =
      noise == .gaussian ? noiseStandardDeviation / grid.step : Double(grid.noiseScale)
    return deviation / Double(steps)
  }
}

/// How much a unit counts in each of some tables, so that all of them together stay within a norm.
struct TableShare {
  /// Whole steps: the largest s with count · s² at most the square of the sensitivity.
  ///
  /// In each table the rows of a unit add s steps in L1, so at most s in L2.
  let steps: Int

  init(of count: Int, sensitivity: Int) {
    precondition(count >= 1, "at least one table")
    var steps = Int((Double(sensitivity) / Double(count).squareRoot()).rounded(.down)) + 1
    while count * steps * steps > sensitivity * sensitivity { steps -= 1 }
    precondition(steps >= 1, "\(count) tables are more than one sum may hold")
    self.steps = steps
  }
}

/// The scores of candidates in whole steps: ‖M(D) − estimate‖₁ − penalty, where estimate and penalty are rounded to
/// steps, which no private row decides.
struct ChoiceScores {
  /// The steps of one unit.
  static let unitSteps = 1 << 20

  let steps: [Int128]

  init(of candidates: [MarginalCandidate], on examples: any ExampleSource) {
    precondition(!candidates.isEmpty, "a choice among nothing")
    var places: [Marginal: Int] = [:]
    var marginals: [Marginal] = []
    for candidate in candidates where places[candidate.marginal] == nil {
      places[candidate.marginal] = marginals.count
      marginals.append(candidate.marginal)
    }
    let tables = TableCounts(marginals: marginals, unitSteps: Self.unitSteps).cells(of: examples)
    steps = candidates.map { candidate in
      let table = tables[places[candidate.marginal] ?? 0]
      let distance = zip(table, candidate.estimate).reduce(Int128(0)) { sum, cell in
        let (count, estimate) = (Int128(cell.0), Self.whole(cell.1))
        return sum + (count > estimate ? count - estimate : estimate - count)
      }
      return distance - Self.whole(candidate.penalty)
    }
  }

  /// A public number in whole steps; numbers beyond 2⁶⁰ units stand for nothing and are cut off.
  private static func whole(_ number: Double) -> Int128 {
    Int128((min(max(number, -0x1p60), 0x1p60) * Double(unitSteps)).rounded())
  }
}

/// The exponential mechanism with exact probabilities.
///
/// A candidate is drawn uniformly and accepted with probability exp(−ε(s_max − s)/2), by coins whose probabilities are
/// ratios of whole numbers; otherwise another one is drawn. The best one is always accepted, so about as many trials
/// as candidates are enough.
struct ExactChoice {
  /// Scores in steps of 1/`ChoiceScores.unitSteps`.
  let scores: [Int128]
  /// ε in steps of 2⁻⁴⁰.
  private let epsilonSteps: UInt128
  private static let epsilonBits = 40

  init(scores: [Int128], epsilon: Double) {
    precondition(!scores.isEmpty, "a choice among nothing")
    self.scores = scores
    // Beyond 2²⁰, all but the best score are impossible in practice.
    epsilonSteps = UInt128((min(epsilon, 0x1p20) * Double(1 << Self.epsilonBits)).rounded(.down))
  }

  /// The denominator of exponents: steps of scores, steps of ε, and the 2 of the mechanism.
  private static let denominator = (UInt64(ChoiceScores.unitSteps) << epsilonBits) * 2

  /// The whole number n with which candidate `index` has the weight exp(−n/`denominator`).
  ///
  /// A product that is too large is cut off, for every candidate at the same distance from the best.
  private func exponent(_ index: Int, below best: Int128) -> UInt128 {
    let (product, overflow) = UInt128(best - scores[index])
      .multipliedReportingOverflow(by: epsilonSteps)
    return overflow ? .max : product
  }

  /// Draws an index.
  func draw(from noise: NoiseStream) -> Int {
    var coins = ExactCoins(noise: noise)
    let best = scores.max() ?? 0
    while true {
      let index = Int(coins.uniform(below: UInt64(scores.count)))
      let exponent = exponent(index, below: best)
      if coins.flipExponential(minus: exponent, over: Self.denominator) { return index }
    }
  }
}
