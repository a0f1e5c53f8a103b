import Control
package import Models
package import Privacy

/// The plan of a run with what it costs, decided before a step is made.
package struct PricedPlan {
  /// What is done to the data.
  package let plan: TrainingPlan
  /// What is asked beside training.
  package let questions: RunQuestions
  /// The epsilon of the plan alone, questions included; nil without privacy.
  package let epsilon: Double?
  /// What was decided although nobody asked for it, in words.
  package var remark: String?

  /// The least part of a budget that is spent unasked: below it, noise leaves nothing to learn.
  private static let leastShare = 0.01

  /// The plan for an order over the units that were found, or over as many as were declared.
  ///
  /// An order for what is left of a budget of which nothing useful is left is planned as if all of
  /// it were there: the ledger then refuses it, and says what would fit. `history` is read for such
  /// orders alone.
  package init(
    _ order: RunOrder, units: Int, after history: @autoclosure () throws -> LedgerHistory
  ) throws {
    let population = order.population ?? units
    let remarks = try order.remarks(population: population)
    let free = try TrainingPlan(nonPrivate: order.training, population: population)
    switch order.loss {
    case .unlimited: self.init(plan: free, epsilon: nil)
    case .epsilon(let epsilon): try self.init(order, free, epsilon: epsilon)
    case .remainder:
      self =
        try Self(order, free, whatIsLeftAfter: history())
        ?? Self(order, free, epsilon: order.budget.epsilon)
    }
    if !remarks.isEmpty { remark = ([remark].compactMap { $0 } + remarks).joined(separator: " ") }
  }

  private init(plan: TrainingPlan, epsilon: Double?) {
    self.plan = plan
    questions = RunQuestions()
    self.epsilon = epsilon
  }

  /// The plan that costs at most `epsilon` by itself.
  private init(_ order: RunOrder, _ free: TrainingPlan, epsilon: Double) throws {
    questions = try order.questions(within: epsilon)
    let noise = try Calibration(
      budget: PrivacyBudget(epsilon: epsilon, delta: order.delta),
      spent: EventTally(.composed(questions.all.map(\.event)))
    ).noiseMultiplier(for: free, order)
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
    let questions = try order.questions(within: budget.epsilon)
    let question = try history.calibration(within: budget, exceptRun: order.name)
    var spentOrAsked = question.spent
    for query in questions.all { try spentOrAsked.add(query.event) }
    let noise: Calibration.Noise
    do {
      noise = try Calibration(budget: budget, spent: spentOrAsked, basis: question.basis)
        .noiseMultiplier(for: free, order)
    } catch PrivacyError.unreachableTarget {
      return nil
    }
    let plan = try free.noised(noise.noiseMultiplier, order)
    guard let mechanism = plan.mechanism else { return nil }
    let event = RunDesign.event(mechanism, steps: plan.steps, questions: questions.all)
    let alone = try PrivacyCost(of: EventTally(event), delta: order.delta).epsilon
    guard alone >= Self.leastShare * budget.epsilon else { return nil }
    let spent = try PrivacyCost(of: committed, delta: budget.delta, basis: question.basis).epsilon
    self.plan = plan
    self.questions = questions
    epsilon = alone
    remark =
      "No epsilon was asked for: the plan takes what is left of \(Decimals.number(budget.epsilon)), beside "
      + "\(Decimals.epsilon(spent)) that other runs spent or announced. It is "
      + "\(Decimals.epsilon(alone)) by itself; together they stay within the budget."
  }
}

extension RunOrder {
  /// What has to be said of the numbers of an order over `population` units.
  ///
  /// - Throws: `ControlError.refusedByPolicy` where delta is so large that the guarantee would allow
  ///   publishing somebody's images, and nobody allowed that by name.
  fileprivate func remarks(population: Int) throws(ControlError) -> [String] {
    guard population > 0 else { return [] }
    var remarks: [String] = []
    if recipe.training.batchSize > population {
      remarks.append(
        "The recipe's batch of \(recipe.training.batchSize) is larger than the \(population) units: "
          + "every step uses all of them.")
    }
    guard loss != .unlimited else { return remarks }
    let size = DeltaSize(delta, units: population)
    if !allowsLargeDelta, let refusal = size.refusal(dataset: dataset) {
      throw .refusedByPolicy(refusal)
    }
    if let remark = size.remark { remarks.append(remark) }
    return remarks
  }
}

extension Calibration {
  /// The noise with which a plan fits.
  fileprivate func noiseMultiplier(for plan: TrainingPlan, _ order: RunOrder) throws -> Noise {
    try noiseMultiplier(
      samplingProbability: plan.samplingProbability, times: plan.steps,
      distribution: order.training.noise ?? .gaussian)
  }
}

extension TrainingPlan {
  /// The same plan with noise of `noiseMultiplier` clip norms.
  fileprivate func noised(_ noiseMultiplier: Double, _ order: RunOrder) throws -> TrainingPlan {
    try TrainingPlan(order.training, population: population, noiseMultiplier: noiseMultiplier)
  }
}
