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
    let released = try ReleasedModel(startFrom, on: machine)
    guard let bytes = released.statement,
      let statement = try? JSONDecoder().decode(StartingStatement.self, from: bytes)
    else {
      throw ControlError.invalid(
        "start from \(startFrom): no statement beside the model (a complete release with privacy.json expected). "
          + "Without it, nobody knows what the model reveals. Give a release.")
    }
    return (
      StartingWeights(of: released.model, classes: released.classes),
      "the weights of a released model of recipe \(released.recipe.name), which a statement of its own covers: "
        + "epsilon \(Rounded.bound(statement.total.epsilon)) at delta \(Rounded.number(statement.total.delta)) for "
        + "dataset '\(statement.dataset)'"
    )
  }

  /// What a statement says of the loss.
  private struct StartingStatement: Decodable {
    struct Loss: Decodable {
      let epsilon: Double
      let delta: Double
    }

    let dataset: String
    let total: Loss
  }
}

extension TrainingRun {
  /// The images that the administrator declares public, if the plan's recipe learns from them.
  func publicImages(
    for plan: ResolvedPlan, besides snapshot: DatasetSnapshot
  ) throws -> PublicImages? {
    guard plan.recipe.model.usesPublicImages else { return nil }
    try order.requirePriors()
    guard let root = order.publicImages else { return nil }
    return try PublicFolder(
      root: root, makeDecoder: makeDecoder, stop: stop, report: report, tellOwner: tellOwner
    ).images(besides: snapshot, in: places.internalFiles, on: machine)
  }
}
