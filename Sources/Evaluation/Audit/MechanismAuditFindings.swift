import Privacy

/// The findings of an audit of one setting.
public struct MechanismAuditFindings: Encodable, Sendable {
  /// The privacy profile at one epsilon.
  public struct Point: Encodable, Sendable {
    /// The epsilon.
    public let epsilon: Double
    /// The delta that the accountant claims at it.
    public let theory: Double
    /// The measured success of the attack.
    public let estimate: Double
    /// A lower bound of the mechanism's delta, except with the audit's probability of error.
    public let lowerBound: Double
    /// Whether the attack achieved more than the claim allows: then the claim is wrong.
    public let isViolated: Bool
    /// Whether the attack achieved too little to detect an error, or the mechanism adds more noise than
    /// claimed.
    public let isWeak: Bool

    init(
      epsilon: Double, theory: Double, estimate: Double, lowerBound: Double,
      allowedShortfall: Double
    ) {
      self.epsilon = epsilon
      self.theory = theory
      self.estimate = estimate
      self.lowerBound = lowerBound
      // Written so that NaN never passes.
      isViolated = !(lowerBound <= theory)
      isWeak = !(estimate >= theory - allowedShortfall)
    }

    private enum CodingKeys: String, CodingKey {
      case epsilon
      case theory = "claimed_delta"
      case estimate = "measured_delta"
      case lowerBound = "delta_lower_bound"
      case isViolated = "violated"
      case isWeak = "weak"
    }
  }

  /// The claimed sampling probability.
  public let samplingProbability: Double
  /// The claimed noise multiplier.
  public let noiseMultiplier: Double
  /// The number of steps of a run.
  public let stepCount: Int
  /// The number of runs with the canary, and without it.
  public let runCount: Int
  /// The profile at several epsilons.
  public let points: [Point]
  /// A lower bound of epsilon at `delta`, except with the audit's probability of error.
  public let epsilonLowerBound: Double
  /// The epsilon that the accountant claims at `delta`.
  public let claimedEpsilon: Double
  /// The delta of both.
  public let delta: Double
  /// Whether the claim withstood an attack that could have refuted it.
  public let isPassed: Bool

  init(
    claimed: MechanismAudit.Setting, runCount: Int, points: [Point], epsilonLowerBound: Double,
    claimedEpsilon: Double, delta: Double
  ) {
    samplingProbability = claimed.mechanism.samplingProbability
    noiseMultiplier = claimed.mechanism.noiseMultiplier
    stepCount = claimed.stepCount
    self.runCount = runCount
    self.points = points
    self.epsilonLowerBound = epsilonLowerBound
    self.claimedEpsilon = claimedEpsilon
    self.delta = delta
    isPassed =
      epsilonLowerBound <= claimedEpsilon && !points.contains { $0.isViolated || $0.isWeak }
  }

  private enum CodingKeys: String, CodingKey {
    case samplingProbability = "sampling_rate"
    case noiseMultiplier = "noise_multiplier"
    case stepCount = "steps"
    case runCount = "runs"
    case points = "profile"
    case epsilonLowerBound = "epsilon_lower_bound"
    case claimedEpsilon = "claimed_epsilon"
    case delta
    case isPassed = "passed"
  }
}
