import Control
import Models
import Privacy

/// What a run owes to the ledger of its root: opened before the first step, closed after the last.
final class RunAccount {
  /// Where the trainer reserves; a run without privacy never asks it.
  let ledger: any PrivacyLedger
  /// Steps that earlier attempts at this run were charged.
  let charged: Int
  /// The questions that an earlier attempt was charged for.
  let paid: Set<RunQuestion>
  /// The attempt's number, from 1.
  let attempt: Int
  private let order: RunOrder
  private let design: RunDesign
  private let run: LedgerFileRun?
  /// The newest epsilon that was told, and the steps that it covers.
  private var known: (charged: Int, epsilon: Double)?

  /// Opens the root's ledger and announces what is left of the run.
  ///
  /// - Throws: `LedgerError.overBudget` when it does not fit; `ControlError` when the design is not
  ///   the one that the run's first attempt announced.
  init(
    _ order: RunOrder, _ places: RunPlaces, _ design: RunDesign,
    under conditions: RunConditions = RunConditions()
  ) throws {
    self.order = order
    self.design = design
    guard let mechanism = design.plan.mechanism else {
      run = nil
      ledger = try MemoryLedger(budget: order.budget, dataset: order.dataset)
      charged = 0
      paid = []
      attempt = 1
      return
    }
    let file = try RootLedger.open(
      root: order.root, dataset: order.dataset, unit: order.unit, budget: order.budget,
      ledgers: places.ledgers, marks: places.ledgerMarks, under: conditions)
    let fingerprint = try RunDesign.fingerprint(in: places.internalFiles)
    try design.requireAnnounced(
      by: file.history.attempts.first { $0.plan.run == order.name }?.plan,
      fingerprint: fingerprint, run: order.name)
    let spent = try file.history.spent(by: order.name)
    let charged = try spent.times(of: mechanism.event)
    let paid = try RunQuestion.paid(by: order.name, file.history)
    self.paid = paid
    let event = RunDesign.event(
      mechanism, steps: max(0, design.plan.steps - charged),
      questions: design.questions.without(paid))
    let run = try file.begin(
      LedgerPlan(
        run: order.name, attempt: 0, snapshot: design.snapshot, design: fingerprint,
        event: event, mechanism: mechanism, delta: order.delta, software: Version.current))
    self.run = run
    self.charged = charged
    ledger = run
    attempt = run.plan.attempt
  }

  /// The epsilon that was charged for the run's first `charged` steps, and for its question for counts,
  /// which comes before them, by the bound that the plan's own epsilon comes from; nil without privacy.
  ///
  /// Steps are charged in about a hundred blocks, so a bound is computed that often, and kept.
  func plannedEpsilon(charged: Int) -> Double? {
    guard let mechanism = design.plan.mechanism, let target = design.epsilon else { return nil }
    if let known, known.charged == charged { return known.epsilon }
    let epsilon = epsilon(of: mechanism, charged: charged, atMost: target)
    known = (charged, epsilon)
    return epsilon
  }

  private func epsilon(
    of mechanism: SubsampledGaussian, charged: Int, atMost target: Double
  ) -> Double {
    let event = RunDesign.event(
      mechanism, steps: charged, questions: design.counts.map { [$0] } ?? [])
    guard let tally = try? EventTally(event) else { return target }
    guard !tally.isEmpty else { return 0 }
    // The plan's epsilon bounds every part of the plan.
    let cost = try? PrivacyCost(of: tally, delta: order.delta)
    return min(cost?.epsilon ?? target, target)
  }

  /// What may be reported of the training.
  func progress(
    _ trainer: Trainer, _ pace: TrainingPace, checkpoint: Int,
    fakeAccuracy: Releasable<Double>? = nil
  ) -> JobProgress {
    JobProgress(
      phase: .train, done: trainer.step, total: trainer.lastStep,
      plannedEpsilon: plannedEpsilon(charged: trainer.charged), targetEpsilon: design.epsilon,
      delta: design.epsilon == nil ? nil : order.delta, speed: pace.speed,
      remainingSeconds: pace.speed.map { Double(trainer.lastStep - trainer.step) / $0 },
      fakeAccuracy: fakeAccuracy?.value, checkpoint: checkpoint)
  }

  /// The guarantee of everything done to the root so far; nil without privacy.
  ///
  /// `answers` are released beside what the model draws.
  func statement(answers: [String] = []) throws -> PrivacyStatement? {
    try run?.statement(
      software: Version.current, population: design.plan.population,
      declared: facts { design.declared?.contains($0) ?? false },
      found: facts { !(design.declared?.contains($0) ?? false) }, answers: answers)
  }

  /// The facts about the data that the release tells, as far as they are `included`.
  private func facts(_ included: (DatasetFact) -> Bool) -> [String] {
    var facts: [String] = []
    if included(.classes) {
      facts.append("the names of the classes (\(design.classes.joined(separator: ", ")))")
    }
    if included(.population) {
      facts.append("the number of units in the plan (\(design.plan.population))")
    }
    return facts
  }

  /// Notes in the ledger that a release leaves, and ends the run there.
  func release(_ manifest: String, claim: PrivacyCost) throws {
    try run?.release(manifest, claim: claim)
    try run?.close(outcome: "finished")
  }
}

extension EventTally {
  /// How often an elementary event happened.
  fileprivate func times(of event: PrivacyEvent) throws -> Int {
    let kinds = try EventTally(event).counts.keys
    return kinds.reduce(0) { $0 + counts[$1, default: 0] }
  }
}
