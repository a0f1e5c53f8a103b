public import Datasets
import Privacy

/// The findings of an attack on one setting of training.
public struct TrainingAuditFindings: Encodable, Sendable {
  /// The trained family.
  public let family: TrainingAudit.Family
  /// The attacked unit of privacy.
  public let unit: Datasets.PrivacyUnit
  /// The runs on the folder.
  public let phases: [TrainingAudit.Phase]
  /// The number of trainings with the canary, and without it.
  public let runCount: Int
  /// The profile at several epsilons.
  public let points: [MechanismAuditFindings.Point]
  /// The claim of the ledger's statement after the last run, at `delta`.
  public let claimedEpsilon: Double
  /// The accountant of the claim.
  public let accountant: String
  /// The delta of claim and bounds.
  public let delta: Double
  /// A lower bound of epsilon for any mechanism, except with the audit's probability of error.
  public let exactLowerBound: Double
  /// A lower bound of epsilon if the mechanism is a sampled Gaussian of the charged rates and steps, with any
  /// noise.
  public let gaussianLowerBound: Double
  /// Whether the attack achieved more than the claim allows: then the claim is wrong.
  public let isViolated: Bool
  /// Whether the attack achieved too little to detect an error, or the mechanism adds more noise than claimed.
  public let isWeak: Bool

  /// Whether the claim withstood an attack that could have refuted it.
  public var isPassed: Bool { !isViolated && !isWeak }

  /// The lower bound for any mechanism, as a share of the claim.
  public var exactRatio: Double { exactLowerBound / claimedEpsilon }

  /// The lower bound for sampled Gaussians, as a share of the claim.
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
    // Written so that NaN never passes.
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

  /// Encodes figures and verdict; omits an infinite claim, because JSON has no infinity.
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
