import Glibc

/// Finds the noise, or the number of steps, that fits a budget.
///
/// Every result has been evaluated in the form in which it is returned: a noise multiplier is
/// rounded up and then checked again, so the value that a user copies never costs more than the
/// target.
public struct Calibration: Sendable {
  /// A noise multiplier and its cost together with everything spent before.
  public struct Noise: Codable, Hashable, Sendable {
    /// Standard deviation of the noise divided by the clip norm.
    public let noiseMultiplier: Double
    /// Epsilon of the whole history, evaluated at exactly this noise multiplier.
    public let epsilon: Double
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

  /// The range in which noise multipliers are searched.
  ///
  /// Below it nothing is private; above it nothing is learned.
  private static let noiseRange = 1e-3...1e7
  /// The relative tolerance of a result.
  private static let tolerance = 1e-4
  /// The relative tolerance of a first approximation.
  private static let roughTolerance = 4e-3

  /// Describes the target and the history.
  public init(
    budget: PrivacyBudget, spent: EventTally = EventTally(), basis: PrivacyCost.Basis = .planned,
    accountant: Accountant = .claimed
  ) {
    self.budget = budget
    self.spent = spent
    self.basis = basis
    self.accountant = accountant
  }

  /// The smallest noise multiplier, rounded up to six decimals, with which `times` runs at
  /// `samplingProbability` fit into the budget together with everything spent before.
  ///
  /// Throws `PrivacyError.unreachableTarget` when no amount of noise is enough.
  public func noiseMultiplier(
    samplingProbability: Double, times: Int, distribution: NoiseDistribution = .gaussian
  ) throws(PrivacyError) -> Noise {
    try Valid.samplingProbability(samplingProbability)
    return try noiseMultiplier(times: times) { noise throws(PrivacyError) in
      try SampledNoise(
        samplingProbability: samplingProbability, noiseMultiplier: noise, noise: distribution
      ).event
    }
  }

  /// The same for `times` runs of an event that costs less the larger its noise multiplier is.
  public func noiseMultiplier(
    times: Int, of event: (_ noiseMultiplier: Double) throws(PrivacyError) -> PrivacyEvent
  ) throws(PrivacyError) -> Noise {
    try Valid.count(times, "steps", atLeast: 1)
    func cost(_ noise: Double, _ effort: Effort) throws(PrivacyError) -> Double {
      try epsilon(event(noise), times: times, effort)
    }
    // Each effort provides a start for the next; all yield upper bounds.
    var found: Double?
    for effort in efforts {
      found = try search(from: found ?? 1, effort) { noise throws(PrivacyError) in
        try cost(noise, effort)
      }
    }
    guard let found else {
      throw .unreachableTarget(
        epsilon: budget.epsilon, delta: budget.delta,
        reason: spent.isEmpty
          ? "no noise multiplier up to \(Self.noiseRange.upperBound) is enough"
          : "what has been spent before leaves no room")
    }
    var noise = Self.roundedUp(found)
    while true {
      let epsilon = try cost(noise, efforts.last ?? .renyi)
      if epsilon <= budget.epsilon { return Noise(noiseMultiplier: noise, epsilon: epsilon) }
      noise = Self.roundedUp(noise * (1 + Self.tolerance))
      guard noise <= Self.noiseRange.upperBound else {
        throw .unreachableTarget(
          epsilon: budget.epsilon, delta: budget.delta, reason: "no noise multiplier is enough")
      }
    }
  }

  /// How many runs of `event` fit into the budget together with everything spent before.
  ///
  /// The number returned has been evaluated; above 10,000 it may fall short of the largest such
  /// number by a ten-thousandth. At most 2^53 for an event that costs nothing.
  public func affordableTimes(of event: PrivacyEvent) throws(PrivacyError) -> Int {
    try event.validate()
    let unlimited = 1 << 53
    guard !(try EventTally(event).isEmpty) else { return unlimited }
    var found = 0
    for effort in efforts {
      found = try largest(from: max(1, found), effort) { times throws(PrivacyError) in
        try epsilon(event, times: times, effort)
      }
    }
    return found
  }

  /// The precision of a cost and of a result.
  private enum Effort {
    case renyi, rough, full

    var tolerance: Double { self == .rough ? roughTolerance : Calibration.tolerance }
    /// The first factor by which a search leaves its start.
    var step: Double {
      switch self {
      case .renyi: 2
      case .rough: 1.15
      case .full: 1.003
      }
    }
  }

  private var efforts: [Effort] {
    let usesPrivacyLoss =
      accountant == .privacyLoss || (accountant == .claimed && basis == .planned)
    return usesPrivacyLoss ? [.renyi, .rough, .full] : [.renyi]
  }

