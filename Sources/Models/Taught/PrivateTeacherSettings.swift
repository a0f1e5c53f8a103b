/// How a private teacher learns to label images.
public struct PrivateTeacherSettings: Hashable, Sendable, Codable {
  /// The teacher's part of the run's epsilon.
  public var share: Double
  /// Noisy steps.
  public var steps: Int
  /// The expected number of units in a batch, and the divisor of sums.
  public var batchSize: Int
  /// The largest norm of one unit's gradient.
  public var clipNorm: Double
  /// The largest step size of Adam; it falls to a twentieth along half a cosine.
  public var learningRate: Double

  enum CodingKeys: String, CodingKey, CaseIterable {
    case share, steps
    case batchSize = "batch_size"
    case clipNorm = "clip_norm"
    case learningRate = "learning_rate"
  }

  /// The name of the phase in which the teacher learns.
  public static let phase = "teacher"

  /// Creates settings.
  public init(
    share: Double = 0.15, steps: Int = 200, batchSize: Int = 4096, clipNorm: Double = 1,
    learningRate: Double = 0.05
  ) {
    self.share = share
    self.steps = steps
    self.batchSize = batchSize
    self.clipNorm = clipNorm
    self.learningRate = learningRate
  }

  /// The phase that the settings ask for; its noise is of the kind of the rest of the training.
  func outline(training: TrainingSettings) -> PhaseOutline {
    PhaseOutline(
      Self.phase, "noisy steps of a classifier of scattering features, which labels drawn images",
      .training(
        TrainingSettings(
          batchSize: batchSize, steps: steps, clipNorm: clipNorm, noise: training.noise)),
      share: share)
  }

  /// Checks the ranges.
  ///
  /// - Throws: `RecipeFailure`.
  func validate(in place: String) throws {
    try Self.field(.share).check(share, in: place)
    try Self.field(.steps).check(steps, in: place)
    try Self.field(.batchSize).check(batchSize, in: place)
    try Self.field(.clipNorm).check(clipNorm, in: place)
    try Self.field(.learningRate).check(learningRate, in: place)
  }
}

// The fields, stated once.
extension PrivateTeacherSettings {
  /// All fields as recipes write them.
  static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .share:
      RecipeField(
        key, .number(.above(0, below: 1)),
        "The part of the run's epsilon that pays for the teacher; the generator gets the rest.")
    case .steps:
      RecipeField(
        key, .integer(RecipeRange(1...1_000_000)),
        "Steps of the teacher on private images. They need seconds: features are computed once.")
    case .batchSize:
      RecipeField(
        key, .integer(RecipeRange(1...TrainingSettings.largestBatch)),
        "The expected number of units in the batch of a step of the teacher. Take several thousand."
      )
    case .clipNorm:
      RecipeField(
        key, .number(.above(0)),
        "The largest norm of one unit's gradient in a step of the teacher. Unclipped, the gradient of "
          + "an image has a norm between 0 and 11.4.")
    case .learningRate:
      RecipeField(
        key, .number(.above(0, below: 10)),
        "The largest step size of Adam for the teacher; it falls to a twentieth along half a cosine."
      )
    }
  }
}
