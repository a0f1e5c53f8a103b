package import Compute
import Control
package import FoundationEssentials
package import Models

/// The making of a file of starting weights: the steps of a recipe's priors on images that a program draws, for a
/// model of one class.
///
/// No private image is read, so the file can be shipped beside the recipe. A run of the recipe starts from it
/// (`PriorSettings.weights`) instead of making the same steps each time.
package struct PreTraining {
  /// One class: networks of other classes take over everything but the parameters of classes.
  private static let classes = ["drawn"]

  /// What files of starting weights learnt from, as they state it themselves, before the seed.
  static let images = "images that a program draws"

  private let recipe: Recipe
  private let seed: UInt64
  private let machine: Machine

  /// Prepares the steps of a recipe's priors.
  ///
  /// - Parameter seed: of the random weights and the drawn images.
  /// - Throws: `ControlError.invalid` for a recipe whose networks learn from anything else first.
  package init(_ recipe: Recipe, seed: UInt64, on machine: Machine) throws {
    let priors = recipe.model.priors
    guard !priors.isEmpty, priors.values.allSatisfy({ $0.source == .procedural }),
      Families.plain.contains(where: { $0 == recipe.familyType })
    else {
      throw ControlError.invalid(
        "recipe \(recipe.name): no networks of its own that learn from drawn images (family pixel or multiscale "
          + "with 'prior: source: procedural' expected). Name another recipe.")
    }
    self.recipe = recipe.learningItsPriors
    self.seed = seed
    self.machine = machine
  }

  /// Makes all steps.
  ///
  /// - Parameter report: is told the name of the phase, the steps that were made and their number.
  /// - Returns: the bytes of the file; nil if it was stopped.
  package func learn(
    stop: StopSignal, report: (_ phase: String, _ done: Int, _ total: Int) -> Void
  ) throws -> Data? {
    let model = try recipe.makeModel(classes: Self.classes, seed: seed, on: machine)
    for outline in recipe.phases(training: recipe.training, classes: Self.classes) {
      guard case .free(let reason, let steps) = outline.work else { continue }
      let work = FreeWork(
        model, phase: Phase(outline.name, outline.purpose, .free(reason, steps: steps)))
      let ending = try work.run(
        blockSize: steps, shouldStop: { stop.isRaised },
        report: { report(outline.name, $0.step, steps) }, blockEnded: {})
      guard case .finished = ending else { return nil }
    }
    return try ReleasedModel.file(
      of: model, recipe: recipe, classes: Self.classes, learntFrom: "\(Self.images), seed \(seed)")
  }
}
