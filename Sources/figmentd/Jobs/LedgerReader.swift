import Control
import FoundationEssentials
import Privacy
import Runs

/// Reads a dataset's ledger without locking it, so that lists work while a job trains.
///
/// Use it for lists only: it reads as much as possible of a ledger that cannot be trusted. Code that plans
/// or spends reads `RootLedger.history`, which refuses such a ledger.
struct LedgerReader {
  private let dataset: DatasetConfiguration
  private let lines: [LedgerFileLine]
  private let verification: LedgerFileVerification

  /// Reads the ledger of a dataset's root; a missing ledger is empty.
  ///
  /// As much as possible is read of a ledger that cannot be trusted, and it is reported as such.
  ///
  /// - Parameter witness: a line that it must contain; nil for none.
  init(
    _ dataset: DatasetConfiguration, state: StatePaths, witness: LedgerWitness? = nil
  ) throws {
    self.dataset = dataset
    let location = RootLedger.location(
      try RootLedger.identity(of: dataset.root), ledgers: state.ledgers, marks: state.ledgerMarks)
    // A missing file with an existing mark is not an empty ledger, nor is an unreadable file; the
    // verification reports both.
    let bytes = (try? SystemLedgerFileDisk().content(of: location.path)) ?? []
    let content = try? LedgerFileContent(bytes, ledger: location.path)
    lines = content?.lines ?? []
    verification = LedgerFileVerification(
      of: location, delta: dataset.policy.delta,
      witnesses: witness.map { [.init(hash: $0.hash, line: $0.line)] } ?? [])
  }

  /// Reports the reserved and used steps and the remaining budget.
  func report() -> LedgerReport {
    let problem = verification.isIntact ? nil : verification.problems.joined(separator: " ")
    return LedgerReport(
      dataset: dataset.name,
      budget: BudgetStatus(
        epsilonMaximum: dataset.policy.epsilonMaximum, delta: dataset.policy.delta,
        epsilonSpent: verification.cost?.epsilon, unit: dataset.policy.unit,
        problem: problem),
      entries: entries(), verified: problem == nil, head: verification.position?.hash,
      problem: problem)
  }

  private func entries() -> [Control.LedgerEntry] {
    var entries: [Control.LedgerEntry] = []
    for line in lines {
      switch line.entry {
      case .reserve(let reserve):
        entries.append(
          Control.LedgerEntry(
            number: reserve.number, time: try? Date(line.time, strategy: .iso8601),
            purpose: "\(reserve.run), attempt \(reserve.attempt): \(reserve.purpose)",
            event: "\(reserve.event)", reserved: reserve.times))
      case .settle(let settle):
        if let place = entries.firstIndex(where: { $0.number == settle.number }) {
          entries[place].used = settle.used
        }
      case .root, .plan, .release, .close: continue
      }
    }
    return entries
  }
}
