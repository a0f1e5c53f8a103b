public import Privacy

/// What a run will do to the data, decided before any private byte is read.
public struct TrainingPlan: Codable, Hashable, Sendable {
  /// Steps on training images.
  public let steps: Int
  /// The nominal batch size: the mean of the sampled one, and the divisor of sums.
  public let batchSize: Int
  /// The number of units that the plan counts on; public, and not changed by files that come or go.
  public let population: Int
  /// Clip, noise and sampling; nil when training without privacy.
  public let mechanism: SubsampledGaussian?

  /// The probability with which each unit enters a step's batch.
  ///
  /// The mechanism's own, which the accountants are told of: there is no second copy that could
  /// differ. Without a mechanism nothing is accounted, and it follows from the other numbers.
  public var samplingProbability: Double {
    mechanism?.samplingProbability ?? Double(batchSize) / Double(population)
  }

  private enum CodingKeys: String, CodingKey {
    case steps, population, mechanism
    case batchSize = "batch_size"
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
    mechanism = try noiseMultiplier.map {
      try SubsampledGaussian(
        samplingProbability: Double(batchSize) / Double(population), noiseMultiplier: $0,
        clipNorm: settings.clipNorm, nominalBatchSize: batchSize,
        noise: settings.noise ?? .gaussian)
    }
  }

  /// Everything that the plan does to the data, as the accountants and the ledger are told; no
  /// access at all without a mechanism.
  public var event: PrivacyEvent {
    mechanism.map { .repeated(event: $0.event, times: steps) } ?? .composed([])
  }
}
