import Privacy

/// The settings of a generator that matches noisy mean embeddings.
public struct EmbeddingSettings: ModelSettings {
  /// Channels of the first random convolution; later ones double them.
  public var features: Int
  /// Channels before the last layer of the generator; earlier ones double them.
  public var generatorWidth: Int
  /// Numbers in a latent vector.
  public var latentSize: Int
  /// Steps of the generator, which read no private image.
  public var steps: Int
  /// Images of each class that the generator draws in a step.
  public var batchSize: Int
  /// The largest step size of Adam; it falls to a twentieth along half a cosine.
  public var learningRate: Double
  /// Decay per step of the averaged generator, which draws the images.
  public var averageDecay: Double

  enum CodingKeys: String, CodingKey, CaseIterable {
    case features
    case generatorWidth = "generator_width"
    case latentSize = "latent_size"
    case steps
    case batchSize = "batch_size"
    case learningRate = "learning_rate"
    case averageDecay = "average_decay"
  }

  /// Creates settings.
  public init(
    features: Int = 12, generatorWidth: Int = 24, latentSize: Int = 32, steps: Int = 2000,
    batchSize: Int = 32, learningRate: Double = 2e-3, averageDecay: Double = 0.99
  ) {
    self.features = features
    self.generatorWidth = generatorWidth
    self.latentSize = latentSize
    self.steps = steps
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.averageDecay = averageDecay
  }

  /// Refuses sampling options: a generator draws in one way only.
  public func validate(_ request: SampleRequest, for format: ImageSpecification) throws {
    try request.requireNoOptions(of: Embedding.family)
  }

  /// Checks what types cannot express.
  public func validate(for format: ImageSpecification) throws {
    let place = "recipe, \(Embedding.family): "
    try Self.field(.features).check(features, in: place)
    try Self.field(.generatorWidth).check(generatorWidth, in: place)
    try Self.field(.latentSize).check(latentSize, in: place)
    try Self.field(.steps).check(steps, in: place)
    try Self.field(.batchSize).check(batchSize, in: place)
    guard batchSize.isMultiple(of: 2) else {
      throw RecipeFailure("\(place)batch_size is \(batchSize) (an even number expected).")
    }
    try Self.field(.learningRate).check(learningRate, in: place)
    try Self.field(.averageDecay).check(averageDecay, in: place)
    try Self.imageSizes.check(format, family: Embedding.family)
    try ModelSize.require(roughParameterCount(for: format), family: Embedding.family)
  }

  /// Approximately how many numbers the generator and the embeddings have.
  private func roughParameterCount(for format: ImageSpecification) -> Double {
    let stages = DCGANNetworks.stages(for: format).count
    let generator = (0..<stages).reduce(0.0) { sum, index in
      let channels = Double(generatorWidth) * Double(1 << index)
      return sum + 8 * channels * channels + Double(format.classes.count) * channels
    }
    let seed = 16 * Double(generatorWidth) * Double(1 << max(0, stages - 1))
    let embeddings =
      Double(max(1, format.classes.count)) * Double(features) * Double(1 << stages) * 64
    return generator + Double(latentSize) * seed + embeddings
  }
}
