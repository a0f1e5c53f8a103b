import Privacy

// The fields that all recipes share, stated once; each family states its own.
extension Recipe {
  /// All fields of a recipe whose family has these settings.
  static func fields(of model: any ModelSettings.Type) -> [RecipeField] {
    fields(model: model.recipeFields, hasImage: model.readsImages)
  }

  /// All fields of a recipe with these fields under `model`.
  ///
  /// - Parameter hasImage: whether its models learn images.
  static func fields(model: [RecipeField], hasImage: Bool = true) -> [RecipeField] {
    CodingKeys.allCases.filter { hasImage || $0 != .image }.map { field($0, model: model) }
  }

  /// The statement of a field.
  private static func field(_ key: CodingKeys, model: [RecipeField]) -> RecipeField {
    switch key {
    case .name:
      RecipeField(
        key, .text,
        condition: "up to 80 letters, digits, `.`, `-` and `_`, the first a letter or digit",
        "The name in releases and reports. Name the file after it, with the ending `.yaml`: requests "
          + "and lists name a recipe by its file.")
    case .summary:
      RecipeField(key, .text, "One sentence on the purpose, for `figment recipes`.")
    case .family:
      RecipeField(
        key, .choice(Families.all.map { $0.family }),
        "The kind of model. It determines the fields of `model`.")
    case .privacy:
      RecipeField(
        key, .choice(PrivacyUse.allCases.map(\.rawValue)),
        fallback: "`\(PrivacyUse.any.rawValue)`",
        "The trainings that the recipe is made for. With `\(PrivacyUse.none.rawValue)`, a request for an "
          + "epsilon is refused: batches, steps and size are those of a training without privacy.")
    case .image:
      RecipeField(
        key, .part(ImageSettings.recipeFields),
        "The images that the model makes. Images of another form are converted to it. A recipe for tables alone has "
          + "no such part.")
    case .training:
      RecipeField(
        key, .part(TrainingSettings.recipeFields), "How the model learns from private images.")
    case .model:
      RecipeField(
        key, .part(model), "The settings of the model; each family has its own.")
    }
  }
}

extension ImageSettings {
  /// All fields as recipes write them.
  static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .height, .width:
      RecipeField(
        key, .integer(RecipeRange(sides)), condition: sizesOfFamilies,
        key == .height ? "Rows, in pixels." : "Columns, in pixels.")
    case .channels:
      RecipeField(key, .oneOf([1, 3]), "Colours per pixel: 1 for grey, 3 for red, green and blue.")
    case .fit:
      RecipeField(
        key, .choice(["crop", "stretch"]), fallback: "`crop`",
        "How an image of another aspect ratio is fitted: `crop` keeps the centre and cuts off the "
          + "rest, `stretch` scales rows and columns independently.")
    }
  }

  /// The families that make images.
  private static var families: [any GenerativeModel.Type] {
    Families.all.filter { $0.settingsType.readsImages }
  }

  /// The sides that at least one family can make; a family checks its own.
  private static var sides: ClosedRange<Int> {
    let all = families.map { $0.settingsType.imageSizes.sides }
    return (all.map(\.lowerBound).min() ?? 1)...(all.map(\.upperBound).max() ?? 1)
  }

  private static var sizesOfFamilies: String? {
    let narrower = families.map { ($0.family, $0.settingsType.imageSizes) }
      .filter { $0.1 != ImageSizes(sides: sides) }
      .map { "`\($0.0)`: \($0.1.words)" }
    return narrower.isEmpty ? nil : narrower.joined(separator: "; ")
  }
}

extension TrainingSettings {
  /// All fields as recipes write them.
  static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .batchSize:
      RecipeField(
        key, .integer(RecipeRange(1...largestBatch)),
        "The expected number of units (images, or folders with `--unit folder`) in the batch of a "
          + "step. Each unit joins a step with the "
          + "probability batch size / number of units; a larger number than there are units takes "
          + "them all.")
    case .steps:
      RecipeField(
        key, .integer(RecipeRange(1...mostSteps)),
        "Training steps on private images. The option `--steps` of a request replaces it.")
    case .clipNorm:
      RecipeField(
        key, .number(.above(0)),
        "The largest norm of one unit's gradient; a longer gradient is scaled down to it.")
    case .noise:
      RecipeField(
        key, .choice(NoiseDistribution.allCases.map(\.rawValue)),
        fallback: "`\(NoiseDistribution.gaussian.rawValue)`",
        "The kind of noise. With `\(NoiseDistribution.discreteGaussian.rawValue)`, the hardened "
          + "mode, sums and noise are exact, so the low bits of floats reveal nothing; a step takes "
          + "longer, and epsilon is that of RDP.")
    }
  }
}

extension GenerativeModel {
  /// The type of the family's part of a recipe.
  static var settingsType: any ModelSettings.Type { Settings.self }
}
