import Privacy

/// What to expect of a private training before anything is spent: whether its noise will outweigh what
/// the images have to say.
///
/// A step adds noise of standard deviation σ · C to each of d sums of clipped gradients, which are
/// divided by the expected batch B. Over T steps the noise averages out by √T. Its length, counted in
/// clip norms C, is then σ · √d / (B · √T); the mean gradient of the images is at most one clip norm
/// long. Everything in it is public: the plan and the size of the model.
public struct NoiseOutlook: Hashable, Sendable {
  /// What comes of a training.
  public enum Expectation: String, Codable, Hashable, Sendable {
    /// Noise is small beside the images.
    case clear
    /// Coarse images with few details.
    case coarse
    /// Little or nothing but noise.
    case noise
  }

  /// The length of the averaged noise, in clip norms.
  public let ratio: Double
  private let epsilon: Double
  private let units: Int

  /// The largest ratio that needs no warning.
  ///
  /// Measured with the pixel model on MNIST: 0.006 (60,000 images, epsilon 10) gives images from which a
  /// classifier learns nearly as well as from real ones.
  public static let clearUpTo = 0.04
  /// The ratio from which on little but noise is to be expected.
  ///
  /// Measured with the pixel model on digits, 300 steps at epsilon 10: 0.12 (1,000 images, 0.54 bits per
  /// dimension) gives coarse digits, 0.41 (300 images, 0.61 bits) strokes that mean nothing.
  public static let noiseFrom = 0.15
  /// The largest epsilon that is worth recommending.
  private static let largestEpsilon = 20.0
  /// Recipes differ by less than this factor in their parameters: advice that nobody can follow is none.
  private static let largestShrinkage = 10.0

  /// The outlook of a plan.
  ///
  /// - Parameters:
  ///   - parameterCount: the parameters whose gradients noise is added to.
  ///   - epsilon: what the plan costs by itself.
  public init?(_ plan: TrainingPlan, parameterCount: Int, epsilon: Double?) {
    guard let mechanism = plan.mechanism, let epsilon else { return nil }
    ratio =
      mechanism.noiseMultiplier * Double(parameterCount).squareRoot()
      / (Double(plan.batchSize) * Double(plan.steps).squareRoot())
    self.epsilon = epsilon
    units = plan.population
  }

  /// What to expect.
  public var expectation: Expectation {
    if ratio <= Self.clearUpTo { return .clear }
    return ratio < Self.noiseFrom ? .coarse : .noise
  }

  /// What to expect and what would help, in words; nil where noise is no concern.
  ///
  /// For a given training the ratio falls as images or epsilon rise, and nearly in proportion.
  public var warning: String? {
    let problem: String
    switch expectation {
    case .clear: return nil
    case .coarse:
      problem =
        "Noise will be strong beside what these \(units) images have to say: expect coarse images."
    case .noise:
      problem =
        "Noise will outweigh what these \(units) images have to say: expect images that show little or "
        + "nothing but noise."
    }
    let factor = ratio / Self.clearUpTo
    var help = ["about \(Self.rounded(factor * Double(units))) images"]
    if factor * epsilon <= Self.largestEpsilon {
      help.append("epsilon \(Self.rounded(factor * epsilon))")
    }
    let square = factor * factor
    if square <= Self.largestShrinkage {
      help.append("a recipe with about \(Self.rounded(square)) times fewer parameters")
    }
    let list =
      help.count > 1
      ? "\(help.dropLast().joined(separator: ", ")) or \(help.last ?? "")" : help.joined()
    return problem + " It would take \(list)."
  }

  /// Two digits, as people write them.
  private static func rounded(_ value: Double) -> String {
    var step = 1.0
    while value / step >= 100 { step *= 10 }
    while value / step < 10, step > 0.1 { step /= 10 }
    let rounded = (value / step).rounded(.up) * step
    return rounded >= 10 ? String(Int(rounded)) : "\((rounded * 10).rounded() / 10)"
  }
}
