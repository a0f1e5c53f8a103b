/// Finds the noise, or the number of steps, that a budget pays for.
///
/// Whatever is found has been evaluated as it is returned: a noise multiplier is rounded up and
/// then checked again, so that the value a user copies never costs more than the target.
public struct Calibration: Sendable {
  /// A noise multiplier with what it costs, together with everything spent before.
  public struct Noise: Codable, Hashable, Sendable {
    /// Standard deviation of the noise divided by the clip norm.
    public let noiseMultiplier: Double
    /// The cost of the whole history, evaluated at exactly this noise multiplier.
    public let cost: PrivacyCost
  }

  /// Which accountant decides.
  public enum Accountant: Sendable {
    /// The claim of `PrivacyCost`.
    case claimed
    /// Rényi divergence alone.
    case renyi
    /// Privacy loss distributions alone.
    case privacyLoss
  }

  /// The target.
  public let budget: PrivacyBudget
  /// What has been spent before.
  public let spent: EventTally
  /// How the whole history comes about.
  public let basis: PrivacyCost.Basis
  /// Which accountant decides.
  public let accountant: Accountant

  /// Describes the question.
  public init(
    budget: PrivacyBudget, spent: EventTally = EventTally(), basis: PrivacyCost.Basis = .planned,
    accountant: Accountant = .claimed
  ) {
    self.budget = budget
    self.spent = spent
    self.basis = basis
    self.accountant = accountant
  }

  /// The claimed epsilon of everything spent before plus the given runs.
  private func epsilon(_ event: PrivacyEvent, times: Int) throws(PrivacyError) -> Double {
    var sum = spent
    try sum.add(event, times: times)
    switch accountant {
    case .renyi: return try RenyiAccountant(sum).epsilon(atDelta: budget.delta)
    case .privacyLoss: return try PrivacyLossAccountant(sum).epsilon(atDelta: budget.delta)
    case .claimed:
      return try PrivacyCost(of: sum, delta: budget.delta, basis: basis).epsilon
    }
  }

  /// The smallest noise multiplier, rounded up to six decimals, with which `times` runs at
  /// `samplingProbability` fit into the budget together with everything spent before.
  public func noiseMultiplier(
    samplingProbability: Double, times: Int
  ) throws(PrivacyError) -> Noise {
    throw .unreachableTarget(epsilon: budget.epsilon, delta: budget.delta, reason: "")
  }

  /// How many runs of `event` fit into the budget together with everything spent before.
  public func affordableTimes(of event: PrivacyEvent) throws(PrivacyError) -> Int { 0 }
}
