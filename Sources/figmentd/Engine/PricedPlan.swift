import Models
import Privacy

/// The plan of a run with what it costs, decided before a step is made.
struct PricedPlan {
  /// What is done to the data.
  let plan: TrainingPlan
  /// The epsilon of the plan alone; nil without privacy.
  let epsilon: Double?
  /// What was decided although nobody asked for it, in words.
  var remark: String?

  /// The least part of a budget that is spent unasked: below it, noise leaves nothing to learn.
  private static let leastShare = 0.01

  /// The plan for an order over the units that were found, or over as many as were declared.
  ///
  /// An order for what is left of a budget of which nothing useful is left is planned as if all of
  /// it were there: the ledger then refuses it, and says what would fit. `history` is read for such
  /// orders alone.
  init(
    _ order: RunOrder, units: Int, after history: @autoclosure () throws -> LedgerHistory
  ) throws {
    let population = order.population ?? units
    let free = try TrainingPlan(nonPrivate: order.training, population: population)
    switch order.loss {
    case .unlimited: self.init(plan: free, epsilon: nil)
    case .epsilon(let epsilon): try self.init(order, free, epsilon: epsilon)
    case .remainder:
      self =
        try Self(order, free, whatIsLeftAfter: history())
        ?? Self(order, free, epsilon: order.budget.epsilon)
    }
  }

  private init(plan: TrainingPlan, epsilon: Double?) {
    self.plan = plan
    self.epsilon = epsilon
  }

  /// The plan that costs at most `epsilon` by itself.
  private init(_ order: RunOrder, _ free: TrainingPlan, epsilon: Double) throws {
    let noise = try Calibration(budget: PrivacyBudget(epsilon: epsilon, delta: order.delta))
      .noiseMultiplier(samplingProbability: free.samplingProbability, times: free.steps)
    plan = try free.noised(noise.noiseMultiplier, order)
    self.epsilon = noise.epsilon
  }

  /// The plan that fits into the budget together with `history`; nil when the root is unused, or
  /// when too little is left.
  private init?(
    _ order: RunOrder, _ free: TrainingPlan, whatIsLeftAfter history: LedgerHistory
  ) throws {
    let committed = try history.committed(exceptRun: order.name)
    guard !committed.isEmpty else { return nil }
    // The run's own delta may be smaller than the budget's: what holds at it holds at the budget's.
    let budget = try PrivacyBudget(epsilon: order.budget.epsilon, delta: order.delta)
    let noise: Calibration.Noise
    do {
      noise = try history.calibration(within: budget, exceptRun: order.name)
        .noiseMultiplier(samplingProbability: free.samplingProbability, times: free.steps)
    } catch PrivacyError.unreachableTarget {
      return nil
    }
    let plan = try free.noised(noise.noiseMultiplier, order)
    guard let step = plan.mechanism?.event else { return nil }
    let alone = try PrivacyCost(of: step, times: plan.steps, delta: order.delta).epsilon
    guard alone >= Self.leastShare * budget.epsilon else { return nil }
    let spent = try PrivacyCost(of: committed, delta: budget.delta, basis: history.basis).epsilon
    self.plan = plan
    epsilon = alone
    remark =
      "no epsilon was asked for: the plan takes what is left of \(budget.epsilon), beside "
      + "\(Decimals.epsilon(spent)) that other runs spent or announced. It is "
      + "\(Decimals.epsilon(alone)) by itself; together they stay within the budget."
  }
}

extension TrainingPlan {
  /// The same plan with noise of `noiseMultiplier` clip norms.
  fileprivate func noised(_ noiseMultiplier: Double, _ order: RunOrder) throws -> TrainingPlan {
    try TrainingPlan(order.training, population: population, noiseMultiplier: noiseMultiplier)
  }
}
