package import Control
package import Datasets
package import Models
package import Privacy

extension RunOrder {
  /// The order for a request of any origin: every option that it left open gets its default.
  ///
  /// - Parameters:
  ///   - name: the run's name in the ledger of its root.
  ///   - budget: the most that all runs on the root may spend; its delta is the default.
  /// - Throws: `ControlError.invalid` for a request that the recipe cannot follow.
  package init(
    _ request: TrainRequest, recipe: Recipe, named name: String, root: String,
    rules: DatasetRules, settle: Duration, population: Int?,
    permission: UnprotectedTraining?, budget: PrivacyBudget, allowsLargeDelta: Bool,
    holdOut: String? = nil, publicImages: String? = nil, startFrom: String? = nil,
    recipes: String, stopsEarly: Bool = false, command: String
  ) throws(ControlError) {
    if recipe.privacy == Recipe.PrivacyUse.none, !request.isNonPrivate {
      let asked =
        request.epsilon.map { "epsilon \(Decimals.number($0))" } ?? "the rest of the budget"
      throw .invalid(
        "\(asked) and recipe \(recipe.name): the recipe is made for training without privacy (privacy: none in "
          + "its file). Name a recipe for private training, or train without privacy (--non-private)."
      )
    }
    if request.hardened == false, recipe.training.noise == .discreteGaussian {
      throw .invalid(
        "hardened false: recipe \(recipe.name) is hardened. Leave it out, or name another recipe.")
    }
    // Before the ledger is asked, whose unit would be named instead.
    if recipe.model.readsImages, let column = rules.personColumn {
      throw .invalid(
        "recipe \(recipe.name) and dataset \(request.dataset): the recipe learns images, and the dataset names persons in "
          + "the column '\(column)' of its tables. Name a recipe for tables, or drop the column: beside images, a row belongs "
          + "to the person in whose folder its file is.")
    }
    if !recipe.model.readsImages, rules.classes != nil {
      throw .invalid(
        "recipe \(recipe.name) and dataset \(request.dataset): the recipe learns tables alone, and the dataset declares "
          + "classes of images. Name a recipe for images; bayes-net-and-pixel-28 learns a table beside them."
      )
    }
    self.init(
      name: name, dataset: request.dataset, root: root, rules: rules, settle: settle,
      recipe: recipe, population: population,
      loss: request.isNonPrivate ? .unlimited : request.epsilon.map { .epsilon($0) } ?? .remainder,
      permission: permission, delta: request.delta ?? budget.delta,
      allowsLargeDelta: allowsLargeDelta, budget: budget, steps: request.steps,
      batchSize: request.batchSize, isHardened: request.hardened ?? false,
      answers: request.allAnswers, holdOut: holdOut,
      publicImages: publicImages, startFrom: startFrom, recipes: recipes,
      stopsEarly: stopsEarly,
      allowsFewerSteps: request.allowFewerSteps ?? false,
      count: request.count ?? Self.usualCount, seed: request.seed, command: command)
    try requirePriors()
  }
}
