import Control
import FoundationEssentials
import Glibc

/// What a release's privacy.json says of the ledger that it was paid from.
struct ReleasedPosition: Hashable {
  /// Where that was read.
  let path: String
  /// Whose ledger.
  let dataset: String
  /// The ledger's newest line at that time.
  let witness: LedgerWitness

  private struct Statement: Decodable {
    let dataset: String
    let ledger: LedgerWitness?
  }

  /// Reads the privacy.json of a release, given its path or its folder's.
  init(_ path: String) throws(ControlError) {
    let file = path.hasSuffix(".json") ? path : path + "/privacy.json"
    let content: Data
    guard Self.isShortFile(file) else {
      throw .notFound(
        "release \(path): \(file) is no file of a privacy statement's size (a release's folder or its "
          + "privacy.json expected).")
    }
    do {
      content = try Data(contentsOf: URL(filePath: file))
    } catch {
      throw .notFound(
        "release \(path): \(file) cannot be read (a release's folder or its privacy.json expected)."
      )
    }
    guard let statement = try? JSONDecoder().decode(Statement.self, from: content) else {
      throw .invalid("release \(path): \(file) is no privacy statement of a release.")
    }
    guard let ledger = statement.ledger else {
      throw .invalid(
        "release \(path): \(file) names no record of a ledger (a release after private training "
          + "expected).")
    }
    self.path = file
    dataset = statement.dataset
    witness = ledger
  }

  /// Whether a path names a regular file of a size that a statement may have, or nothing at all: reading a
  /// pipe or a device might never end.
  private static func isShortFile(_ path: String) -> Bool {
    var information = stat()
    guard stat(path, &information) == 0 else { return true }
    return information.st_mode & S_IFMT == S_IFREG && information.st_size <= 16 << 20
  }

  /// Refuses a release of another dataset than the one asked for.
  func check(isOf asked: String?) throws(ControlError) {
    guard let asked, asked != dataset else { return }
    throw .invalid(
      "release \(path): it is of dataset \(dataset), not of \(asked). Leave the dataset out.")
  }
}
