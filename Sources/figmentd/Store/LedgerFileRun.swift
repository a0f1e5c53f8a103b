import Privacy

/// One attempt at a run, as the ledger sees it: what training is given to charge to.
final class LedgerFileRun: PrivacyLedger {
  /// The ledger of the root.
  let ledger: LedgerFile
  /// What was announced, with the attempt's number.
  let plan: LedgerPlan

  init(ledger: LedgerFile, plan: LedgerPlan) {
    self.ledger = ledger
    self.plan = plan
  }

  /// Charges the runs; returns after the line is durable.
  func reserve(
    _ event: PrivacyEvent, times: Int, for purpose: String
  ) throws(LedgerError) -> Reservation {
    let number = try ledger.reserve(event, times: times, purpose: purpose, by: plan)
    return Reservation(number: number, event: event, times: times)
  }

  /// Gives back what was not begun.
  func settle(_ reservation: consuming Reservation, used: Int) throws(LedgerError) {
    try ledger.append(.settle(LedgerSettle(number: reservation.number, used: used)))
  }

  /// Everything charged to the root by all runs.
  func spent() throws(LedgerError) -> EventTally { ledger.history.spent }

  /// Records that something leaves, with the claim that goes with it; call before it leaves.
  func release(_ artefact: String, claim: PrivacyCost) throws(LedgerError) {
    try ledger.append(
      .release(
        LedgerRelease(
          run: plan.run, artefact: artefact, epsilon: claim.epsilon, delta: claim.delta)))
  }

  /// Ends the attempt: nothing more is charged to it, and what it announced is free again.
  func close(outcome: String) throws(LedgerError) {
    try ledger.append(
      .close(LedgerClose(run: plan.run, attempt: plan.attempt, outcome: outcome)))
  }
}
