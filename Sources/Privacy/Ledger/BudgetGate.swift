/// Decides whether a charge fits into a root's budget.
///
/// A history that was once admitted admits everything it covers: fewer accesses cannot cost more.
/// So the plan of a run is computed once, and its reservations pass without another computation.
public struct BudgetGate: Sendable {
  /// What the administrator allows for the root.
  public let budget: PrivacyBudget
  /// The dataset's name, for refusals.
  public let dataset: String

  private var admitted: [(tally: EventTally, basis: PrivacyCost.Basis)] = []

  /// A gate that has admitted nothing yet.
  public init(budget: PrivacyBudget, dataset: String) {
    self.budget = budget
    self.dataset = dataset
  }

  /// Passes when everything spent so far plus the request stays within the budget.
  public mutating func admit(
    _ event: PrivacyEvent, times: Int, after history: LedgerHistory
  ) throws(LedgerError) {
    try admit(event, times: times, after: history.spent, history)
  }

  /// Passes when everything spent *or announced by other running attempts*, plus the plan of an
  /// attempt at `run`, stays within the budget.
  public mutating func admitPlan(
    _ event: PrivacyEvent, of run: String, after history: LedgerHistory
  ) throws(LedgerError) {
    // A plan of one repeated event is asked for by its repetitions, so that a refusal counts steps.
    if case .repeated(let step, let times) = event {
      try admit(step, times: times, after: history.committed(exceptRun: run), history)
    } else {
      try admit(event, times: 1, after: history.committed(exceptRun: run), history)
    }
  }

  /// How many further runs of `event` fit, beside what running attempts other than those at `run`
  /// have announced.
  public func affordableTimes(
    _ event: PrivacyEvent, after history: LedgerHistory, exceptRun run: String? = nil
  ) throws(LedgerError) -> Int {
    do {
      let basis = try basis(of: EventTally(event), history)
      return try Calibration(budget: budget, spent: history.committed(exceptRun: run), basis: basis)
        .affordableTimes(of: event)
    } catch let error as LedgerError {
      throw error
    } catch let error as PrivacyError {
      throw .invalid(error)
    } catch {
      throw .storage(ledger: dataset, operation: "accounting", reason: "\(error)")
    }
  }

  private func basis(of asked: EventTally, _ history: LedgerHistory) -> PrivacyCost.Basis {
    history.wouldBeAdaptive(asked) ? .adaptive : .planned
  }

  private mutating func admit(
    _ event: PrivacyEvent, times: Int, after base: EventTally, _ history: LedgerHistory
  ) throws(LedgerError) {
    do {
      let asked = try EventTally(event, times: times)
      let basis = basis(of: asked, history)
      var sum = base
      try sum.add(asked)
      // What the adaptive accounting admits, the planned one admits too; not the other way.
      if admitted.contains(where: {
        ($0.basis == basis || $0.basis == .adaptive) && $0.tally.covers(sum)
      }) {
        return
      }
      if try PrivacyCost.fits(sum, within: budget, basis: basis) {
        admitted.removeAll { sum.covers($0.tally) && $0.basis == basis }
        admitted.append((sum, basis))
        return
      }
      let refusal = try refusal(
        event, times: times, after: base, sum: sum, basis: basis, history)
      throw LedgerError.overBudget(refusal)
    } catch let error as LedgerError {
      throw error
    } catch let error as PrivacyError {
      throw .invalid(error)
    } catch {
      throw .storage(ledger: dataset, operation: "accounting", reason: "\(error)")
    }
  }

  private func refusal(
    _ event: PrivacyEvent, times: Int, after base: EventTally, sum: EventTally,
    basis: PrivacyCost.Basis, _ history: LedgerHistory
  ) throws(PrivacyError) -> BudgetRefusal {
    let calibration = Calibration(budget: budget, spent: base, basis: basis)
    let affordable = try calibration.affordableTimes(of: event)
    var noise: Double?
    var epsilon: Double?
    if case let kinds = try EventTally(event).sorted, kinds.count == 1 {
      let (times, overflow) = times.multipliedReportingOverflow(by: kinds[0].times)
      if !overflow {
        noise = try? calibration.noiseMultiplier(
          samplingProbability: kinds[0].event.samplingProbability, times: times,
          distribution: kinds[0].event.noise
        ).noiseMultiplier
        if let noise { epsilon = try affordableEpsilon(kinds[0].event, noise, times: times) }
      }
    }
    let asked = try PrivacyCost(of: sum, delta: budget.delta, basis: basis).epsilon
    return BudgetRefusal(
      dataset: dataset, budget: budget,
      spentEpsilon: try PrivacyCost(of: base, delta: budget.delta, basis: history.basis).epsilon,
      askedEpsilon: asked.isFinite ? asked : nil, askedTimes: times,
      affordableTimes: affordable, affordableNoiseMultiplier: noise, affordableEpsilon: epsilon)
  }

  /// What `times` runs of the event with this noise cost by themselves, rounded down, so that a
  /// plan calibrated to it has at least this noise; nil when that is nothing.
  private func affordableEpsilon(
    _ event: ElementaryEvent, _ noiseMultiplier: Double, times: Int
  ) throws(PrivacyError) -> Double? {
    let quieter = try ElementaryEvent(
      samplingProbability: event.samplingProbability, noiseMultiplier: noiseMultiplier,
      noise: event.noise)
    let alone = try PrivacyCost(
      of: EventTally(quieter.event, times: times), delta: budget.delta, basis: .planned)
    let rounded = (alone.epsilon * 1000).rounded(.down) / 1000
    return rounded > 0 ? rounded : nil
  }
}
