import Control
import FoundationEssentials
import Glibc

/// The ledger record that a release's privacy.json names.
struct ReleasedPosition: Hashable {
  /// The path of the file.
  let path: String
  /// The dataset whose ledger it is.
  let dataset: String
  /// The ledger's newest line at the time of the release.
  let witness: LedgerWitness

  private struct Statement: Decodable {
    let dataset: String
    let ledger: LedgerWitness?
  }

  /// Reads the privacy.json of a release, given the path of the file or of its folder.
  init(_ path: String) throws(ControlError) {
    let file = path.hasSuffix(".json") ? path : path + "/privacy.json"
    let content: Data
    guard Self.isShortFile(file) else {
      throw .notFound(
        "release \(path): \(file) is not a regular file of plausible size (a release's folder or its "
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
      throw .invalid(
        "release \(path): \(file) is not a privacy statement (the privacy.json of a release expected)."
      )
    }
    guard let ledger = statement.ledger else {
      throw .invalid(
        "release \(path): \(file) names no ledger record (a release of a private training "
          + "expected).")
    }
    self.path = file
    dataset = statement.dataset
    witness = ledger
  }

  /// Whether a path is a regular file of plausible size, or does not exist; reading a pipe or a device
  /// might never end.
  private static func isShortFile(_ path: String) -> Bool {
    var information = stat()
    guard stat(path, &information) == 0 else { return true }
    return information.st_mode & S_IFMT == S_IFREG && information.st_size <= 16 << 20
  }

  /// Refuses a release of another dataset than the one asked for.
  func check(isOf asked: String?) throws(ControlError) {
    guard let asked, asked != dataset else { return }
    throw .invalid(
      "release \(path): of dataset \(dataset) (\(asked) expected). Leave the dataset out of the command, or name another release."
    )
  }
}
