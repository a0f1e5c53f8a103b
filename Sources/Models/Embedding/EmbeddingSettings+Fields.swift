// The fields, stated once.
extension EmbeddingSettings {
  public static let summary =
    "A generator that is trained until random features of its images have the same mean in each "
    + "class as those of the private images. The private means are summed once, with noise; all "
    + "steps after that read no private image."

  public static let imageSizes = ImageSizes(sides: 8...128, areSquare: true)

  public static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .features:
      RecipeField(
        key, .integer(RecipeRange(1...256)),
        "Channels of the first random convolution; each later one doubles them. More features "
          + "describe images better, and their sum gets more noise.")
    // The generators are the same.
    case .generatorWidth: DPGANSettings.field(.generatorWidth)
    case .latentSize: DPGANSettings.field(.latentSize)
    case .steps:
      RecipeField(
        key, .integer(RecipeRange(1...1_000_000)),
        "Steps of the generator, which read no private image.")
    case .batchSize:
      RecipeField(
        key, .integer(RecipeRange(2...4096)), condition: "even",
        "Images of each class that the generator draws in a step.")
    case .learningRate:
      RecipeField(
        key, .number(.above(0, below: 1)),
        "The largest step size of Adam; it falls to a twentieth along half a cosine.")
    case .averageDecay:
      RecipeField(
        key, .number(.atLeast(0, below: 1)),
        "Decay per step of the running average of the generator's weights; the average draws the "
          + "images.")
    }
  }
}
