/// The mechanism of private training, as one immutable value: sampling, clipping, noise and
/// divisor.
///
/// Sampler, clipping, noise and accountant all read this value and nothing else, so they cannot
/// drift apart. It has no setters: a changed mechanism is another value and another event.
public struct SubsampledGaussian: Codable, Hashable, Sendable {
  /// The probability with which each unit enters a step's batch, by its own coin.
  public let samplingProbability: Double
  /// Standard deviation of the noise on the *sum*, divided by `clipNorm`.
  public let noiseMultiplier: Double
  /// The largest L2 norm of one unit's whole contribution, over all parameters together.
  public let clipNorm: Double
  /// The public divisor of the noised sum; never the batch actually drawn.
  public let nominalBatchSize: Int
  /// The kind of noise: with the discrete one, the hardened mode, sum and noise are whole steps of
  /// `grid`.
  public let noise: NoiseDistribution

  /// The relation under which `event` describes the mechanism.
  public static let adjacency = NeighboringRelation.addOrRemoveOne

  /// Checks every number; NaN, infinities and out-of-range values are refused by name, and so is more noise
  /// than the grid of the hardened mode can represent.
  public init(
    samplingProbability: Double, noiseMultiplier: Double, clipNorm: Double, nominalBatchSize: Int,
    noise: NoiseDistribution = .gaussian
  ) throws(PrivacyError) {
    try Valid.samplingProbability(samplingProbability)
    try Valid.positive(noiseMultiplier, "noise multiplier")
    try Valid.positive(clipNorm, "clip norm")
    try Valid.positive(noiseMultiplier * clipNorm, "noise multiplier times clip norm")
    try Valid.count(nominalBatchSize, "nominal batch size", atLeast: 1)
    self.samplingProbability = samplingProbability
    self.noiseMultiplier = noiseMultiplier
    self.clipNorm = clipNorm
    self.nominalBatchSize = nominalBatchSize
    self.noise = noise
    if noise == .discreteGaussian {
      _ = try NoiseGrid(clipNorm: clipNorm, noiseMultiplier: noiseMultiplier)
    }
  }

  /// The grid of the hardened mode; nil for continuous noise.
  public var grid: NoiseGrid? {
    guard noise == .discreteGaussian else { return nil }
    // The initialiser has made the same one.
    return try? NoiseGrid(clipNorm: clipNorm, noiseMultiplier: noiseMultiplier)
  }

  /// One step as an event for the accountants.
  public var event: PrivacyEvent {
    let access: PrivacyEvent =
      switch noise {
      case .gaussian: .gaussian(noiseMultiplier: noiseMultiplier)
      case .discreteGaussian: .discreteGaussian(noiseMultiplier: noiseMultiplier)
      }
    return samplingProbability == 1
      ? access : .poissonSampled(probability: samplingProbability, event: access)
  }

  /// Standard deviation of the noise in every coordinate of the sum of clipped contributions.
  public var noiseStandardDeviation: Double { noiseMultiplier * clipNorm }

  private enum CodingKeys: String, CodingKey {
    case samplingProbability = "sampling_probability"
    case noiseMultiplier = "noise_multiplier"
    case clipNorm = "clip_norm"
    case nominalBatchSize = "nominal_batch_size"
    case noise
  }

  /// Decodes with the same checks as the other initialiser; where no kind of noise is named, it is
  /// the Gaussian.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      samplingProbability: container.decode(Double.self, forKey: .samplingProbability),
      noiseMultiplier: container.decode(Double.self, forKey: .noiseMultiplier),
      clipNorm: container.decode(Double.self, forKey: .clipNorm),
      nominalBatchSize: container.decode(Int.self, forKey: .nominalBatchSize),
      noise: container.decodeIfPresent(NoiseDistribution.self, forKey: .noise) ?? .gaussian)
  }
}
