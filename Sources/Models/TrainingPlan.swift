public import Privacy

/// What a run will do to the data, decided before any private byte is read.
public struct TrainingPlan: Codable, Hashable, Sendable {
  /// Steps on training images.
  public let steps: Int
  /// The nominal batch size: the mean of the sampled one, and the divisor of sums.
  public let batchSize: Int
  /// The number of units that the plan counts on; public, and not changed by files that come or go.
  public let population: Int
  /// The probability with which each unit enters a step's batch.
  public let samplingProbability: Double
  /// Clip, noise and sampling; nil when training without privacy.
  public let mechanism: SubsampledGaussian?

  private enum CodingKeys: String, CodingKey {
    case steps, population, mechanism
    case batchSize = "batch_size"
    case samplingProbability = "sampling_probability"
  }

  /// A plan without privacy.
  public init(nonPrivate settings: TrainingSettings, population: Int) throws {
    try self.init(settings, population: population, noiseMultiplier: nil)
  }

  /// A plan with noise of `noiseMultiplier` clip norms on every sum.
  public init(
    _ settings: TrainingSettings, population: Int, noiseMultiplier: Double?
  ) throws {
    guard population > 0 else {
      throw RecipeFailure("plan: no usable image (at least one expected). See the files' verdicts.")
    }
    let batchSize = min(settings.batchSize, population)
    steps = settings.steps
    self.batchSize = batchSize
    self.population = population
    let probability = Double(batchSize) / Double(population)
    samplingProbability = probability
    mechanism = try noiseMultiplier.map {
      try SubsampledGaussian(
        samplingProbability: probability, noiseMultiplier: $0, clipNorm: settings.clipNorm,
        nominalBatchSize: batchSize, noise: settings.noise ?? .gaussian)
    }
  }
}
