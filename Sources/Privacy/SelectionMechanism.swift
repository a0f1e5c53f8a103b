/// The mechanism of a round that chooses a table and measures it: one choice with the exponential mechanism, and one
/// table with noise on every cell.
///
/// One unit adds at most 1 to a table, and changes a score by at most 1. One number is calibrated, the noise; the
/// epsilon of the choice follows from it: the choice has a tenth of the zero-concentrated loss of a round (a choice
/// has ε²/8, Cesar and Rogers, arXiv 2004.07223; a table 1/(2σ²), Bun and Steinke, arXiv 1605.02065). A tenth is the
/// share of AIM (McKenna, Mullins, Sheldon and Miklau, arXiv 2201.12677).
public struct SelectionMechanism: Codable, Hashable, Sendable {
  /// The share of a round's zero-concentrated loss that the choice has.
  public static let choiceShare = 0.1

  /// Standard deviation of the noise on every cell of a table, divided by what a unit adds to it: by 1.
  public let noiseMultiplier: Double
  /// The kind of noise on the cells.
  public let noise: NoiseDistribution

  /// Checks the noise; NaN, infinities and numbers out of range are refused, and so is more noise than the grid of the
  /// hardened mode can represent.
  public init(
    noiseMultiplier: Double, noise: NoiseDistribution = .gaussian
  ) throws(PrivacyError) {
    try Valid.positive(noiseMultiplier, "noise multiplier")
    self.noiseMultiplier = noiseMultiplier
    self.noise = noise
    try Valid.positive(choiceEpsilon, "epsilon of a choice")
    if noise == .discreteGaussian {
      _ = try NoiseGrid(clipNorm: 1, noiseMultiplier: noiseMultiplier)
    }
  }

  /// One round with this noise as an event for the accountants, whether or not a grid could represent the noise.
  ///
  /// For the search of the noise that fits into a budget.
  public static func event(
    noiseMultiplier: Double, noise: NoiseDistribution
  ) throws(PrivacyError) -> PrivacyEvent {
    let table = try SampledNoise(
      samplingProbability: 1, noiseMultiplier: noiseMultiplier, noise: noise)
    return .composed([
      .exponentialMechanism(epsilon: choiceEpsilon(beside: noiseMultiplier)), table.event,
    ])
  }

  private static func choiceEpsilon(beside noiseMultiplier: Double) -> Double {
    2 / noiseMultiplier * (choiceShare / (1 - choiceShare)).squareRoot()
  }

  /// Epsilon of the choice: with ρ = 1/(2σ²) for the table and a share s for the choice, ε²/8 = ρ·s/(1 − s).
  public var choiceEpsilon: Double { Self.choiceEpsilon(beside: noiseMultiplier) }

  /// The mechanism of the table.
  public var table: SubsampledGaussian {
    do {
      return try SubsampledGaussian(
        samplingProbability: 1, noiseMultiplier: noiseMultiplier, clipNorm: 1, nominalBatchSize: 1,
        noise: noise)
    } catch {
      preconditionFailure("the initialiser has made the same checks: \(error)")
    }
  }

  /// One round as an event for the accountants.
  public var event: PrivacyEvent {
    .composed([.exponentialMechanism(epsilon: choiceEpsilon), table.event])
  }

  private enum CodingKeys: String, CodingKey {
    case noiseMultiplier = "noise_multiplier"
    case noise
  }

  /// Decodes a mechanism with the same checks, because a file may be damaged.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      noiseMultiplier: container.decode(Double.self, forKey: .noiseMultiplier),
      noise: container.decode(NoiseDistribution.self, forKey: .noise))
  }
}

/// How the private examples of a round are protected.
public enum SelectionProtection: Sendable {
  /// By an exponential mechanism and noise.
  case noise(SelectionMechanism)
  /// By nothing.
  case none(UnprotectedTraining)
}
