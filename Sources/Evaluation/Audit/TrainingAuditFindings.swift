public import Datasets
import Privacy

/// The findings of an attack on one setting of training.
public struct TrainingAuditFindings: Encodable, Sendable {
  /// The family that was trained.
  public let family: TrainingAudit.Family
  /// Whose participation was attacked.
  public let unit: Datasets.PrivacyUnit
  /// The runs on the folder.
  public let phases: [TrainingAudit.Phase]
  /// Trainings with the canary, and as many without.
  public let runCount: Int
  /// The profile at several epsilons.
  public let points: [MechanismAuditFindings.Point]
  /// The claim of the ledger's statement after the last run, at `delta`.
  public let claimedEpsilon: Double
  /// The accountant whose bound is claimed.
  public let accountant: String
  /// The delta of claim and bounds.
  public let delta: Double
  /// Epsilon is at least this for any mechanism, except with the audit's probability of error.
  public let exactLowerBound: Double
  /// Epsilon is at least this if the mechanism is a sampled Gaussian of the charged rates and
  /// steps, with any noise.
  public let gaussianLowerBound: Double
  /// The attack achieved more than the claim allows: the claim is wrong.
  public let isViolated: Bool
  /// The attack achieved so little that it would not notice a mistake, or the mechanism adds more noise
  /// than is claimed.
  public let isWeak: Bool

  /// Whether the claim withstood an attack that could have refuted it.
  public var isPassed: Bool { !isViolated && !isWeak }

  /// The share of the claim that the attack demonstrates for any mechanism.
  public var exactRatio: Double { exactLowerBound / claimedEpsilon }

  /// The share of the claim that the attack shows, for sampled Gaussians.
  public var gaussianRatio: Double { gaussianLowerBound / claimedEpsilon }

  init(
    of setting: TrainingAudit.Setting, runCount: Int, points: [MechanismAuditFindings.Point],
    claim: PrivacyCost, exactLowerBound: Double, gaussianLowerBound: Double
  ) {
    family = setting.family
    unit = setting.unit
    phases = setting.phases
    self.runCount = runCount
    self.points = points
    claimedEpsilon = claim.epsilon
    accountant = claim.accountant
    delta = claim.delta
    self.exactLowerBound = exactLowerBound
    self.gaussianLowerBound = gaussianLowerBound
    // Written so that a figure that is not a number can never pass.
    isViolated =
      points.contains { $0.isViolated }
      || !(max(exactLowerBound, gaussianLowerBound) <= claim.epsilon)
    isWeak =
      points.contains { $0.isWeak }
      || !(gaussianLowerBound >= TrainingAudit.smallestRatio * claim.epsilon)
  }

  private enum CodingKeys: String, CodingKey {
    case family, unit
    case phases = "runs"
    case runCount = "trainings"
    case points = "profile"
    case claimedEpsilon = "claimed_epsilon"
    case accountant, delta
    case exactLowerBound = "epsilon_lower_bound"
    case gaussianLowerBound = "epsilon_lower_bound_for_gaussians"
    case exactRatio = "ratio"
    case gaussianRatio = "ratio_for_gaussians"
    case isViolated = "violated"
    case isWeak = "weak"
    case isPassed = "passed"
  }

  /// Encodes figures and verdict; a claim that is infinite is left out, because JSON has no infinity.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(family, forKey: .family)
    try container.encode(unit, forKey: .unit)
    try container.encode(phases, forKey: .phases)
    try container.encode(runCount, forKey: .runCount)
    try container.encode(points, forKey: .points)
    if claimedEpsilon.isFinite { try container.encode(claimedEpsilon, forKey: .claimedEpsilon) }
    try container.encode(accountant, forKey: .accountant)
    try container.encode(delta, forKey: .delta)
    try container.encode(exactLowerBound, forKey: .exactLowerBound)
    try container.encode(gaussianLowerBound, forKey: .gaussianLowerBound)
    try container.encode(exactRatio, forKey: .exactRatio)
    try container.encode(gaussianRatio, forKey: .gaussianRatio)
    try container.encode(isViolated, forKey: .isViolated)
    try container.encode(isWeak, forKey: .isWeak)
    try container.encode(isPassed, forKey: .isPassed)
  }
}
