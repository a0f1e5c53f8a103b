/// What a network starts from before it reads a private image, at no privacy cost.
public struct PriorSettings: Hashable, Sendable, Codable {
  /// Where the images of the prior come from.
  public enum Source: String, RecipeChoice {
    /// A program draws them (`ProceduralImages`).
    case procedural
    /// The folder that the administrator declares public (`PublicImages`).
    case publicImages = "public"
    /// No images: the weights of a released model.
    case release
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

  /// The name of the phase that learns.
  static let phase = "pre-training"
  /// The name of the phase in which weights are taken over.
  public static let start = "starting weights"

  /// Creates settings.
  ///
  /// A released model has learnt already: its steps, batch and rate mean nothing.
  public init(source: Source, steps: Int = 1, batchSize: Int = 64, learningRate: Double = 2e-3) {
    self.source = source
    self.steps = steps
    self.batchSize = batchSize
    self.learningRate = learningRate
  }

  /// The phase that the settings ask for.
  var outline: PhaseOutline {
    source == .release
      ? PhaseOutline(Self.start, Self.startInWords, .free(.postProcessing, steps: 0))
      : PhaseOutline(
        Self.phase, "training steps on \(imagesInWords)", .free(.publicData, steps: steps))
  }

  /// What taking over weights is, before the model is known.
  static let startInWords = "the weights of a released model, which a statement of its own covers"

  /// The images that the steps read, for the purpose of a phase.
  var imagesInWords: String {
    switch source {
    case .procedural: "images that a program draws; they show no person"
    case .publicImages: "images that the administrator declares public"
    case .release: "the images of a released model"
    }
  }

  /// Checks the ranges.
  ///
  /// - Throws: `RecipeFailure`.
  func validate(family: String) throws {
    guard source != .release else { return }
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
          + "administrator declares public (`public_images` of the dataset, or --public-images). `release`: no images, "
          + "but the weights of a released model of the same form (`start_from` of the dataset, or --start-from); the "
          + "other fields are left out.")
    case .steps:
      RecipeField(
        key, .integer(RecipeRange(1...1_000_000)), condition: "without `source: release`",
        "Steps of pre-training.")
    case .batchSize:
      RecipeField(
        key, .integer(RecipeRange(1...65_536)), condition: "as `steps`", "Images per step.")
    case .learningRate:
      RecipeField(
        key, .number(.above(0, below: 1)), condition: "as `steps`",
        "The largest step size of the optimiser; it falls to a twentieth along half a cosine.")
    }
  }
}

// A released model has no settings beside its name.
extension PriorSettings {
  /// Reads settings.
  ///
  /// - Throws: `DecodingError`, also for steps of a prior that makes none.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let source = try container.decode(Source.self, forKey: .source)
    guard source == .release else {
      self.init(
        source: source, steps: try container.decode(Int.self, forKey: .steps),
        batchSize: try container.decode(Int.self, forKey: .batchSize),
        learningRate: try container.decode(Double.self, forKey: .learningRate))
      return
    }
    for key in CodingKeys.allCases where key != .source && container.contains(key) {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: container,
        debugDescription:
          "a released model has learnt already (no \(key.rawValue) expected). Leave it out")
    }
    self.init(source: source)
  }

  /// Writes what `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(source, forKey: .source)
    guard source != .release else { return }
    try container.encode(steps, forKey: .steps)
    try container.encode(batchSize, forKey: .batchSize)
    try container.encode(learningRate, forKey: .learningRate)
  }
}
