import Glibc
import Privacy

/// What noise will do to the columns of a table, before any budget is spent.
///
/// The first phase of a Bayesian network adds noise of standard deviation σ units to each cell of the table of a column.
/// The expected absolute value of normal noise is σ √(2/π), so the noisy table of a column with k codes lies, in total
/// variation distance, about k σ / (√(2π) N) from the true one of N units: the part of the values that are moved to
/// other codes. The fit makes it smaller, since counts cannot be negative and later rounds measure again: with five
/// columns of ten equal values at epsilon 0.3, 1,000 rows were 11 % off (12 % forecast) with independent columns and 17 %
/// (36 %) with rounds. All these numbers are public: the plan, and the declared domains.
public struct TableNoise: Hashable, Sendable {
  /// The expected total variation distance of a column, mean over all columns, at most 1 each.
  public let distance: Double
  /// The same without the limit: how many times too few the units are.
  private let excess: Double
  private let epsilon: Double
  private let units: Int

  /// The largest distance that needs no warning: one value in twenty.
  public static let clearUpTo = 0.05
  /// The distance from which on the rows are expected to show little but noise.
  public static let noiseFrom = 0.25

  /// The outlook of a plan's phases; nil without the noisy tables of columns.
  ///
  /// - Parameters:
  ///   - codeCounts: the number of codes of each column.
  ///   - epsilon: the cost of this plan alone.
  init?(_ phases: [Phase], codeCounts: [Int], epsilon: Double?) {
    guard let plan = phases.first(where: { $0.name == BayesianNetwork.oneWay })?.plan,
      let mechanism = plan.mechanism, let epsilon, !codeCounts.isEmpty
    else { return nil }
    let cell = mechanism.noiseStandardDeviation / ((2 * Double.pi).squareRoot())
    let distances = codeCounts.map { Double($0) * cell / Double(max(1, plan.population)) }
    distance = distances.reduce(0) { $0 + min(1, $1) } / Double(codeCounts.count)
    excess = distances.reduce(0, +) / Double(codeCounts.count)
    self.epsilon = epsilon
    units = plan.population
  }

  /// The distance in whole percent, at least 1.
  fileprivate var percent: Int { max(1, Int((100 * distance).rounded())) }

  /// The expected result.
  public var expectation: NoiseOutlook.Expectation {
    if distance <= Self.clearUpTo { return .clear }
    return distance < Self.noiseFrom ? .coarse : .noise
  }

  /// The expected result and what would help, in words; nil if noise is small.
  ///
  /// - Parameter noun: what the units of privacy are.
  func warning(of noun: String) -> String? {
    let share =
      "Noise alone will change up to about \(percent) % of a column's values "
      + "with these \(AdviceNumber.count(units)) \(noun): expect "
    let problem: String
    switch expectation {
    case .clear: return nil
    case .coarse: problem = share + "rows in which only frequent values are right."
    case .noise: problem = share + "rows that show little or nothing but noise."
    }
    let factor = excess / Self.clearUpTo
    let most = factor * epsilon
    return problem + " It would take about \(NoiseOutlook.rounded(factor * Double(units))) \(noun)"
      + (most <= NoiseOutlook.largestEpsilon ? ", epsilon \(NoiseOutlook.rounded(most))" : "")
      + ", or columns with fewer values."
  }
}

extension Recipe {
  /// What noise does to the columns of a plan of this recipe, as a sentence for a release; nil without it.
  public func noiseSentence(of phases: [Phase], classes: [String], epsilon: Double?) -> String? {
    tableNoise(of: phases, classes, epsilon).map {
      "Noise alone changes up to about \($0.percent) % of the values of a column, on average "
        + "over the columns. It adds as much to a rare value as to a frequent one, so a value that few rows have is mostly noise."
    }
  }

  /// What noise will do to images and rows of a plan of this recipe.
  ///
  /// - Parameters:
  ///   - phases: those of the plan, with their noise.
  ///   - parameterCount: the number of parameters whose gradients receive noise.
  ///   - epsilon: the cost of the plan alone; nil without privacy.
  ///   - noun: what the units of privacy are, for example "rows".
  public func noise(
    of phases: [Phase], classes: [String], parameterCount: Int, epsilon: Double?, units noun: String
  ) -> (expectation: NoiseOutlook.Expectation?, warning: String?) {
    let images =
      model.readsImages
      ? phases.mainPlan.flatMap {
        NoiseOutlook($0, parameterCount: parameterCount, epsilon: epsilon)
      } : nil
    let table = tableNoise(of: phases, classes, epsilon)
    let found = [images?.expectation, table?.expectation]
    let warnings = [images?.warning, table?.warning(of: noun)].compactMap { $0 }
    return (
      [.noise, .coarse, .clear].first(where: found.contains),
      warnings.isEmpty ? nil : warnings.joined(separator: " ")
    )
  }

  private func tableNoise(
    of phases: [Phase], _ classes: [String], _ epsilon: Double?
  ) -> TableNoise? {
    guard model.readsColumns else { return nil }
    return TableNoise(
      phases, codeCounts: BayesianNetworkSettings.codeCounts(of: format(classes: classes)),
      epsilon: epsilon)
  }
}
