import Control
import FoundationEssentials
import Glibc
package import Privacy

/// The ledger of a folder of images, for every caller.
///
/// It belongs to the folder, not to a run or a dataset's name: two names of one folder share it.
package enum RootLedger {
  /// The budget where no administrator set one: large enough to refuse no run whose guarantee would mean
  /// anything.
  ///
  /// What was spent is still counted and stated.
  package static let unlimitedEpsilon = 1e4

  /// Opens the ledger of a folder, or creates it.
  package static func open(
    root: String, dataset: String, unit: Privacy.PrivacyUnit, budget: PrivacyBudget,
    ledgers: String, marks: String, under conditions: RunConditions = RunConditions()
  ) throws -> LedgerFile {
    let identity = try identity(of: root)
    for folder in [ledgers, marks] { try DurableFile.makeFolder(folder) }
    return try LedgerFile(
      of: entry(identity, dataset, unit), budget: budget,
      at: location(identity, ledgers: ledgers, marks: marks), disk: conditions.ledgerDisk,
      now: conditions.now)
  }

  /// What was done to a folder so far, for planning: nothing is locked or written.
  ///
  /// Empty when nothing was ever spent on it.
  ///
  /// - Throws: whatever `open` would throw for a ledger that is damaged, deleted, truncated, older than its
  ///   mark, closed, or created for another unit. A plan based on part of a ledger would promise too much.
  package static func history(
    root: String, dataset: String, unit: Privacy.PrivacyUnit, ledgers: String, marks: String
  ) throws -> LedgerHistory {
    let identity = try identity(of: root)
    let location = location(identity, ledgers: ledgers, marks: marks)
    let history = try LedgerFile.history(at: location)
    if let known = history.root {
      try LedgerFile.check(known, isThatOf: entry(identity, dataset, unit), at: location)
    }
    return history
  }

  private static func entry(
    _ identity: String, _ dataset: String, _ unit: Privacy.PrivacyUnit
  ) -> LedgerRoot {
    LedgerRoot(
      identity: identity, dataset: dataset, unit: unit, adjacency: SubsampledGaussian.adjacency)
  }

  /// The location of an identity's ledger.
  package static func location(
    _ identity: String, ledgers: String, marks: String
  ) -> LedgerFile.Location {
    LedgerFile.Location(
      directory: "\(ledgers)/\(identity)", markDirectory: "\(marks)/\(identity)")
  }

  /// Names a folder by a hash of its resolved path, because paths can name people.
  package static func identity(of root: String) throws -> String {
    guard let resolved = realpath(root, nil) else {
      throw ControlError.notFound(
        "folder \(root): cannot be opened (\(String(cString: strerror(errno)))).")
    }
    defer { free(resolved) }
    return String(Data(String(cString: resolved).utf8).sha256.prefix(32))
  }
}
