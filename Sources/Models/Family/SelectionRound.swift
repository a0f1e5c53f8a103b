public import Compute
public import Learning
public import Learning
public import Compute
public import Privacy

/// The trainer's order for one round: one private choice, and one noisy table.
///
/// The ledger was charged for exactly these two accesses, so both are possible once.
public final class SelectionRound {
  /// The name of the phase.
  public let phase: String
  /// Rounds of the phase made before this one.
  public let index: Int
  /// Rounds of the phase in all.
  public let count: Int
  /// The number of units that the plan assumes.
  public let population: Int
  /// How the rows are protected.
  public let protection: SelectionProtection
  /// Whether the run was asked to stop; it knows nothing of the rows.
  public let shouldStop: () -> Bool
  private let noise: NoiseStream
  private var hasChosen = false
  private var hasMeasured = false
  /// Whether anything was released of what the round was charged for.
  var hasReadImages: Bool { hasChosen || hasMeasured }

  /// Creates an order for one round.
  public init(
    phase: String, index: Int, count: Int, population: Int, protection: SelectionProtection,
    noise: NoiseStream, shouldStop: @escaping () -> Bool = { false }
  ) {
    self.phase = phase
    self.index = index
    self.count = count
    self.population = population
    self.protection = protection
    self.noise = noise
    self.shouldStop = shouldStop
  }

  /// Epsilon of the choice; nil without privacy.
  public var choiceEpsilon: Double? {
    switch protection {
    case .noise(let mechanism): mechanism.choiceEpsilon
    case .none: nil
    }
  }

  /// The standard deviation of the noise on every cell of the table, in units; 0 without privacy.
  public var cellDeviation: Double {
    switch protection {
    case .noise(let mechanism): mechanism.table.cellDeviation(ofTables: 1)
    case .none: 0
    }
  }

  /// The index of a candidate: with privacy by the exponential mechanism, without it the one with the largest score.
  ///
  /// Traps if the round has chosen before.
  public func choice(among candidates: [MarginalCandidate], on images: PrivateExamples) -> Int {
    precondition(!hasChosen, "a round makes one choice: the ledger was charged for no other")
    hasChosen = true
    switch protection {
    case .noise(let mechanism):
      return images.choice(among: candidates, epsilon: mechanism.choiceEpsilon, noise: noise)
    case .none(let permission):
      return images.choice(among: candidates, permission)
    }
  }

  /// The cells of a table in units, with noise as far as the rows are protected; they may be negative.
  ///
  /// Traps if the round has measured a table before.
  public func table(of marginal: Marginal, on images: PrivateExamples) -> [Double] {
    precondition(!hasMeasured, "a round measures one table: the ledger was charged for no other")
    hasMeasured = true
    switch protection {
    case .noise(let mechanism):
      return images.noisyMarginals([marginal], mechanism.table, noise: noise)[0]
    case .none(let permission):
      return images.marginals([marginal], permission)[0]
    }
  }

  /// Creates a report of numbers computed only from chosen tables and from synthetic rows.
  ///
  /// If noise protects the tables, such numbers may be released; without noise they are as private as the rows.
  public func report(ofTables curves: [TrainingCurve: Double]) -> StepReport {
    switch protection {
    case .noise: StepReport(curves: curves.mapValues { Releasable($0, .postProcessing) })
    case .none: StepReport(privateCurves: curves.mapValues { Sensitive($0) })
    }
  }
}

extension TrainingStep {
  /// Tables of all rows in units, measured together, with noise as far as the rows are protected.
  ///
  /// - Returns: [marginal][cell], and the standard deviation of the noise on every cell, 0 without noise.
  public func tables(
    of marginals: [Marginal], on images: PrivateExamples
  ) -> (values: [[Double]], deviation: Double) {
    switch protection {
    case .noise(let mechanism):
      (
        images.noisyMarginals(marginals, mechanism, noise: noise),
        mechanism.cellDeviation(ofTables: marginals.count)
      )
    case .none(let permission): (images.marginals(marginals, permission), 0)
    }
  }
}
