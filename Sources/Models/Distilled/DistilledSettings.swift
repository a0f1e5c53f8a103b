import Compute

/// The settings of a generator that learns from the images of a privately trained teacher.
public struct DistilledSettings: ModelSettings {
  /// The model that reads the private images.
  public var teacher: NestedModel
  /// Images that the teacher draws.
  public var images: Int
  /// Steps of the generator and of the discriminator, which see the teacher's images alone.
  public var steps: Int
  /// Images of the teacher, and as many drawn ones, in a step.
  public var batchSize: Int
  /// Channels after the first convolution of the discriminator; later ones double them.
  public var width: Int
  /// Channels before the last layer of the generator; earlier ones double them.
  public var generatorWidth: Int
  /// Numbers in a latent vector.
  public var latentSize: Int
  /// The largest step sizes of Adam; they fall to a twentieth along half a cosine.
  public var discriminatorLearningRate: Double, generatorLearningRate: Double
  /// Decay per step of the averaged generator, which draws the images.
  public var averageDecay: Double
  /// How the generator normalises; nil: not at all.
  var generatorNormalization: DCGANNetworks.GeneratorNormalization?
  /// The weight of a term of the generator's loss that makes images of a class differ; nil for none.
  var modeSeeking: Float?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case teacher, images, steps
    case batchSize = "batch_size"
    case width
    case generatorWidth = "generator_width"
    case latentSize = "latent_size"
    case discriminatorLearningRate = "discriminator_learning_rate"
    case generatorLearningRate = "generator_learning_rate"
    case averageDecay = "average_decay"
    case generatorNormalization = "generator_normalization"
    case modeSeeking = "mode_seeking"
  }

  /// The largest memory of a teacher's images, in bytes; checkpoints contain them.
  private static let mostBytes = 1 << 30

  /// Creates settings.
  public init(
    teacher: NestedModel, images: Int = 20_000, steps: Int = 3000, batchSize: Int = 128,
    width: Int = 32, generatorWidth: Int = 32, latentSize: Int = 64,
    discriminatorLearningRate: Double = 4e-4, generatorLearningRate: Double = 4e-4,
    averageDecay: Double = 0.995
  ) {
    self.teacher = teacher
    self.images = images
    self.steps = steps
    self.batchSize = batchSize
    self.width = width
    self.generatorWidth = generatorWidth
    self.latentSize = latentSize
    self.discriminatorLearningRate = discriminatorLearningRate
    self.generatorLearningRate = generatorLearningRate
    self.averageDecay = averageDecay
  }

  /// Refuses sampling options: a one-pass generator has none.
  public func validate(_ request: SampleRequest, for format: ImageSpecification) throws {
    try request.requireNoOptions(of: Distilled.family)
  }

  /// Checks what types cannot express, also in the teacher's settings.
  public func validate(for format: ImageSpecification) throws {
    let place = "recipe, \(Distilled.family): "
    try Self.field(.images).check(images, in: place)
    try Self.field(.steps).check(steps, in: place)
    try Self.field(.batchSize).check(batchSize, in: place)
    try Self.field(.width).check(width, in: place)
    try Self.field(.generatorWidth).check(generatorWidth, in: place)
    try Self.field(.latentSize).check(latentSize, in: place)
    try Self.field(.discriminatorLearningRate).check(discriminatorLearningRate, in: place)
    try Self.field(.generatorLearningRate).check(generatorLearningRate, in: place)
    try Self.field(.averageDecay).check(averageDecay, in: place)
    try Self.field(.modeSeeking).check(modeSeeking, in: place)
    try Self.imageSizes.check(format, family: Distilled.family)
    let most = Self.mostBytes / format.shape.count
    guard images <= most else {
      throw RecipeFailure(
        "\(place)images is \(images) (up to \(most) of this size expected, a gigabyte of pixels).")
    }
    try ModelSize.require(
      DCGANNetworks.roughParameterCount(
        width: width, generatorWidth: generatorWidth, latentSize: latentSize, for: format),
      family: Distilled.family)
    try teacher.model.validate(for: format)
  }

  public var levelBits: Int { teacher.model.levelBits }

  public var priors: [String: PriorSettings] { teacher.model.priors }

  /// That the released model is not the one that read the private images.
  public var releaseRemark: String? {
    "The images are distilled. A teacher, a model of family `\(teacher.familyType.family)`, was trained on the "
      + "private images and drew \(images) images. A generator learnt from those images alone, at no privacy "
      + "cost; it drew all images here, and it is the released model. The teacher is not released."
  }
}
