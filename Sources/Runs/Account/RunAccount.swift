import Control
import Datasets
import Models
import Privacy

/// A run's account with the ledger of its root: opened before the first step, closed after the last.
final class RunAccount {
  /// The ledger that phases are charged to; a run without privacy never uses it.
  let ledger: any PrivacyLedger
  /// The attempt's number, from 1.
  let attempt: Int
  private let order: RunOrder
  private let plan: ResolvedPlan
  private let run: LedgerFileRun?
  /// The accesses that earlier attempts at this run were charged, by phase name.
  private let chargedBefore: [String: Int]
  /// The newest computed epsilon, and what it covers.
  private var known: (phase: String, charged: Int, epsilon: Double)?

  /// Opens the root's ledger and announces the rest of the run.
  ///
  /// - Throws: `LedgerError.overBudget` when it does not fit; `ControlError` when the plan differs from the
  ///   one that the run's first attempt announced.
  init(
    _ order: RunOrder, _ places: RunPlaces, _ plan: ResolvedPlan,
    under conditions: RunConditions = RunConditions()
  ) throws {
    self.order = order
    self.plan = plan
    guard plan.isProtected else {
      run = nil
      ledger = try MemoryLedger(budget: order.budget, dataset: order.dataset)
      chargedBefore = [:]
      attempt = 1
      return
    }
    let file = try RootLedger.open(
      root: order.root, dataset: order.dataset, unit: order.unit, budget: order.budget,
      ledgers: places.ledgers, marks: places.ledgerMarks, under: conditions)
    let fingerprint = try ResolvedPlan.fingerprint(in: places.internalFiles)
    try plan.requireAnnounced(
      by: file.history.attempts.first { $0.plan.run == order.name }?.plan,
      fingerprint: fingerprint, run: order.name)
    // By phase: answers of one price are one elementary event, and a tally cannot distinguish them.
    let charged = try Dictionary(
      uniqueKeysWithValues: plan.phases.map {
        ($0.name, try $0.accesses(in: file.history.spent(by: order.name, for: $0.name)))
      })
    let run = try file.begin(
      LedgerPlan(
        run: order.name, attempt: 0, snapshot: plan.snapshot, design: fingerprint,
        event: plan.phases.event(without: charged), phases: plan.phases.map(\.announcement),
        mechanism: plan.onlyMechanism, delta: order.delta, software: Version.current))
    self.run = run
    chargedBefore = charged
    ledger = run
    attempt = run.plan.attempt
  }

  /// The accesses that earlier attempts at this run were charged in a phase.
  func charged(_ phase: String) -> Int { chargedBefore[phase] ?? 0 }

  /// The epsilon of everything up to the first `charged` accesses of a phase, by the same bound as the plan's
  /// own epsilon; nil without privacy.
  ///
  /// Steps are charged in about a hundred blocks, so the bound is computed once per block and kept.
  func plannedEpsilon(in phase: Phase, charged: Int) -> Double? {
    guard plan.isProtected, let target = plan.epsilon else { return nil }
    if let known, known.phase == phase.name, known.charged == charged { return known.epsilon }
    let epsilon = epsilon(in: phase, charged: charged, atMost: target)
    known = (phase.name, charged, epsilon)
    return epsilon
  }

  private func epsilon(in phase: Phase, charged: Int, atMost target: Double) -> Double {
    let before = plan.phases.prefix { $0.name != phase.name }
    guard var tally = try? EventTally(Array(before).event()) else { return target }
    if let access = phase.access, (try? tally.add(access, times: charged)) == nil { return target }
    guard !tally.isEmpty else { return 0 }
    // The plan's epsilon bounds every part of the plan.
    let cost = try? PrivacyCost(of: tally, delta: order.delta)
    return min(cost?.epsilon ?? target, target)
  }

  /// The guarantee for everything done to the root so far; nil without privacy.
  ///
  /// `answers` are released beside the images.
  func statement(answers: [String] = []) throws -> PrivacyStatement? {
    try run?.statement(
      software: Version.current, phases: plan.statedPhases, population: plan.population,
      declared: facts { plan.declared?.contains($0) ?? false },
      found: facts { !(plan.declared?.contains($0) ?? false) }, answers: answers)
  }

  /// The `included` facts about the data that the release reveals.
  private func facts(_ included: (DatasetFact) -> Bool) -> [String] {
    var facts: [String] = []
    if included(.classes), plan.recipe.model.readsImages {
      facts.append("the names of the classes (\(plan.classes.joined(separator: ", ")))")
    }
    let columns = plan.recipe.columns
    if included(.columns), !columns.isEmpty {
      facts.append(
        "the names and domains of the columns (\(columns.map(\.name).joined(separator: ", ")))")
    }
    if included(.population) {
      facts.append("the number of units in the plan (\(plan.population))")
    }
    return facts
  }

  /// Records a release in the ledger and ends the run there.
  func release(_ manifest: String, claim: PrivacyCost) throws {
    try run?.release(manifest, claim: claim)
    try run?.close(outcome: "finished")
  }
}

extension ResolvedPlan {
  /// The mechanism, if exactly one phase has one; nil otherwise.
  fileprivate var onlyMechanism: SubsampledGaussian? {
    let all = phases.compactMap { $0.plan?.mechanism }
    return all.count == 1 ? all[0] : nil
  }

  /// The phases as the statement lists them.
  fileprivate var statedPhases: [PrivacyStatement.Phase] {
    phases.map {
      PrivacyStatement.Phase(
        name: $0.name, purpose: $0.purpose, event: $0.event(), epsilon: $0.epsilon,
        free: $0.freeReason?.words)
    }
  }
}

extension Phase {
  /// The phase as the ledger's announcement lists it.
  fileprivate var announcement: LedgerPhase {
    LedgerPhase(name: name, event: event(), free: freeReason?.rawValue)
  }
}
