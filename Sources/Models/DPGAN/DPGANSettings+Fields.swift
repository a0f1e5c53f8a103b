// The fields, stated once.
extension DPGANSettings {
  public static let summary =
    "A generator and a discriminator, both conditional on the class. Only the discriminator sees "
    + "private images, and only its gradients get noise; the generator learns from the "
    + "discriminator."

  public static let imageSizes = ImageSizes(sides: 8...128, areSquare: true)

  public static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .width:
      RecipeField(
        key, .integer(RecipeRange(1...1024)),
        "Channels after the first convolution of the discriminator; each later convolution doubles "
          + "them. A wider discriminator has more parameters that get noise.")
    case .generatorWidth:
      RecipeField(
        key, .integer(RecipeRange(1...1024)),
        "Channels before the last layer of the generator; each earlier layer has twice as many.")
    case .latentSize:
      RecipeField(
        key, .integer(RecipeRange(1...4096)),
        "Random numbers from which the generator makes one image.")
    case .discriminatorLearningRate:
      RecipeField(
        key, .number(.above(0, below: 1)), "The step size of Adam for the discriminator.")
    case .generatorLearningRate:
      RecipeField(key, .number(.above(0, below: 1)), "The step size of Adam for the generator.")
    case .beta1:
      RecipeField(
        key, .number(.atLeast(0, below: 1)),
        "Adam's decay per step of the mean gradient, for both networks.")
    case .beta2:
      RecipeField(
        key, .number(.above(0, below: 1)),
        "Adam's decay per step of the mean squared gradient, for both networks.")
    case .generatorBatchSize:
      RecipeField(
        // Beyond this limit, latent vectors alone would take gigabytes.
        key, .integer(RecipeRange(1...1_000_000)), fallback: "as many as `training.batch_size`",
        "Synthetic images per step of the generator.")
    case .schedule:
      RecipeField(
        key, .part(DiscriminatorSchedule.Settings.recipeFields),
        "How many steps of the discriminator precede each step of the generator.")
    case .averageDecay:
      RecipeField(
        key, .number(.atLeast(0, below: 1)),
        "Decay per generator step of the running average of the generator's weights; the average "
          + "draws the images.")
    case .loss:
      RecipeField(
        key, .choice(AdversarialLoss.Kind.allCases.map(\.rawValue)), fallback: "`logistic`",
        "What both networks learn by: the logistic loss, or the hinge loss, for which images that the "
          + "discriminator recognises by a margin count no more.")
    case .discriminatorClasses, .discriminatorNormalization, .generatorNormalization,
      .discriminatorFakes, .discriminatorAverageDecay, .modeSeeking, .finalRate:
      formField(key)
    }
  }

  /// The statement of a field of the networks' form or of how they take turns.
  private static func formField(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .discriminatorClasses:
      RecipeField(
        key, .choice(DCGANNetworks.ClassReading.allCases.map(\.rawValue)), fallback: "`layers`",
        "How the discriminator reads the class: by a bias in each layer and a factor of the features, or by "
          + "the features' product with a vector of the class, added to a logit that does not know it."
      )
    case .discriminatorNormalization:
      RecipeField(
        key, .choice(DCGANNetworks.DiscriminatorNormalization.allCases.map(\.rawValue)),
        fallback: "`none`",
        "How the discriminator normalises: `group`: up to eight groups of channels within each image, in all "
          + "layers but the first.")
    case .generatorNormalization:
      RecipeField(
        key, .choice(DCGANNetworks.GeneratorNormalization.allCases.map(\.rawValue)),
        fallback: "`none`",
        "How the generator normalises: `batch`: over the drawn images of a batch, with scales and offsets of "
          + "the class. It never reads a private image.")
    case .discriminatorAverageDecay:
      RecipeField(
        key, .number(.atLeast(0, below: 1)),
        fallback: "the generator learns from the newest discriminator",
        "Decay per discriminator step of a running average of its weights, from which the generator learns: an "
          + "average has less noise, and lags behind.")
    case .modeSeeking:
      RecipeField(
        key, .number(.above(0)), fallback: "none",
        "The weight of a term of the generator's loss that is large where two images of a class differ less than "
          + "their latent vectors. It costs no privacy.")
    case .finalRate:
      RecipeField(
        key, .number(RecipeRange(0.0...1.0)), fallback: "they stay",
        "Both step sizes at the last step as a share of those at the start, reached along half a cosine."
      )
    default:
      RecipeField(
        key, .integer(RecipeRange(1...1_000_000)), fallback: "as many as `training.batch_size`",
        "Synthetic images per step of the discriminator. Fewer take less time, and cost no privacy."
      )
    }
  }
}

extension DiscriminatorSchedule.Settings {
  /// All fields as recipes write them.
  static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .start:
      RecipeField(
        key, .integer(.atLeast(1)), "Discriminator steps per generator step at the start.")
    case .threshold:
      RecipeField(
        key, .number(.above(0, below: 1)), fallback: "the number stays at `start`",
        "As soon as the discriminator recognises at most this share of the synthetic images "
          + "(a running mean), the number of its steps rises to the next of "
          + DiscriminatorSchedule.ladder.map(String.init).joined(separator: ", ") + ".")
    case .grace:
      RecipeField(
        key, .integer(.atLeast(0)),
        "Generator steps at the start and after each rise during which the number does not rise.")
    case .limit:
      RecipeField(
        key, .integer(.atLeast(0)),
        "The largest number of discriminator steps to which a rise may lead.")
    }
  }

  /// Checks the ranges.
  ///
  /// - Parameter place: what precedes a field's name in a message.
  /// - Throws: `RecipeFailure`.
  func validate(in place: String) throws {
    try Self.field(.start).check(start, in: place)
    try Self.field(.threshold).check(threshold, in: place)
    try Self.field(.grace).check(grace, in: place)
    try Self.field(.limit).check(limit, in: place)
  }
}
