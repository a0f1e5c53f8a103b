/// Decides whether a charge fits into a root's budget.
///
/// An admitted history admits everything that it covers: fewer accesses cannot cost more. So the
/// plan of a run is computed once, and its reservations pass without another computation.
///
/// The budget is compared with the epsilon that a statement would claim: for a planned history, the
/// cost of everything announced before the first charge; for an adaptive one, the cost of what was
/// charged, priced by the odometer. So after a plan was admitted, the claim stays within the budget
/// in every case.
public struct BudgetGate: Sendable {
  /// The administrator's limit for the root.
  public let budget: PrivacyBudget
  /// The dataset's name, for refusals.
  public let dataset: String

  private var admitted: [(tally: EventTally, basis: PrivacyCost.Basis)] = []

  /// A gate that has admitted nothing yet.
  public init(budget: PrivacyBudget, dataset: String) {
    self.budget = budget
    self.dataset = dataset
  }

  /// Passes when everything spent so far plus a charge to `run` stays within the budget.
  public mutating func admit(
    _ event: PrivacyEvent, times: Int, by run: String, after history: LedgerHistory
  ) throws(LedgerError) {
    let asked = try Self.tally(event, times: times)
    let request = Request(event: event, times: times, asked: asked)
    if try history.wouldBeAdaptive(charging: asked, to: run) {
      try admit(request, after: history.spent, .adaptive, history)
    } else if history.reservationCount == 0 {
      // The charge is a part of the plans that were admitted.
      try admitAnnounced(request, history.committed(), history)
    } else {
      try admitAnnounced(request, history.claimed, history)
    }
  }

  /// Passes when everything spent *or announced by other running attempts*, plus the plan of an
  /// attempt at `run`, stays within the budget.
  public mutating func admitPlan(
    _ event: PrivacyEvent, of run: String, after history: LedgerHistory
  ) throws(LedgerError) {
    // A plan of one repeated event is checked by its repetitions, so that a refusal counts steps.
    var (step, times) = (event, 1)
    if case .repeated(let inner, let count) = event { (step, times) = (inner, count) }
    let request = Request(
      event: step, times: times, asked: try Self.tally(step, times: times))
    if try history.wouldBeAdaptive(request.asked, of: run) {
      try admit(request, after: history.committed(exceptRun: run), .adaptive, history)
    } else if history.reservationCount == 0 {
      try admit(request, after: history.committed(exceptRun: run), .planned, history)
    } else {
      try admitAnnounced(request, history.claimed, history)
    }
  }

  /// A request.
  private struct Request {
    let event: PrivacyEvent
    let times: Int
    /// The event, `times` times.
    let asked: EventTally
  }

  private static func tally(
    _ event: PrivacyEvent, times: Int
  ) throws(LedgerError) -> EventTally {
    do {
      return try EventTally(event, times: times)
    } catch {
      throw .invalid(error)
    }
  }

  /// The number of further runs of `event` that fit, in addition to everything that running
  /// attempts other than those at `run` have announced.
  public func affordableTimes(
    _ event: PrivacyEvent, after history: LedgerHistory, exceptRun run: String? = nil
  ) throws(LedgerError) -> Int {
    let calibration = try history.calibration(within: budget, exceptRun: run)
    do {
      return try calibration.affordableTimes(of: event)
    } catch {
      throw .invalid(error)
    }
  }

  private mutating func admit(
    _ request: Request, after base: EventTally, _ basis: PrivacyCost.Basis,
    _ history: LedgerHistory
  ) throws(LedgerError) {
    do {
      var sum = base
      try sum.add(request.asked)
      if try fits(sum, basis) { return }
      throw try LedgerError.overBudget(
        refusal(request, after: base, sum: sum, basis: basis, history))
    } catch let error as LedgerError {
      throw error
    } catch let error as PrivacyError {
      throw .invalid(error)
    } catch {
      throw .storage(ledger: dataset, operation: "accounting", reason: "\(error)")
    }
  }

  /// Passes when `announced`, of which the request is a part, fits into the budget, as it did when it
  /// was announced, unless the budget has become smaller since.
  private mutating func admitAnnounced(
    _ request: Request, _ announced: EventTally, _ history: LedgerHistory
  ) throws(LedgerError) {
    do {
      if try fits(announced, .planned) { return }
      throw try LedgerError.overBudget(
        refusal(request, after: announced, sum: announced, basis: .planned, history))
    } catch let error as LedgerError {
      throw error
    } catch let error as PrivacyError {
      throw .invalid(error)
    } catch {
      throw .storage(ledger: dataset, operation: "accounting", reason: "\(error)")
    }
  }

  private mutating func fits(
    _ sum: EventTally, _ basis: PrivacyCost.Basis
  ) throws(PrivacyError) -> Bool {
    // The planned accounting admits everything that the adaptive one admits, but not vice versa.
    if admitted.contains(where: {
      ($0.basis == basis || $0.basis == .adaptive) && $0.tally.covers(sum)
    }) {
      return true
    }
    guard try PrivacyCost.fits(sum, within: budget, basis: basis) else { return false }
    admitted.removeAll { sum.covers($0.tally) && $0.basis == basis }
    admitted.append((sum, basis))
    return true
  }

  private func refusal(
    _ request: Request, after base: EventTally, sum: EventTally,
    basis: PrivacyCost.Basis, _ history: LedgerHistory
  ) throws(PrivacyError) -> BudgetRefusal {
    let (event, times) = (request.event, request.times)
    let calibration = Calibration(budget: budget, spent: base, basis: basis)
    let affordable = try calibration.affordableTimes(of: event)
    var noise: Double?
    var epsilon: Double?
    if case let kinds = try EventTally(event).sorted, kinds.count == 1,
      let kind = kinds[0].event.sampledNoise
    {
      let (times, overflow) = times.multipliedReportingOverflow(by: kinds[0].times)
      if !overflow {
        noise = try? calibration.noiseMultiplier(
          samplingProbability: kind.samplingProbability, times: times, distribution: kind.noise
        ).noiseMultiplier
        if let noise { epsilon = try affordableEpsilon(kind, noise, times: times) }
      }
    }
    let asked = try PrivacyCost(of: sum, delta: budget.delta, basis: basis).epsilon
    return BudgetRefusal(
      dataset: dataset, budget: budget,
      spentEpsilon: try PrivacyCost(of: base, delta: budget.delta, basis: basis).epsilon,
      askedEpsilon: asked.isFinite ? asked : nil, askedTimes: times,
      affordableTimes: affordable, affordableNoiseMultiplier: noise, affordableEpsilon: epsilon,
      basis: basis)
  }

  /// The cost of `times` runs of the event with this noise alone, rounded down, so that a plan
  /// calibrated to it has at least this noise; nil if it is 0.
  private func affordableEpsilon(
    _ event: SampledNoise, _ noiseMultiplier: Double, times: Int
  ) throws(PrivacyError) -> Double? {
    let quieter = try SampledNoise(
      samplingProbability: event.samplingProbability, noiseMultiplier: noiseMultiplier,
      noise: event.noise)
    let alone = try PrivacyCost(
      of: EventTally(quieter.event, times: times), delta: budget.delta, basis: .planned)
    let rounded = (alone.epsilon * 1000).rounded(.down) / 1000
    return rounded > 0 ? rounded : nil
  }
}
