import Control
package import Models
package import Privacy

/// The phases of a run with their noise and their cost, decided before a private byte is read.
package struct PricedPhases {
  /// The phases, in the order in which they are carried out.
  package let phases: [Phase]
  /// The number of units of privacy that the phases assume.
  package let population: Int
  /// The epsilon of all phases together, rounded up; nil without privacy.
  package let epsilon: Double?
  /// The decisions that the order left open, in words; nil if there are none.
  package var remark: String?

  /// The smallest share of a budget that is spent without an explicit epsilon: below it, noise leaves nothing
  /// to learn.
  private static let leastShare = 0.01

  /// Prices the phases of an order over the declared population, or else over the units found.
  ///
  /// If an order for the rest of a budget finds nothing useful left, it is planned with the whole budget: the
  /// ledger then refuses it and reports what would fit. `history` is read only for such orders.
  package init(
    _ order: RunOrder, classes: [String], units: Int,
    after history: @autoclosure () throws -> LedgerHistory
  ) throws {
    let outlines = try RunOutline(order, classes: classes, population: order.population ?? units)
    let remarks = try order.remarks(population: outlines.population)
    switch order.loss {
    case .unlimited:
      self.init(
        phases: try outlines.unprotected(), population: outlines.population, epsilon: nil)
    case .epsilon(let epsilon): try self.init(order, outlines, epsilon: epsilon)
    case .remainder:
      let history = try history()
      if let rest = try Self(order, outlines, remainderAfter: history) {
        self = rest
      } else {
        try self.init(order, outlines, epsilon: order.budget.epsilon)
        if try !history.committed(exceptRun: order.name).isEmpty {
          remark =
            "Nothing useful is left of epsilon \(Decimals.number(order.budget.epsilon)) beside what other runs spent "
            + "or announced: the figures are those of a run with the whole budget, which the ledger refuses."
        }
      }
    }
    if !remarks.isEmpty { remark = ([remark].compactMap { $0 } + remarks).joined(separator: " ") }
  }

  private init(phases: [Phase], population: Int, epsilon: Double?) {
    self.phases = phases
    self.population = population
    self.epsilon = epsilon
  }

  /// The phases that cost at most `epsilon` together.
  private init(_ order: RunOrder, _ outlines: RunOutline, epsilon: Double) throws {
    let budget = try PrivacyBudget(epsilon: epsilon, delta: order.delta)
    let priced = try outlines.phases(
      within: budget, calibration: Calibration(budget: budget))
    self.init(phases: priced.phases, population: outlines.population, epsilon: priced.epsilon)
  }

  /// The phases that fit into the budget together with `history`; nil when the root is unused, or when too
  /// little is left.
  private init?(
    _ order: RunOrder, _ outlines: RunOutline, remainderAfter history: LedgerHistory
  ) throws {
    let committed = try history.committed(exceptRun: order.name)
    guard !committed.isEmpty else { return nil }
    // The run's own delta may be smaller than the budget's: what holds at the smaller delta holds at the
    // larger.
    let budget = try PrivacyBudget(epsilon: order.budget.epsilon, delta: order.delta)
    let calibration = try history.calibration(within: budget, exceptRun: order.name)
    let phases: [Phase]
    do {
      phases = try outlines.phases(within: budget, calibration: calibration).phases
    } catch PrivacyError.unreachableTarget {
      return nil
    }
    let alone = try PrivacyCost(of: EventTally(phases.event()), delta: order.delta).epsilon
    guard alone >= Self.leastShare * budget.epsilon else { return nil }
    let spent = try PrivacyCost(of: committed, delta: budget.delta, basis: calibration.basis)
      .epsilon
    self.init(phases: phases, population: outlines.population, epsilon: alone)
    remark =
      "No epsilon was asked for: the plan takes what is left of \(Decimals.number(budget.epsilon)), beside "
      + "\(Decimals.epsilon(spent)) that other runs spent or announced. It is "
      + "\(Decimals.epsilon(alone)) by itself; together they stay within the budget."
  }
}

extension [Phase] {
  /// Everything that the phases do to the data, without the accesses that were already `charged`, by phase
  /// name; no access without privacy.
  package func event(without charged: [String: Int] = [:]) -> PrivacyEvent {
    let events = compactMap { $0.event(without: charged[$0.name] ?? 0) }
    return events.count == 1 ? events[0] : .composed(events)
  }
}

extension RunOrder {
  /// Less than one step of so many of the recipe's is few.
  private static let fewStepsShare = 10

  /// That the steps are a small part of the recipe's; nil if they are not.
  package var fewSteps: String? {
    guard let steps, steps * Self.fewStepsShare < recipe.training.steps else { return nil }
    return
      "\(steps) \(steps == 1 ? "step is" : "steps are") a small part of the recipe's \(recipe.training.steps): the "
      + "networks may learn little, however little noise there is."
  }

  /// Remarks about the numbers of an order over `population` units.
  ///
  /// - Throws: `ControlError.refusedByPolicy` when delta is so large that the guarantee would allow
  ///   publishing a unit's images, unless the administrator allows that.
  fileprivate func remarks(population: Int) throws(ControlError) -> [String] {
    guard population > 0 else { return [] }
    var remarks: [String] = []
    if training.batchSize > population {
      remarks.append(
        "The \(batchSize == nil ? "recipe's " : "")batch of \(training.batchSize) is larger than the \(population) units: "
          + "every step uses all of them.")
    }
    if let fewSteps { remarks.append(fewSteps) }
    guard loss != .unlimited else { return remarks }
    let size = DeltaSize(delta, units: population)
    if !allowsLargeDelta, let refusal = size.refusal(dataset: dataset) {
      throw .refusedByPolicy(refusal)
    }
    if let remark = size.remark { remarks.append(remark) }
    return remarks
  }
}
