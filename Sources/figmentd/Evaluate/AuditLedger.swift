import Control
import Evaluation
import FoundationEssentials
import Glibc
import Models
import Privacy
import Runs

/// The durable ledger of a temporary folder for an audit.
///
/// Charges of an audited training pass through the same kind of file, and its claim through the same
/// statement, as those of users.
final class AuditLedger: AuditedRoot {
  /// The temporary folder.
  let folder: String
  private let ledger: LedgerFile
  private var run: LedgerFileRun?

  /// Opens the ledger of an empty folder in the temporary directory, for trainings of one setting.
  init(for setting: TrainingAudit.Setting) throws {
    let parent = FileManager.default.temporaryDirectory.path
    var template = Array("\(parent)/figment-audit-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw EvaluationError.unreadableFile(path: parent, code: errno)
    }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    do {
      ledger = try RootLedger.open(
        root: folder, dataset: "audit",
        unit: setting.ledgerUnit,
        budget: PrivacyBudget(epsilon: RootLedger.unlimitedEpsilon, delta: TrainingAudit.delta),
        ledgers: folder + "/ledgers", marks: folder + "/marks")
    } catch {
      try? FileManager.default.removeItem(atPath: folder)
      throw error
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func begin(run name: String, _ plan: TrainingPlan, delta: Double) throws -> any PrivacyLedger {
    guard let mechanism = plan.mechanism else {
      preconditionFailure("an audited training has noise")
    }
    let run = try ledger.begin(
      LedgerPlan(
        run: name, attempt: 0, snapshot: "",
        event: .repeated(event: mechanism.event, times: plan.steps), mechanism: mechanism,
        delta: delta, software: Version.current))
    self.run = run
    return run
  }

  func end(delta: Double) throws -> (spent: EventTally, claim: PrivacyCost) {
    guard let run else { preconditionFailure("a run that ends has begun") }
    let statement = try run.statement(software: Version.current, declared: [])
    let spent = try run.spent()
    try run.close(outcome: "finished")
    self.run = nil
    return (spent, statement.total)
  }
}
