public import Models
public import Privacy

/// The ledger of a folder of images as an audited training charges it.
///
/// The attack is compared with the charges of this ledger and with the claim of the statement made from it,
/// never with the plan.
public protocol AuditedRoot: AnyObject {
  /// Announces a run and returns the ledger for its trainer; any earlier run must have ended.
  func begin(run: String, _ plan: TrainingPlan, delta: Double) throws -> any PrivacyLedger
  /// Ends the current run, and returns the charges of all runs and the claim of a new statement.
  func end(delta: Double) throws -> (spent: EventTally, claim: PrivacyCost)
}
