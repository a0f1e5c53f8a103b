import Compute
import Control
import Datasets
import FoundationEssentials
import Models
import Privacy

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

  /// The released model that the recipe starts from, and what the statement of its release says; nil for other
  /// recipes.
  ///
  /// - Throws: `ControlError` for a model without a statement: nothing says what it reveals.
  func startingModel(on machine: Machine) throws -> (weights: StartingWeights, words: String)? {
    guard recipe.model.startsFromRelease else { return nil }
    try requirePriors()
    guard let startFrom else { return nil }
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
      let statement = try? JSONDecoder().decode(StartingStatement.self, from: bytes),
      let words = statement.words(forRecipe: released.recipe.name)
    else {
      throw ControlError.invalid(
        "start from \(startFrom): its privacy.json is no statement of Figment's (a name of a dataset, an epsilon above "
          + "0 and a delta between 0 and 1 expected). Give a release.")
    }
    return (StartingWeights(of: released.model, classes: released.classes), words)
  }
}

/// What the statement of a release says of its loss.
private struct StartingStatement: Decodable {
  struct Loss: Decodable {
    let epsilon: Double
    let delta: Double
  }

  struct Phase: Decodable {
    let name: String
    let purpose: String
  }

  let dataset: String
  let total: Loss
  let phases: [Phase]?

  /// Longer texts are none of Figment's.
  private static let longest = 2000

  /// The statement in words for the plan of a later run, with those of the release that the model itself started
  /// from; nil for values and texts that no statement has.
  func words(forRecipe recipe: String) -> String? {
    let earlier = Set(
      (phases ?? []).filter { $0.name.hasPrefix(PriorSettings.start) }.map(\.purpose)
    ).sorted()
    guard total.epsilon.isFinite, total.epsilon > 0, total.delta > 0, total.delta < 1,
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

extension TrainingRun {
  /// Lets a model of a new run take over the weights that the plan names.
  ///
  /// - Throws: `ControlError` if the release is no longer the one that the plan names.
  func start(_ model: any GenerativeModel, of plan: ResolvedPlan) throws {
    guard let start = try startingModel() else { return }
    guard plan.statingStart(start.words).phases == plan.phases else {
      throw ControlError.conflict(
        "run \(order.name): the release that it starts from is not the one that its plan names. Put that one back, or "
          + "start a run with another name.")
    }
    try model.start(from: start.weights)
  }

  /// The released model, read once: its words are in the plan, and its weights in the model.
  func startingModel() throws -> (weights: StartingWeights, words: String)? {
    if let readStart { return readStart }
    readStart = try order.startingModel(on: machine)
    return readStart
  }

  /// The images that the administrator declares public, if the plan's recipe learns from them.
  func publicImages(
    for plan: ResolvedPlan, besides snapshot: DatasetSnapshot
  ) throws -> PublicImages? {
    guard plan.recipe.model.usesPublicImages else { return nil }
    try order.requirePriors()
    guard let root = order.publicImages else { return nil }
    return try PublicFolder(
      folder: SideFolder(root: root, makeDecoder: makeDecoder, stop: stop, report: report),
      tellOwner: tellOwner
    ).images(besides: snapshot, in: places.internalFiles, on: machine)
  }
}
