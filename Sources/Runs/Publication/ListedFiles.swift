import Control
import FoundationEssentials

/// The content of a set's manifest: the SHA-256 of each file.
struct ListedFiles: Decodable {
  /// The hash of each file, by its path relative to the set.
  let files: [String: String]

  /// The manifest's name.
  static let name = "manifest.json"

  /// Whether the manifest lists a file of this content.
  func lists(_ data: Data, as name: String) -> Bool {
    files[name] == data.sha256
  }

  /// The statement of the release that contains a model file; nil when there is none.
  ///
  /// A statement covers one model: if the release has a manifest, it must list both.
  ///
  /// - Throws: `ModelFileError` when the manifest lists other files or cannot be read.
  static func statement(beside file: String, model: Data) throws -> Data? {
    let folder = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent()
    let path = { (name: String) in
      folder.appending(path: name).absoluteURL.path(percentEncoded: false)
    }
    let statement = try? DurableFile.read(path("privacy.json"))
    guard let statement, let manifest = try? DurableFile.read(path(name)) else { return statement }
    guard let listed = try? JSONDecoder().decode(ListedFiles.self, from: manifest),
      listed.lists(model, as: "model/generator.safetensors"),
      listed.lists(statement, as: "privacy.json")
    else {
      throw ModelFileError.noModel(
        file,
        reason:
          "\(path(name)) does not list this file and the privacy.json beside it, so one of them was "
          + "changed or is of another release")
    }
    return statement
  }
}
