package import Compute
import Control
import Datasets
package import FoundationEssentials
package import Models

/// The model of a release, with all that drawing from it needs: its recipe and its classes.
package struct ReleasedModel {
  package let recipe: Recipe
  package let classes: [String]
  /// The model with its averaged weights; it must not be trained further.
  package let model: any GenerativeModel
  /// The privacy statement of the release, if the model is part of one.
  package let statement: Data?
  /// What a model learnt from if it is no part of a release: it knows no private image.
  let learntFrom: String?
  /// SHA-256 of the file.
  let digest: String

  /// Reads `generator.safetensors` from the path of the file, of a release, or of its `model` folder.
  ///
  /// - Parameter isPartOfRelease: whether a statement is looked for beside it.
  package init(_ path: String, isPartOfRelease: Bool = true, on machine: Machine) throws {
    let file = Self.file(path)
    let bytes: Data
    do {
      bytes = try DurableFile.read(file, atMost: Self.largestFile)
    } catch let error as ControlError {
      throw error
    } catch {
      throw ModelFileError.unreadable(file)
    }
    let content: Checkpoint
    do {
      content = try Safetensors.decode(bytes)
    } catch {
      throw ModelFileError.noModel(file, reason: Self.reason(error))
    }
    let entry = { (key: String) throws -> Data in
      guard let text = content.metadata[key] else {
        throw ModelFileError.noModel(file, reason: "its entry '\(key)' is missing")
      }
      return Data(text.utf8)
    }
    do {
      let json = JSONDecoder()
      recipe = try json.decode(Recipe.self, from: entry("recipe"))
      classes = try json.decode([String].self, from: entry("classes"))
      _ = try ClassNames.folders(classes)
      try recipe.validate(classes: classes)
      model = try recipe.makeModel(classes: classes, seed: 0, on: machine)
      try Self.requireFiniteNumbers(in: content, file)
      try model.restoreGenerator(from: content)
    } catch let error as ModelFileError {
      throw error
    } catch {
      throw ModelFileError.noModel(file, reason: Self.reason(error))
    }
    learntFrom = content.metadata["learnt_from"]
    digest = bytes.sha256
    statement =
      isPartOfRelease ? try ListedFiles.statement(beside: file, model: bytes) : nil
  }

  /// The bytes of a file from which `init` reads the part of a model that draws images.
  ///
  /// - Parameter learntFrom: what a model that has seen no private image learnt from; nil for all others.
  static func file(
    of model: any GenerativeModel, recipe: Recipe, classes: [String], learntFrom: String? = nil
  ) throws -> Data {
    var checkpoint = Checkpoint()
    model.saveGenerator(into: &checkpoint)
    let json = JSONEncoder()
    json.outputFormatting = [.sortedKeys]
    checkpoint.metadata["recipe"] = String(decoding: try json.encode(recipe), as: UTF8.self)
    checkpoint.metadata["classes"] = String(decoding: try json.encode(classes), as: UTF8.self)
    checkpoint.metadata["learnt_from"] = learntFrom
    return try Safetensors.encode(checkpoint)
  }

  /// Refuses numbers that no training of ours releases, and from which only nonsense could be drawn.
  private static func requireFiniteNumbers(in content: Checkpoint, _ file: String) throws {
    let wrong = content.tensors.filter { !$0.value.values.allSatisfy(\.isFinite) }.keys.min()
    guard let wrong else { return }
    throw ModelFileError.noModel(
      file, reason: "its entry '\(wrong)' holds a number that is not finite (finite ones expected)")
  }

  /// The start of an error's message, with control characters escaped: it may quote a file from a stranger.
  private static func reason(_ error: any Error) -> String {
    let message = ControlError(error).message.unicodeScalars
    return message.prefix(300)
      .map { $0.properties.generalCategory == .control ? $0.escaped(asASCII: true) : String($0) }
      .joined()
      + (message.count > 300 ? " …" : "")
  }

  /// The weights of the largest possible model, and the header.
  private static let largestFile = 4 << 28 + Safetensors.maximumHeaderLength

  private static func file(_ path: String) -> String {
    let name = "generator.safetensors"
    if path.hasSuffix(".safetensors") { return path }
    let inFolder = "\(path)/\(name)"
    return FileManager.default.fileExists(atPath: inFolder) ? inFolder : "\(path)/model/\(name)"
  }
}

/// The reason why a file contains no usable model.
package enum ModelFileError: Error, CustomStringConvertible {
  case unreadable(String)
  case noModel(String, reason: String)
  case noLikelihood(String, family: String)
  case noCompletion(family: String)

  /// What is wrong with the file, without advice.
  var reason: String {
    switch self {
    case .unreadable: "cannot be read"
    case .noModel(_, let reason): reason.withoutFullStop
    case .noLikelihood, .noCompletion: description
    }
  }

  package var description: String {
    switch self {
    case .unreadable(let file):
      "model \(file): cannot be read (a release or its model/generator.safetensors expected)."
    case .noModel(let file, let reason):
      "model \(file): no model of Figment's: \(reason.withoutFullStop). Give a release or its "
        + "model/generator.safetensors."
    case .noLikelihood(let path, let family):
      "model \(path): family \(family) has no likelihood (one of the families "
        + "\(Families.withLikelihood.joined(separator: ", ")) expected). "
        + "Evaluate its images with figmentd evaluate."
    case .noCompletion(let family):
      "model: family \(family) cannot complete images (family \(PixelModel.family) expected)."
    }
  }
}
