import Control
import Models
import Privacy

extension LedgerHistory {
  /// What the ledger of a root will hold when runs that wait for their turn have been carried out as they are
  /// planned now.
  ///
  /// Each is counted as announced, charged and ended, so that the next is priced as it will be at its own
  /// start. Runs that announced themselves are in the history already; one that would not fit will be refused at
  /// its turn, and costs nothing.
  ///
  /// - Returns: that history, and the names of the runs that it holds beyond this one.
  func carriedOut(
    _ waiting: [RunOrder], classes: [String], units: Int
  ) throws -> (history: LedgerHistory, names: [String]) {
    var (history, names) = (self, [String]())
    for order in waiting where order.loss != .unlimited && nextAttempt(of: order.name) == 1 {
      let phases = try PricedPhases(order, classes: classes, units: units, after: history).phases
      guard try order.refusal(of: phases, after: history) == nil else { continue }
      try history.carryOut(phases, of: order)
      names.append(order.name)
    }
    return (history, names)
  }

  private mutating func carryOut(_ phases: [Phase], of order: RunOrder) throws {
    if root == nil {
      try append(
        .root(
          LedgerRoot(
            identity: "", dataset: order.dataset, unit: order.unit,
            adjacency: SubsampledGaussian.adjacency)))
    }
    try append(
      .plan(
        LedgerPlan(
          run: order.name, attempt: 1, snapshot: "", event: phases.event(), mechanism: nil,
          delta: order.delta, software: Version.current)))
    for phase in phases {
      guard let access = phase.access else { continue }
      try append(
        .reserve(
          LedgerReserve(
            number: reservationCount, run: order.name, attempt: 1, event: access,
            times: phase.accessCount, purpose: phase.name)))
    }
    try append(.close(LedgerClose(run: order.name, attempt: 1, outcome: "finished")))
  }
}

extension RunOrder {
  /// Refuses an order that would find too little of the budget left at its turn, behind those that wait before
  /// it.
  ///
  /// - Returns: in words, which runs wait before it and what will be spent; nil if none does.
  func requireRoom(
    behind waiting: [RunOrder], classes: [String], units: Int, after history: LedgerHistory
  ) throws -> String? {
    let (later, names) = try history.carriedOut(waiting, classes: classes, units: units)
    guard !names.isEmpty else { return nil }
    let list = names.prefix(Self.mostNames).joined(separator: ", ")
    let others = names.count - Self.mostNames
    let who = others > 0 ? "\(list) and \(others) more" : list
    let wait = names.count == 1 ? "waits" : "wait"
    let phases = try PricedPhases(self, classes: classes, units: units, after: later).phases
    if let refusal = try refusal(of: phases, after: later) {
      throw ControlError.refusedByPolicy(
        "\(who) \(wait) before this job, and the budget does not suffice for all. When its turn comes: "
          + "\(refusal) Or cancel a job that waits.")
    }
    let basis: PrivacyCost.Basis =
      try later.wouldBeAdaptive(EventTally(phases.event()), of: name) ? .adaptive : .planned
    var all = try later.committed(exceptRun: name)
    try all.add(phases.event())
    let spent = try PrivacyCost(of: all, delta: budget.delta, basis: basis).epsilon
    let total = "\(Decimals.epsilon(spent)) of \(Decimals.number(budget.epsilon))"
    return "\(who) \(wait) before this job; after all of them, epsilon \(total) will be spent."
  }

  /// Why phases do not fit into the budget; nil if they do.
  fileprivate func refusal(
    of phases: [Phase], after history: LedgerHistory
  ) throws -> BudgetRefusal? {
    var gate = BudgetGate(budget: budget, dataset: dataset)
    do throws(LedgerError) {
      try gate.admitPlan(phases.event(), of: name, after: history)
      return nil
    } catch {
      guard case .overBudget(let refusal) = error else { throw error }
      return refusal
    }
  }

  private static let mostNames = 5
}
