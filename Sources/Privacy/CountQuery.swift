/// A question about private images beside training: the number of images of each kind, where every
/// image has exactly one kind.
///
/// Kinds are classes, or the correct and incorrect answers of a public classifier. The answer is
/// one histogram, so a unit changes it by at most `sensitivity` in the Euclidean norm, and by
/// exactly that if all of its images are of one kind.
public struct CountQuery: Codable, Hashable, Sendable {
  /// The most images that one unit of privacy has in the set.
  public let sensitivity: Int
  /// Standard deviation of the noise on every count, divided by `sensitivity`.
  public let noiseMultiplier: Double
  /// The kind of noise.
  public let noise: NoiseDistribution
  /// The cost of the answer alone, rounded up.
  public let epsilon: Double

  private enum CodingKeys: String, CodingKey {
    case sensitivity, noise, epsilon
    case noiseMultiplier = "noise_multiplier"
  }

  /// Finds the noise with which one answer costs at most `budget`.
  ///
  /// - Throws: `PrivacyError` when no noise reaches it, or it would be more than is drawn exactly.
  public init(
    budget: PrivacyBudget, sensitivity: Int, noise: NoiseDistribution
  ) throws(PrivacyError) {
    try Valid.count(sensitivity, "images of one unit", atLeast: 1)
    let found = try Calibration(budget: budget)
      .noiseMultiplier(samplingProbability: 1, times: 1, distribution: noise)
    self.sensitivity = sensitivity
    self.noise = noise
    noiseMultiplier = found.noiseMultiplier
    epsilon = found.epsilon
    guard standardDeviation <= Self.largestDeviation else {
      throw .outOfRange(
        argument: "noise on the counts", value: "\(standardDeviation)",
        expected: "at most \(Self.largestDeviation) images; a larger epsilon for the question is")
    }
  }

  /// Decodes a question with the same checks, because a file may be damaged.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    sensitivity = try container.decode(Int.self, forKey: .sensitivity)
    noiseMultiplier = try container.decode(Double.self, forKey: .noiseMultiplier)
    noise = try container.decode(NoiseDistribution.self, forKey: .noise)
    epsilon = try container.decode(Double.self, forKey: .epsilon)
    try Valid.count(sensitivity, "images of one unit", atLeast: 1)
    try Valid.positive(noiseMultiplier, "noise multiplier")
    try Valid.positive(epsilon, "epsilon")
    guard standardDeviation <= Self.largestDeviation else {
      throw PrivacyError.outOfRange(
        argument: "noise on the counts", value: "\(standardDeviation)",
        expected: "at most \(Self.largestDeviation) images")
    }
  }

  /// Up to this deviation, single precision distinguishes all noise values that whole numbers do.
  private static let largestDeviation = 0x1p19

  /// Standard deviation of the noise on every count, in images; whole for discrete noise.
  public var standardDeviation: Double {
    let deviation = noiseMultiplier * Double(sensitivity)
    return noise == .gaussian ? deviation : max(1, deviation.rounded(.up))
  }

  /// The question as an event for the accountants: every unit is in the sum.
  public var event: PrivacyEvent {
    switch noise {
    case .gaussian: .gaussian(noiseMultiplier: noiseMultiplier)
    case .discreteGaussian: .discreteGaussian(noiseMultiplier: noiseMultiplier)
    }
  }
}
