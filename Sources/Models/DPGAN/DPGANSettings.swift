/// The settings of a DP-GAN in a recipe.
public struct DPGANSettings: ModelSettings {
  /// Channels after the first convolution of the discriminator; each later one doubles them.
  public var width: Int
  /// Channels before the last layer of the generator; each earlier layer has twice as many.
  public var generatorWidth: Int
  /// Numbers in a latent vector.
  public var latentSize: Int
  /// Learning rates of Adam.
  public var discriminatorLearningRate: Float, generatorLearningRate: Float
  /// Decay of Adam's first and second moment, for both networks.
  public var beta1: Float, beta2: Float
  /// Fakes per generator step; nil: the nominal batch size.
  public var generatorBatchSize: Int?
  /// The number of discriminator steps per generator step.
  public var schedule: DiscriminatorSchedule.Settings
  /// Decay per generator step of the averaged generator, which draws the images.
  public var averageDecay: Double

  enum CodingKeys: String, CodingKey, CaseIterable {
    case width
    case generatorWidth = "generator_width"
    case latentSize = "latent_size"
    case discriminatorLearningRate = "discriminator_learning_rate"
    case generatorLearningRate = "generator_learning_rate"
    case beta1, beta2
    case generatorBatchSize = "generator_batch_size"
    case schedule
    case averageDecay = "average_decay"
  }

  public static var fields: [String] {
    CodingKeys.allCases.flatMap { key in
      guard case .schedule = key else { return [key.stringValue] }
      return DiscriminatorSchedule.Settings.fields.map { "\(key.stringValue).\($0)" }
    }
  }

  /// Creates settings; the defaults are those of "Private GANs, Revisited" at a smaller width.
  public init(
    width: Int = 32, generatorWidth: Int = 32, latentSize: Int = 128,
    discriminatorLearningRate: Float = 2e-4, generatorLearningRate: Float = 2e-4,
    beta1: Float = 0.5, beta2: Float = 0.999, generatorBatchSize: Int? = nil,
    schedule: DiscriminatorSchedule.Settings = .init(start: 1, threshold: 0.6),
    averageDecay: Double = 0.999
  ) {
    self.width = width
    self.generatorWidth = generatorWidth
    self.latentSize = latentSize
    self.discriminatorLearningRate = discriminatorLearningRate
    self.generatorLearningRate = generatorLearningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.generatorBatchSize = generatorBatchSize
    self.schedule = schedule
    self.averageDecay = averageDecay
  }

  /// Refuses sampling options: a generator has none.
  public func validate(_ request: SampleRequest, for format: ImageSpecification) throws {
    try request.requireNoOptions(of: DPGAN.family)
  }

  /// Checks the conditions that types cannot express.
  public func validate(for format: ImageSpecification) throws {
    try require((1...1024).contains(width), "width", width, "1 to 1024")
    try require((1...1024).contains(generatorWidth), "generator_width", generatorWidth, "1 to 1024")
    try require((1...4096).contains(latentSize), "latent_size", latentSize, "1 to 4096")
    try require(
      discriminatorLearningRate > 0 && discriminatorLearningRate < 1,
      "discriminator_learning_rate", discriminatorLearningRate, "above 0, below 1")
    try require(
      generatorLearningRate > 0 && generatorLearningRate < 1,
      "generator_learning_rate", generatorLearningRate, "above 0, below 1")
    try require(beta1 >= 0 && beta1 < 1, "beta1", beta1, "0 or more, below 1")
    try require(beta2 > 0 && beta2 < 1, "beta2", beta2, "above 0, below 1")
    try require(
      generatorBatchSize.map { (1...Self.largestGeneratorBatch).contains($0) } ?? true,
      "generator_batch_size", generatorBatchSize ?? 0, "1 to \(Self.largestGeneratorBatch)")
    try require(schedule.start > 0, "schedule.start", schedule.start, "1 or more")
    try require(
      schedule.threshold.map { $0 > 0 && $0 < 1 } ?? true, "schedule.threshold",
      schedule.threshold ?? 0, "between 0 and 1, or absent")
    try require(
      averageDecay >= 0 && averageDecay < 1, "average_decay", averageDecay, "0 or more, below 1")
    try require(
      format.height == format.width && (8...128).contains(format.height), "image size",
      "\(format.height)×\(format.width)", "a square of 8 to 128 pixels a side")
    try ModelSize.require(roughParameterCount(for: format), family: DPGAN.family)
  }

  /// Beyond this limit, latent vectors alone would take gigabytes.
  private static let largestGeneratorBatch = 1_000_000

  /// The approximate number of parameters of both networks.
  private func roughParameterCount(for format: ImageSpecification) -> Double {
    let stages = DCGANNetworks.stages(for: format).count
    let count = { (width: Int) -> Double in
      (0..<stages).reduce(0) { sum, index in
        let channels = Double(width) * Double(1 << index)
        return sum + 16 * channels * channels / 2 + Double(format.classes.count) * channels
      }
    }
    let seed = 16 * Double(generatorWidth) * Double(1 << max(0, stages - 1))
    return count(width) + count(generatorWidth) + Double(latentSize) * seed
  }

  private func require(_ holds: Bool, _ field: String, _ found: Any, _ expected: String) throws {
    guard holds else {
      throw RecipeFailure("recipe, dp-gan: \(field) is \(found) (\(expected) expected).")
    }
  }
}
