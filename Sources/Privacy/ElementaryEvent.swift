/// Gaussian noise on a sum over a Poisson sample.
public struct SampledNoise: Hashable, Sendable {
  /// The probability with which each unit is in the sample; 1 means everyone.
  public let samplingProbability: Double
  /// Standard deviation of the noise divided by the clip norm.
  public let noiseMultiplier: Double
  /// The kind of noise.
  public let noise: NoiseDistribution

  /// Checks both numbers.
  public init(
    samplingProbability: Double, noiseMultiplier: Double, noise: NoiseDistribution = .gaussian
  ) throws(PrivacyError) {
    try Valid.samplingProbability(samplingProbability)
    try Valid.positive(noiseMultiplier, "noise multiplier")
    self.samplingProbability = samplingProbability
    self.noiseMultiplier = noiseMultiplier
    self.noise = noise
  }

  /// The event that a ledger stores.
  public var event: PrivacyEvent {
    let access: PrivacyEvent =
      switch noise {
      case .gaussian: .gaussian(noiseMultiplier: noiseMultiplier)
      case .discreteGaussian: .discreteGaussian(noiseMultiplier: noiseMultiplier)
      }
    return samplingProbability == 1
      ? access : .poissonSampled(probability: samplingProbability, event: access)
  }
}

/// One access to the data that both accountants can bound.
public enum ElementaryEvent: Hashable, Sendable, Comparable {
  /// Gaussian noise on a sum over a Poisson sample.
  case noise(SampledNoise)
  /// A choice among all units with the exponential mechanism of this epsilon.
  case choice(epsilon: Double)

  /// Noise on a sum; checks both numbers.
  public init(
    samplingProbability: Double, noiseMultiplier: Double, noise: NoiseDistribution = .gaussian
  ) throws(PrivacyError) {
    self = .noise(
      try SampledNoise(
        samplingProbability: samplingProbability, noiseMultiplier: noiseMultiplier, noise: noise))
  }

  /// A choice; checks its epsilon.
  public init(choiceOfEpsilon epsilon: Double) throws(PrivacyError) {
    try Valid.positive(epsilon, "epsilon of a choice")
    self = .choice(epsilon: epsilon)
  }

  /// The noise; nil for a choice.
  public var sampledNoise: SampledNoise? {
    if case .noise(let noise) = self { noise } else { nil }
  }

  /// The kind of noise; nil for a choice.
  public var noise: NoiseDistribution? { sampledNoise?.noise }

  /// The event that a ledger stores.
  public var event: PrivacyEvent {
    switch self {
    case .noise(let noise): noise.event
    case .choice(let epsilon): .exponentialMechanism(epsilon: epsilon)
    }
  }

  /// A total order, so that results do not depend on the order of a dictionary.
  public static func < (left: ElementaryEvent, right: ElementaryEvent) -> Bool {
    switch (left, right) {
    case (.noise(let left), .noise(let right)):
      (left.samplingProbability, left.noiseMultiplier, left.noise.rawValue)
        < (right.samplingProbability, right.noiseMultiplier, right.noise.rawValue)
    case (.choice(let left), .choice(let right)): left < right
    case (.noise, .choice): true
    case (.choice, .noise): false
    }
  }
}
