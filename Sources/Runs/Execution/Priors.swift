import Compute
package import Control
import Datasets
import FoundationEssentials
import Glibc
import Models
import Privacy

/// Weights that a run starts from, and what its plan says of them.
struct StartOfRun {
  /// Where weights come from.
  enum Source {
    /// A release, with the words of its statement.
    case release(String)
    /// A file of this name beside the recipe.
    case file(String, digest: String)
  }

  let weights: StartingWeights
  let source: Source

  /// A phase that takes over weights, with what is known of them now that they were read.
  func stated(in phase: Phase) -> Phase {
    guard phase.name.hasPrefix(PriorSettings.start) else { return phase }
    switch source {
    case .release(let words):
      return phase.freeReason == .postProcessing ? Phase(phase.name, words, phase.work) : phase
    case .file(let name, let digest):
      let purpose = phase.purpose.replacing("(\(name))", with: Self.words(name, digest))
      return Phase(phase.name, purpose, phase.work)
    }
  }

  /// Whether a saved plan states these weights.
  func isStated(in phases: [Phase]) -> Bool {
    let starts = phases.filter { $0.name.hasPrefix(PriorSettings.start) }
    return switch source {
    case .release(let words): starts.contains { $0.purpose == words }
    case .file(let name, let digest):
      starts.contains { $0.purpose.hasSuffix(Self.words(name, digest)) }
    }
  }

  /// Where the weights come from, in words.
  var words: String {
    switch source {
    case .release(let words): words
    case .file(let name, let digest): "\(name), SHA-256 \(digest)"
    }
  }

  private static func words(_ name: String, _ digest: String) -> String {
    "(\(name), SHA-256 \(digest))"
  }
}

// What a model learns from before it reads a private image.
extension RunOrder {
  /// Refuses a recipe that needs public images or a released model where none is declared.
  func requirePriors() throws(ControlError) {
    if recipe.model.usesPublicImages, publicImages == nil {
      throw .invalid(
        "recipe \(recipe.name): it learns from public images first (prior: source: public), and no folder is declared "
          + "public for dataset \(dataset). Add public_images to the dataset's configuration (figmentd run: "
          + "--public-images DIR), or take a recipe with another prior.")
    }
    if recipe.model.startsFromRelease, startFrom == nil {
      throw .invalid(
        "recipe \(recipe.name): it starts from a released model (prior: source: release), and none is declared for "
          + "dataset \(dataset). Add start_from to the dataset's configuration (figmentd run: --start-from RELEASE), or "
          + "take a recipe with another prior.")
    }
  }

  /// Refuses a recipe whose file of starting weights is missing.
  ///
  /// A run that has begun does not need the file any more, so this is asked when a run is planned, submitted or begun.
  package func requireStartingFiles() throws(ControlError) {
    for file in recipe.model.startingFiles where access(path(ofWeights: file), R_OK) != 0 {
      throw .invalid(
        "recipe \(recipe.name): it starts from \(PriorSettings.file(file)), and no such file can be read beside it "
          + "(\(path(ofWeights: file)) expected). Put it there, make it with figmentd pretrain, or remove 'weights' from "
          + "the recipe's prior, and the run learns from drawn images itself.")
    }
  }

  private func path(ofWeights file: String) -> String { "\(recipes)/\(PriorSettings.file(file))" }

  /// The weights that the recipe starts from: those of a released model and of files beside the recipe.
  ///
  /// - Throws: `ControlError` for weights that are missing, or of which nothing says what they reveal.
  func starts(on machine: Machine) throws -> [StartOfRun] {
    try requirePriors()
    try requireStartingFiles()
    return try [releasedStart(on: machine)].compactMap { $0 }
      + recipe.model.startingFiles.map { try start(file: $0, on: machine) }
  }

  /// Weights of a file beside the recipe.
  private func start(file name: String, on machine: Machine) throws -> StartOfRun {
    let path = path(ofWeights: name)
    let model: ReleasedModel
    do {
      model = try ReleasedModel(path, isPartOfRelease: false, on: machine)
    } catch let error as ModelFileError {
      throw ControlError.invalid(
        "weights \(path): \(error.reason) (a file made by figmentd pretrain expected). Make it again."
      )
    }
    guard model.learntFrom?.hasPrefix(PreTraining.images) == true else {
      throw ControlError.invalid(
        "weights \(path): the file does not state that they were learnt from \(PreTraining.images) alone (a file made by "
          + "figmentd pretrain expected). A model of a release is a prior of its own: source: release."
      )
    }
    return StartOfRun(
      weights: try StartingWeights(
        file: name, of: model.recipe, model: model.model, classes: model.classes),
      source: .file(PriorSettings.file(name), digest: model.digest))
  }

