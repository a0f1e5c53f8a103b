import FoundationEssentials

/// The guarantee that the statement of a release states for its images.
package struct StatedGuarantee: Decodable {
  private struct Loss: Decodable {
    let epsilon: Double
    let delta: Double
  }

  private let total: Loss
  /// The statement in one sentence.
  package let sentence: String

  /// The bound on the loss of everything computed from the dataset.
  package var epsilon: Double { total.epsilon }
  /// The probability with which the bound may fail.
  package var delta: Double { total.delta }

  /// Reads the statement of the release whose images lie in `folder`; nil if there is none.
  ///
  /// Such a folder is `data` beside `privacy.json` and a manifest that lists this statement. The images themselves are not
  /// compared with the manifest.
  package init?(besideImages folder: String) {
    let release = folder.hasSuffix("/") ? folder + ".." : folder + "/.."
    guard let statement = try? DurableFile.read(release + "/privacy.json"),
      let manifest = try? DurableFile.read(release + "/" + ListedFiles.name),
      let listed = try? JSONDecoder().decode(ListedFiles.self, from: manifest),
      listed.lists(statement, as: "privacy.json"),
      let stated = try? JSONDecoder().decode(StatedGuarantee.self, from: statement),
      stated.epsilon.isFinite, stated.epsilon > 0, stated.delta > 0, stated.delta < 1
    else { return nil }
    self = stated
  }
}
