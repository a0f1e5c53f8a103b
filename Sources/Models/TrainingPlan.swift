public import Privacy

/// How a run uses the data, decided before any private byte is read.
public struct TrainingPlan: Codable, Hashable, Sendable {
  /// Steps on training images.
  public let steps: Int
  /// The nominal batch size: the mean of the sampled batch sizes, and the divisor of sums.
  public let batchSize: Int
  /// The number of units assumed by the plan; public, and independent of files that are added or removed.
  public let population: Int
  /// Clipping, noise and sampling; nil for training without privacy.
  public let mechanism: SubsampledGaussian?

  /// The probability with which each unit enters a step's batch.
  ///
  /// It is the mechanism's probability, which the accountants use: there is no second copy that
  /// could differ. Without a mechanism nothing is accounted, and it follows from the other numbers.
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

  /// The plan's whole use of the data, as charged by the accountants and the ledger; no access
  /// without a mechanism.
  public var event: PrivacyEvent {
    mechanism.map { .repeated(event: $0.event, times: steps) } ?? .composed([])
  }
}
