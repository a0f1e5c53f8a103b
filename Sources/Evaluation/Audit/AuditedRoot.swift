public import Models
public import Privacy

/// The ledger of a folder of images as an audited training charges it.
///
/// The attack is compared with what this ledger was charged and with the claim of the statement
/// made from it, never with the plan.
public protocol AuditedRoot: AnyObject {
  /// Announces a run and returns where its trainer reserves; an earlier run has ended.
  func begin(run: String, _ plan: TrainingPlan, delta: Double) throws -> any PrivacyLedger
  /// Ends the run that was begun last, and returns the charges of all runs and the claim of a
  /// statement made now.
  func end(delta: Double) throws -> (spent: EventTally, claim: PrivacyCost)
}