  /// The released model that the recipe starts from, and what the statement of its release says; nil for other
  /// recipes.
  ///
  /// - Throws: `ControlError` for a model without a statement: nothing says what it reveals.
  private func releasedStart(on machine: Machine) throws -> StartOfRun? {
    guard recipe.model.startsFromRelease, let startFrom else { return nil }
    let names = (try? DurableFile.names(in: startFrom)) ?? []
    // The manifest binds the statement to the weights; without it, any statement could lie beside any model.
    guard names.contains("manifest.json"), names.contains("privacy.json") else {
      throw ControlError.invalid(
        "start from \(startFrom): no statement and manifest beside the model (a complete release with privacy.json "
          + "and manifest.json expected). Without them, nobody knows what the model reveals. Give a release."
      )
    }
    let released = try ReleasedModel(startFrom, on: machine)
    guard let bytes = released.statement,
      let statement = try? JSONDecoder().decode(PrivacyStatement.self, from: bytes),
      let words = statement.startInWords(ofRecipe: released.recipe.name)
    else {
      throw ControlError.invalid(
        "start from \(startFrom): its privacy.json is no statement of Figment's (a name of a dataset, an epsilon above "
          + "0 and a delta between 0 and 1 expected). Give a release.")
    }
    return StartOfRun(
      weights: StartingWeights(of: released.model, classes: released.classes),
      source: .release(words))
  }
}

extension PrivacyStatement {
  /// Longer texts are none of Figment's.
  private static let longest = 2000

  /// The statement in words for the plan of a later run, with those of the release that the model itself started
  /// from; nil for values and texts that no statement has.
  fileprivate func startInWords(ofRecipe recipe: String) -> String? {
    let earlier = Set(
      (phases ?? []).filter { $0.name.hasPrefix(PriorSettings.start) }.map(\.purpose)
    ).sorted()
    guard hasBounds,
      ([recipe, dataset] + earlier).allSatisfy(Self.isPlain), !dataset.isEmpty
    else { return nil }
    return
      "the weights of a released model of recipe \(recipe), which a statement of its own covers: epsilon "
      + "\(Rounded.bound(total.epsilon)) at delta \(Rounded.number(total.delta)) for dataset '\(dataset)'"
      + earlier.map { "; that model started from \($0)" }.joined()
  }

  /// Whether a text can stand in a page without changing it.
  private static func isPlain(_ text: String) -> Bool {
    text.utf8.count <= longest
      && text.unicodeScalars.allSatisfy {
        $0.properties.isAlphabetic || $0.properties.numericType != nil
          || " .,:;'_-+()".unicodeScalars.contains($0)
      }
  }
}

extension ResolvedPlan {
  /// The weights that the plan names.
  fileprivate var startsInWords: String {
    phases.filter { $0.name.hasPrefix(PriorSettings.start) }.map(\.purpose).joined(separator: "; ")
  }
}

extension TrainingRun {
  /// Lets a model of a new run take over the weights that the plan names.
  ///
  /// - Throws: `ControlError` if the release is no longer the one that the plan names.
  func start(_ model: any GenerativeModel, of plan: ResolvedPlan) throws {
    let starts = try starts()
    guard starts.allSatisfy({ $0.isStated(in: plan.phases) }) else {
      throw ControlError.conflict(
        "run \(order.name): the weights that it starts from are not those that its plan names (found: "
          + "\(starts.map(\.words).joined(separator: "; ")); expected: \(plan.startsInWords)). Put those back, or start a "
          + "run with another name.")
    }
    for start in starts { try model.start(from: start.weights) }
  }

  /// The weights, read once: their origin is in the plan, and they themselves in the model.
  func starts() throws -> [StartOfRun] {
    if let readStarts { return readStarts }
    let starts = try order.starts(on: machine)
    readStarts = starts
    return starts
  }

  /// The images that the administrator declares public, if the plan's recipe learns from them.
  func publicImages(
    for plan: ResolvedPlan, besides snapshot: DatasetSnapshot
  ) throws -> PublicImages? {
    guard plan.recipe.model.usesPublicImages else { return nil }
    try order.requirePriors()
    guard let root = order.publicImages else { return nil }
    let side = { (root: String) in
      SideFolder(
        root: root, makeDecoder: self.makeDecoder, stop: self.stop, report: self.report)
    }
    return try PublicFolder(
      folder: side(root), privateFolder: side(order.root), rules: order.rules, tellOwner: tellOwner
    ).images(besides: snapshot, in: places.internalFiles, on: machine)
  }
}
