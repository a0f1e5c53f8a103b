public import Privacy

/// How a phase of rounds uses the data, decided before any private byte is read.
public struct SelectionPlan: Codable, Hashable, Sendable {
  /// Rounds, each with one choice and one noisy table over all units.
  public let rounds: Int
  /// The number of units assumed by the plan; public, and independent of files that are added or removed.
  public let population: Int
  /// The mechanism of every round; nil for rounds without privacy.
  public let mechanism: SelectionMechanism?

  /// Describes rounds.
  ///
  /// - Throws: `RecipeFailure` for an empty population and for less than one round.
  public init(rounds: Int, population: Int, mechanism: SelectionMechanism?) throws {
    guard population > 0 else {
      throw RecipeFailure("plan: no usable row (at least one expected). See the files' verdicts.")
    }
    guard rounds >= 1 else {
      throw RecipeFailure("plan: \(rounds) rounds (at least one expected)")
    }
    self.rounds = rounds
    self.population = population
    self.mechanism = mechanism
  }
}
