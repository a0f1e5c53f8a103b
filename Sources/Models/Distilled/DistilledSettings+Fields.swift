// The fields, stated once.
extension DistilledSettings {
  public static let summary =
    "A generator that draws an image in one pass and learns from the images of a teacher. The "
    + "teacher, a model of another family, is trained on the private images with the settings under "
    + "`training`, which pays for everything; what follows reads its images alone. The teacher is "
    + "not released."

  public static let imageSizes = ImageSizes(sides: 8...128, areSquare: true)

  public static var recipeFields: [RecipeField] { fields(teacher: NestedModel.recipeFields) }

  /// All fields, those of the teacher's family among them.
  public var applicableFields: [RecipeField] {
    Self.fields(teacher: teacher.applicableFields)
  }

  private static func fields(teacher: [RecipeField]) -> [RecipeField] {
    CodingKeys.allCases.map { key in
      guard key == .teacher else { return field(key) }
      return RecipeField(
        key, .part(teacher), condition: "with all fields of the family",
        "The model that is trained on the private images and draws those that the generator learns "
          + "from.")
    }
  }

  /// The statement of a field that is not a group.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .teacher: preconditionFailure("the teacher's fields depend on its family")
    case .images:
      RecipeField(
        key, .integer(RecipeRange(1...1_000_000)),
        "Images that the teacher draws, in equal shares of the classes. Checkpoints contain them.")
    case .steps:
      RecipeField(
        key, .integer(RecipeRange(1...1_000_000)),
        "Steps of the discriminator, each followed by one of the generator; they read no private "
          + "image.")
    case .batchSize:
      RecipeField(
        key, .integer(RecipeRange(1...4096)),
        "Images of the teacher in a step, and as many of the generator.")
    case .width:
      RecipeField(
        key, .integer(RecipeRange(1...1024)),
        "Channels after the first convolution of the discriminator; each later one doubles them.")
    // The generators are the same.
    case .generatorWidth: DPGANSettings.field(.generatorWidth)
    case .latentSize: DPGANSettings.field(.latentSize)
    case .generatorNormalization: DPGANSettings.field(.generatorNormalization)
    case .modeSeeking: DPGANSettings.field(.modeSeeking)
    case .discriminatorLearningRate:
      RecipeField(
        key, .number(.above(0, below: 1)),
        "The largest step size of Adam for the discriminator; it falls to a twentieth along half a "
          + "cosine.")
    case .generatorLearningRate:
      RecipeField(
        key, .number(.above(0, below: 1)),
        "The largest step size of Adam for the generator; it falls in the same way.")
    case .averageDecay:
      RecipeField(
        key, .number(.atLeast(0, below: 1)),
        "Decay per step of the running average of the generator's weights; the average draws the "
          + "released images.")
    }
  }
}
