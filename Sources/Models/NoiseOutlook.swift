import Privacy

/// The expected quality of a private training before any budget is spent: whether noise will
/// outweigh the signal in the images.
///
/// A step adds noise of standard deviation σ · C to each of d sums of clipped gradients, which are
/// divided by the expected batch B. Over T steps the noise averages out by √T. Its norm, in units
/// of the clip norm C, is then σ · √d / (B · √T); the norm of the images' mean gradient is at most
/// one clip norm. All these numbers are public: the plan and the size of the model.
public struct NoiseOutlook: Hashable, Sendable {
  /// The expected result of a training.
  public enum Expectation: String, Codable, Hashable, Sendable {
    /// Noise is small compared to the signal.
    case clear
    /// Coarse images with few details.
    case coarse
    /// Little or nothing but noise.
    case noise
  }

  /// The norm of the averaged noise, in clip norms.
  public let ratio: Double
  private let epsilon: Double
  private let units: Int

  /// The largest ratio that needs no warning.
  ///
  /// Measured with the pixel model on MNIST: 0.006 (60,000 images, epsilon 10) yields images from
  /// which a classifier learns nearly as well as from real ones.
  public static let clearUpTo = 0.04
  /// The ratio from which on images are expected to show little but noise.
  ///
  /// Measured with the pixel model on digits, 300 steps at epsilon 10: 0.12 (1,000 images, 0.54
  /// bits per dimension) yields coarse digits, 0.41 (300 images, 0.61 bits) meaningless strokes.
  public static let noiseFrom = 0.15
  /// The largest epsilon that the warning recommends.
  static let largestEpsilon = 20.0
  /// The largest recommended reduction of parameters: recipes differ by less than this factor.
  private static let largestShrinkage = 10.0

  /// The outlook of a plan.
  ///
  /// - Parameters:
  ///   - parameterCount: the number of parameters whose gradients receive noise.
  ///   - epsilon: the cost of this plan alone.
  public init?(_ plan: TrainingPlan, parameterCount: Int, epsilon: Double?) {
    guard let mechanism = plan.mechanism, let epsilon else { return nil }
    ratio =
      mechanism.noiseMultiplier * Double(parameterCount).squareRoot()
      / (Double(plan.batchSize) * Double(plan.steps).squareRoot())
    self.epsilon = epsilon
    units = plan.population
  }

  /// The expected result.
  public var expectation: Expectation {
    if ratio <= Self.clearUpTo { return .clear }
    return ratio < Self.noiseFrom ? .coarse : .noise
  }

  /// The expected result and what would help, in words; nil if noise is small.
  ///
  /// For a given training, the ratio is nearly inversely proportional to the number of images and to epsilon.
  public var warning: String? {
    let problem: String
    switch expectation {
    case .clear: return nil
    case .coarse:
      problem =
        "Noise will be strong compared to the signal in these \(AdviceNumber.count(units)) images: expect coarse images."
    case .noise:
      problem =
        "Noise will outweigh the signal in these \(AdviceNumber.count(units)) images: what is drawn will show little "
        + "or nothing of them."
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

  /// Rounds to two digits.
  static func rounded(_ value: Double) -> String {
    var step = 1.0
    while value / step >= 100 { step *= 10 }
    while value / step < 10, step > 0.1 { step /= 10 }
    let rounded = (value / step).rounded(.up) * step
    return rounded >= 10 ? AdviceNumber.count(Int(rounded)) : "\((rounded * 10).rounded() / 10)"
  }
}
