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

  public static var fields: [String] { CodingKeys.allCases.map(\.stringValue) }

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
    try require((1...256).contains(features), "features", features, "1 to 256")
    try require((1...1024).contains(generatorWidth), "generator_width", generatorWidth, "1 to 1024")
    try require((1...4096).contains(latentSize), "latent_size", latentSize, "1 to 4096")
    try require((1...1_000_000).contains(steps), "steps", steps, "1 to 1000000")
    try require(
      (2...4096).contains(batchSize) && batchSize.isMultiple(of: 2), "batch_size", batchSize,
      "an even number from 2 to 4096")
    try require(
      learningRate > 0 && learningRate < 1, "learning_rate", learningRate, "above 0, below 1")
    try require(
      averageDecay >= 0 && averageDecay < 1, "average_decay", averageDecay, "0 or more, below 1")
    try require(
      format.height == format.width && (8...128).contains(format.height), "image size",
      "\(format.height)×\(format.width)", "a square of 8 to 128 pixels a side")
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

  /// The settings of the generator's network.
  var generator: DPGANSettings {
    DPGANSettings(generatorWidth: generatorWidth, latentSize: latentSize)
  }

  private func require(_ holds: Bool, _ field: String, _ found: Any, _ expected: String) throws {
    guard holds else {
      throw RecipeFailure("recipe, embedding: \(field) is \(found) (\(expected) expected).")
    }
  }
}
