/// What a network starts from before it reads a private image, at no privacy cost.
public struct PriorSettings: Hashable, Sendable, Codable {
  /// Where the images of the prior come from.
  public enum Source: String, RecipeChoice {
    /// A program draws them (`ProceduralImages`).
    case procedural
    /// The folder that the administrator declares public (`PublicImages`).
    case publicImages = "public"
  }

  /// Where the images come from.
  public var source: Source
  /// Steps of pre-training.
  public var steps: Int
  /// Images in a batch.
  public var batchSize: Int
  /// The largest step size of Adam; it falls to a twentieth along half a cosine.
  public var learningRate: Double

  enum CodingKeys: String, CodingKey, CaseIterable {
    case source, steps
    case batchSize = "batch_size"
    case learningRate = "learning_rate"
  }

  /// The name of the phase.
  static let phase = "pre-training"

  /// Creates settings.
  public init(source: Source, steps: Int, batchSize: Int = 64, learningRate: Double = 2e-3) {
    self.source = source
    self.steps = steps
    self.batchSize = batchSize
    self.learningRate = learningRate
  }

  /// The phase that the settings ask for.
  var outline: PhaseOutline {
    PhaseOutline(Self.phase, "training steps on \(imagesInWords)", .free(.publicData, steps: steps))
  }

  /// The images that the steps read, for the purpose of a phase.
  var imagesInWords: String {
    switch source {
    case .procedural: "images that a program draws; they show no person"
    case .publicImages: "images that the administrator declares public"
    }
  }

  /// Checks the ranges.
  ///
  /// - Throws: `RecipeFailure`.
  func validate(family: String) throws {
    let place = "recipe, \(family): prior."
    try Self.field(.steps).check(steps, in: place)
    try Self.field(.batchSize).check(batchSize, in: place)
    try Self.field(.learningRate).check(learningRate, in: place)
  }
}

// The fields, stated once.
extension PriorSettings {
  /// All fields as recipes write them.
  static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .source:
      RecipeField(
        key, .choice(Source.allCases.map(\.rawValue)),
        "Where the images come from. `procedural`: a program draws shapes. `public`: the folder that the "
          + "administrator declares public (`public_images` of the dataset, or --public-images).")
    case .steps:
      RecipeField(key, .integer(RecipeRange(1...1_000_000)), "Steps of pre-training.")
    case .batchSize:
      RecipeField(key, .integer(RecipeRange(1...65_536)), "Images per step.")
    case .learningRate:
      RecipeField(
        key, .number(.above(0, below: 1)),
        "The largest step size of the optimiser; it falls to a twentieth along half a cosine.")
    }
  }
}
