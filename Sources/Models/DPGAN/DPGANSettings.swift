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
  /// What both networks learn by; nil: `logistic`.
  var loss: AdversarialLoss.Kind?
  /// How the discriminator reads the class; nil: `layers`.
  var discriminatorClasses: DCGANNetworks.ClassReading?
  /// How the discriminator normalises within each image; nil: not at all.
  var discriminatorNormalization: DCGANNetworks.DiscriminatorNormalization?
  /// How the generator normalises; nil: not at all.
  var generatorNormalization: DCGANNetworks.GeneratorNormalization?
  /// Fakes per discriminator step; nil: the nominal batch size.
  var discriminatorFakes: Int?
  /// Decay per discriminator step of the averaged discriminator that the generator learns from; nil: it learns
  /// from the newest one.
  var discriminatorAverageDecay: Double?
  /// The weight of a term of the generator's loss that makes images of a class differ; nil for none.
  var modeSeeking: Float?
  /// The step sizes at the end as a share of those at the start; nil: they stay.
  var finalRate: Double?

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
    case loss
    case discriminatorClasses = "discriminator_classes"
    case discriminatorNormalization = "discriminator_normalization"
    case generatorNormalization = "generator_normalization"
    case discriminatorFakes = "discriminator_fakes"
    case discriminatorAverageDecay = "discriminator_average_decay"
    case modeSeeking = "mode_seeking"
    case finalRate = "final_rate"
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

  /// The form of the discriminator.
  var discriminatorForm: DCGANNetworks.DiscriminatorForm {
    DCGANNetworks.DiscriminatorForm(
      classes: discriminatorClasses ?? .layers,
      normalization: discriminatorNormalization ?? .none)
  }

  /// Refuses sampling options: a generator has none.
  public func validate(_ request: SampleRequest, for format: ImageSpecification) throws {
    try request.requireNoOptions(of: DPGAN.family)
  }

  /// Checks the conditions that types cannot express.
  public func validate(for format: ImageSpecification) throws {
    let place = "recipe, \(DPGAN.family): "
    try Self.field(.width).check(width, in: place)
    try Self.field(.generatorWidth).check(generatorWidth, in: place)
    try Self.field(.latentSize).check(latentSize, in: place)
    try Self.field(.discriminatorLearningRate).check(discriminatorLearningRate, in: place)
    try Self.field(.generatorLearningRate).check(generatorLearningRate, in: place)
    try Self.field(.beta1).check(beta1, in: place)
    try Self.field(.beta2).check(beta2, in: place)
    try Self.field(.generatorBatchSize).check(generatorBatchSize, in: place)
    try schedule.validate(in: place + "schedule.")
    try Self.field(.averageDecay).check(averageDecay, in: place)
    try Self.field(.discriminatorFakes).check(discriminatorFakes, in: place)
    try Self.field(.discriminatorAverageDecay).check(discriminatorAverageDecay, in: place)
    try Self.field(.modeSeeking).check(modeSeeking, in: place)
    try Self.field(.finalRate).check(finalRate, in: place)
    try Self.imageSizes.check(format, family: DPGAN.family)
    try ModelSize.require(
      DCGANNetworks.roughParameterCount(
        width: width, generatorWidth: generatorWidth, latentSize: latentSize, for: format),
      family: DPGAN.family)
  }
}
