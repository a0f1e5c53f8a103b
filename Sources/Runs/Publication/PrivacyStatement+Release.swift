import FoundationEssentials
package import Privacy

extension PrivacyStatement {
  /// The statement of the release whose images lie in `folder`; nil if there is none, or none that can be read.
  ///
  /// Such a folder is `data` beside `privacy.json` and a manifest that lists this statement. The images themselves are
  /// not compared with the manifest.
  package static func beside(images folder: String) -> PrivacyStatement? {
    inRelease(folder.hasSuffix("/") ? folder + ".." : folder + "/..")
  }

  /// The statement of a release; nil if there is none, or none that can be read.
  ///
  /// The manifest must list it. The set itself is not compared with the manifest.
  package static func inRelease(_ release: String) -> PrivacyStatement? {
    guard let bytes = try? DurableFile.read(release + "/privacy.json"),
      let manifest = try? DurableFile.read(release + "/" + ListedFiles.name),
      let listed = try? JSONDecoder().decode(ListedFiles.self, from: manifest),
      listed.lists(bytes, as: "privacy.json"),
      let statement = try? JSONDecoder().decode(PrivacyStatement.self, from: bytes)
    else { return nil }
    return statement.hasBounds ? statement : nil
  }

  /// Whether epsilon and delta are in their ranges; a file may hold any numbers.
  var hasBounds: Bool {
    total.epsilon.isFinite && total.epsilon > 0 && total.delta > 0 && total.delta < 1
  }
}
