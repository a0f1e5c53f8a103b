import Privacy

/// The settings of the networks that double the size of an image.
public struct UpsamplerSettings: Hashable, Sendable, Codable {
  /// Channels of each layer.
  public var channels: Int
  /// Residual blocks after the first layer.
  public var depth: Int
  /// Bits per channel of the pixels that are drawn.
  public var bits: Int
  /// Logistics per pixel.
  public var components: Int
  /// The part of the run's epsilon that each upsampler gets.
  public var share: Double
  /// The expected number of units in a batch.
  public var batchSize: Int
  /// Steps on private images, for each upsampler.
  public var steps: Int
  /// The largest norm of one unit's gradient.
  public var clipNorm: Double
  /// The largest step size of Adam; it falls to a twentieth along half a cosine.
  public var learningRate: Double
  /// Decay per step of the averaged weights, which draw the images.
  public var averageDecay: Double
  /// The temperature of the drawn pixels, times that of the request; nil for 1.
  public var temperature: Double?
  /// What each upsampler starts from; nil for random weights.
  public var prior: PriorSettings?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case channels, depth, bits, components, share
    case batchSize = "batch_size"
    case steps
    case clipNorm = "clip_norm"
    case learningRate = "learning_rate"
    case averageDecay = "average_decay"
    case temperature, prior
  }

  /// Creates settings.
  public init(
    channels: Int = 32, depth: Int = 3, bits: Int = 6, components: Int = 5, share: Double = 0.1,
    batchSize: Int = 256, steps: Int = 300, clipNorm: Double = 1, learningRate: Double = 2e-3,
    averageDecay: Double = 0.98, temperature: Double? = nil, prior: PriorSettings? = nil
  ) {
    self.channels = channels
    self.depth = depth
    self.bits = bits
    self.components = components
    self.share = share
    self.batchSize = batchSize
    self.steps = steps
    self.clipNorm = clipNorm
    self.learningRate = learningRate
    self.averageDecay = averageDecay
    self.temperature = temperature
    self.prior = prior
  }

  /// Checks the ranges.
  ///
  /// - Throws: `RecipeFailure`.
  func validate(family: String) throws {
    let place = "recipe, \(family): upsampler."
    try Self.field(.channels).check(channels, in: place)
    try Self.field(.depth).check(depth, in: place)
    try Self.field(.bits).check(bits, in: place)
    try Self.field(.components).check(components, in: place)
    try Self.field(.share).check(share, in: place)
    try Self.field(.batchSize).check(batchSize, in: place)
    try Self.field(.steps).check(steps, in: place)
    try Self.field(.clipNorm).check(clipNorm, in: place)
    try Self.field(.learningRate).check(learningRate, in: place)
    try Self.field(.averageDecay).check(averageDecay, in: place)
    try Self.field(.temperature).check(temperature, in: place)
    try prior?.validate(family: family)
  }

  /// The approximate number of parameters of one upsampler.
  func roughParameterCount(channels colours: Int, classes: Int) -> Double {
    let width = Double(channels)
    return Double(9 * (4 * colours + 2)) * width + Double(depth) * 10 * width * width
      + Double(4 * max(1, classes) * (depth + 1)) * width + 12 * Double(components) * width
  }
}

// The fields, stated once.
extension UpsamplerSettings {
  /// All fields as recipes write them.
  static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .channels:
      RecipeField(key, .integer(RecipeRange(1...512)), "Channels of each layer.")
    case .depth:
      RecipeField(
        key, .integer(RecipeRange(0...64)), "Residual blocks after the first convolution.")
    case .bits:
      RecipeField(
        key, .integer(RecipeRange(1...8)), "Bits per channel of the pixels that are drawn.")
    case .components:
      RecipeField(
        key, .integer(RecipeRange(1...64)), "Logistics in the distribution of a pixel.")
    case .share:
      RecipeField(
        key, .number(.above(0, below: 1)), condition: "all shares together below 1",
        "The part of the run's epsilon that each upsampler gets; the coarse model gets the rest.")
    case .batchSize: TrainingSettings.field(.batchSize)
    case .steps:
      RecipeField(
        key, .integer(RecipeRange(1...TrainingSettings.mostSteps)),
        "Training steps of each upsampler on private images.")
    case .clipNorm: TrainingSettings.field(.clipNorm)
    case .learningRate:
      RecipeField(
        key, .number(.above(0, below: 1)),
        "The largest step size of Adam; it falls to a twentieth along half a cosine.")
    case .averageDecay:
      RecipeField(
        key, .number(.atLeast(0, below: 1)),
        "Decay per step of the running average of the weights; the average draws the images.")
    case .temperature:
      RecipeField(
        key, .number(RecipeRange(0.1...1)), fallback: "1",
        "Temperature of the drawn pixels; below 1, fewer of them stand out from their neighbours.")
    case .prior:
      RecipeField(
        key, .part(PriorSettings.recipeFields), fallback: "random weights",
        "What each upsampler learns before it reads a private image, at no privacy cost.")
    }
  }
}
