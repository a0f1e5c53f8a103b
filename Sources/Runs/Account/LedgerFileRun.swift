@_spi(Ledger) package import Privacy

/// One attempt at a run in the ledger, to which training charges its steps.
package final class LedgerFileRun: PrivacyLedger {
  /// The ledger of the root.
  let ledger: LedgerFile
  /// The announced plan, with the attempt's number.
  let plan: LedgerPlan

  init(ledger: LedgerFile, plan: LedgerPlan) {
    self.ledger = ledger
    self.plan = plan
  }

  /// Charges the runs; returns after the line is durable.
  package func reserve(
    _ event: PrivacyEvent, times: Int, for purpose: String
  ) throws(LedgerError) -> Reservation {
    let number = try ledger.reserve(event, times: times, purpose: purpose, by: plan)
    return Reservation(number: number, event: event, times: times)
  }

  /// Returns the runs of a reservation that were not begun.
  package func settle(_ reservation: consuming Reservation, used: Int) throws(LedgerError) {
    try ledger.append(.settle(LedgerSettle(number: reservation.number, used: used)))
  }

  /// Everything charged to the root by all runs.
  package func spent() throws(LedgerError) -> EventTally { ledger.history.spent }

  /// The guarantee for a release at this moment: everything done to the root so far, including this run.
  ///
  /// It carries the hash of the ledger's newest line, so that a release witnesses how old the ledger must be.
  /// `phases` are those of the run. `population` is the number of units in the plan; `declared` and `found`
  /// are the facts about the data that the release reveals; `answers` are released beside the images.
  package func statement(
    software: String, phases: [PrivacyStatement.Phase] = [], population: Int? = nil,
    declared: [String], found: [String] = [],
    answers: [String] = []
  ) throws(LedgerError) -> PrivacyStatement {
    let (history, position) = ledger.state()
    guard let root = history.root else {
      throw .inconsistent(line: 0, reason: "the ledger does not begin with its root")
    }
    var runs: [String] = []
    for attempt in history.attempts
    where !attempt.spent.isEmpty && !runs.contains(attempt.plan.run) {
      runs.append(attempt.plan.run)
    }
    let subject = PrivacyStatement.Subject(
      root: root, run: plan.run, runs: runs, phases: phases, mechanism: plan.mechanism,
      witness: position.map { .init(hash: $0.hash) }, software: software, population: population,
      declared: declared, found: found, answers: answers)
    return try PrivacyStatement(of: subject, history: history, delta: plan.delta)
  }

  /// Records a release and its claim; call it before anything is released.
  func release(_ artefact: String, claim: PrivacyCost) throws(LedgerError) {
    try ledger.append(
      .release(
        LedgerRelease(
          run: plan.run, artefact: artefact, epsilon: claim.epsilon, delta: claim.delta)))
  }

  /// Ends the attempt: nothing more is charged to it, and the rest of what it announced becomes available
  /// again.
  package func close(outcome: String) throws(LedgerError) {
    try ledger.append(
      .close(LedgerClose(run: plan.run, attempt: plan.attempt, outcome: outcome)))
  }
}