  private func epsilon(
    _ event: PrivacyEvent, times: Int, _ effort: Effort
  ) throws(PrivacyError) -> Double {
    var sum = spent
    try sum.add(event, times: times)
    if accountant == .claimed, basis == .adaptive {
      return try RenyiOdometer.bound(of: sum, atDelta: budget.delta).epsilon
    }
    let renyi = try RenyiAccountant(sum).epsilon(atDelta: budget.delta)
    if effort == .renyi { return renyi }
    let privacyLoss = try PrivacyLossAccountant(sum).epsilon(
      atDelta: budget.delta,
      tolerance: effort == .rough
        ? Self.roughTolerance : PrivacyLossAccountant.standardTolerance)
    return accountant == .privacyLoss ? privacyLoss : min(renyi, privacyLoss)
  }

  /// The smallest x, to a relative tolerance, at which the falling function `cost` is at most the
  /// target; nil when there is none in range.
  ///
  /// The x returned has been evaluated.
  private func search(
    from start: Double, _ effort: Effort, _ cost: (Double) throws(PrivacyError) -> Double
  ) throws(PrivacyError) -> Double? {
    let range = Self.noiseRange
    var step = effort.step
    var (low, lowCost): (Double?, Double) = (nil, .infinity)
    var (high, highCost) = (min(max(start, range.lowerBound), range.upperBound), 0.0)
    highCost = try cost(high)
    while !(highCost <= budget.epsilon) {
      guard high < range.upperBound else { return nil }
      (low, lowCost) = (high, highCost)
      high = min(high * step, range.upperBound)
      step *= step
      highCost = try cost(high)
    }
    while low == nil {
      guard high > range.lowerBound else { return high }
      let next = max(high / step, range.lowerBound)
      let nextCost = try cost(next)
      if nextCost <= budget.epsilon {
        (high, highCost) = (next, nextCost)
        step *= step
      } else {
        (low, lowCost) = (next, nextCost)
      }
    }
    guard var low else { return high }
    var side = 0
    let tolerance = effort.tolerance
    while high > low * (1 + tolerance), highCost < budget.epsilon * (1 - tolerance) {
      // Aimed a little into the feasible side, so that the feasible end arrives first.
      let target = budget.epsilon * (1 - 0.5 * tolerance)
      let next = Self.between(low, lowCost, high, highCost, target: target, side)
      let nextCost = try cost(next)
      if nextCost <= budget.epsilon {
        (high, highCost, side) = (next, nextCost, side > 0 ? side + 1 : 1)
      } else {
        (low, lowCost, side) = (next, nextCost, side < 0 ? side - 1 : -1)
      }
    }
    return high
  }

  /// The largest whole x, up to a ten-thousandth, at which the rising function `cost` is at most
  /// the target; 0 when there is none.
  private func largest(
    from start: Int, _ effort: Effort, _ cost: (Int) throws(PrivacyError) -> Double
  ) throws(PrivacyError) -> Int {
    let limit = (1 << 53) - spent.total
    var (low, lowCost) = (0, 0.0)
    var (high, highCost) = (min(start, limit), 0.0)
    var growth = effort.step
    while true {
      highCost = try cost(high)
      guard highCost <= budget.epsilon else { break }
      if high == limit { return limit }
      (low, lowCost) = (high, highCost)
      high = Int(min(Double(limit), max(Double(high) * growth, Double(high) + 1)))
      growth *= growth
    }
    var side = 0
    while high - low > max(1, Int(effort.tolerance * Double(low))) {
      let guess =
        low == 0 || !highCost.isFinite
        ? Double(low) + Double(high - low) / 2
        : Self.between(
          Double(high), highCost, Double(low), lowCost, target: budget.epsilon, side)
      let next = min(max(Int(guess), low + 1), high - 1)
      let nextCost = try cost(next)
      if nextCost <= budget.epsilon {
        (low, lowCost, side) = (next, nextCost, side > 0 ? side + 1 : 1)
      } else {
        (high, highCost, side) = (next, nextCost, side < 0 ? side - 1 : -1)
      }
    }
    return low
  }

  /// A point between an infeasible and a feasible x, where a power law through both meets the
  /// target; the middle when one end has not moved for two rounds.
  private static func between(
    _ infeasible: Double, _ infeasibleCost: Double, _ feasible: Double, _ feasibleCost: Double,
    target: Double, _ side: Int
  ) -> Double {
    let middle = (infeasible * feasible).squareRoot()
    guard abs(side) < 2, infeasibleCost.isFinite, feasibleCost > 0 else { return middle }
    let share = log(infeasibleCost / target) / log(infeasibleCost / feasibleCost)
    guard share > 0, share < 1 else { return middle }
    return infeasible * pow(feasible / infeasible, share)
  }

  private static func roundedUp(_ value: Double) -> Double { (value * 1e6).rounded(.up) / 1e6 }
}
