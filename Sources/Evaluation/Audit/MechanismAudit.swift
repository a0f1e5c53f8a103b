import Compute
import Glibc
public import Privacy

/// An experiment that tries to refute the accountant's claim about the mechanism.
///
/// The mechanism of real trainings runs many times with and without one canary, and an optimal attacker
/// observes the releases. The success of the attack must not exceed the accountant's privacy profile δ(ε).
/// It must also come close to it; otherwise the attack could not detect an error. The whole profile is
/// compared, because at small ε a few thousand runs are enough to measure it.
public struct MechanismAudit: Sendable {
  /// A mechanism and the number of steps of a run.
  public struct Setting: Sendable {
    /// The claimed mechanism of every step.
    public let mechanism: SubsampledGaussian
    /// The number of steps of a run.
    public let stepCount: Int

    /// Creates a setting; `stepCount` must be at least 1.
    public init(_ mechanism: SubsampledGaussian, stepCount: Int) {
      precondition(stepCount > 0, "a run has steps")
      self.mechanism = mechanism
      self.stepCount = stepCount
    }

    /// Full and sampled batches, one step and many, with about the same privacy.
    public static func standard() throws(PrivacyError) -> [Setting] {
      var settings: [Setting] = []
      for (probability, noise, steps) in [(1, 1, 1), (1, 2, 4), (0.25, 0.8, 8), (0.1, 0.6, 20)] {
        // Clip norm and divisor are not 1, so that omitting either is detected.
        let mechanism = try SubsampledGaussian(
          samplingProbability: probability, noiseMultiplier: noise, clipNorm: 0.5,
          nominalBatchSize: 3)
        settings.append(Setting(mechanism, stepCount: Int(steps)))
      }
      return settings
    }
  }

  /// The number of runs of each kind; with it, the audit detected noise that was 5 % too small in full
  /// batches of one step.
  public static let standardRunCount = 400_000
  /// The smallest meaningful number of runs of each kind.
  public static let smallestRunCount = 1000
  /// The probability of flagging a correct mechanism, in one setting.
  public static let error = 1e-4
  /// The delta of the lower bound on epsilon.
  public static let delta = 1e-5
  /// The epsilons at which the profile is compared; beyond them, counts are too small.
  static let epsilons = [0, 0.25, 0.5, 1, 2]
  /// The allowed shortfall of the attack below theory; five standard errors are allowed as well.
  static let allowedShortfall = 0.02

  /// The number of runs with the canary, and without it.
  public let runCount: Int

  /// Creates an audit with this number of runs of each kind.
  ///
  /// - Precondition: At least `smallestRunCount` runs.
  public init(runCount: Int = MechanismAudit.standardRunCount) {
    precondition(runCount >= Self.smallestRunCount, "\(runCount) runs are too few")
    self.runCount = runCount
  }

  /// Audits the mechanism of real trainings.
  public func findings(
    _ setting: Setting, progress: (Double) -> Void = { _ in }
  ) throws(PrivacyError) -> MechanismAuditFindings {
    try findings(
      claimed: setting, used: setting.mechanism, noise: NoiseStream(), progress: progress)
  }

  /// Audits the claim about one mechanism while another one may be `used`.
  func findings(
    claimed: Setting, used: SubsampledGaussian, noise: NoiseStream,
    progress: (Double) -> Void = { _ in }
  ) throws(PrivacyError) -> MechanismAuditFindings {
    var accountant = PrivacyLossAccountant()
    try accountant.compose(claimed.mechanism.event, times: claimed.stepCount)
    let canary = CanaryMechanism(used)
    var scores: [Bool: [Double]] = [:]
    for isMember in [true, false] {
      scores[isMember] = (0..<runCount).map { run in
        if run % 1000 == 0 {
          progress((Double(run) / Double(runCount) + (isMember ? 0 : 1)) / 2)
        }
        return Self.score(claimed, canary, isMember, noise)
      }
    }
    let test = HockeyStickTest(
      with: scores[true] ?? [], without: scores[false] ?? [], epsilons: Self.epsilons,
      error: Self.error)
    var points: [MechanismAuditFindings.Point] = []
    for (epsilon, outcomes) in zip(Self.epsilons, test.outcomes) {
      points.append(
        Self.point(epsilon, theory: try accountant.delta(atEpsilon: epsilon), outcomes))
    }
    let bound = test.outcomes.joined().map { $0.epsilonLowerBound(delta: Self.delta) }.max() ?? 0
    return MechanismAuditFindings(
      claimed: claimed, runCount: runCount, points: points, epsilonLowerBound: bound,
      claimedEpsilon: try accountant.epsilon(atDelta: Self.delta), delta: Self.delta)
  }

  /// The log-likelihood ratio of one run's releases with and without the canary under the claimed mechanism:
  /// the optimal test (Neyman & Pearson).
  private static func score(
    _ claimed: Setting, _ canary: CanaryMechanism, _ isMember: Bool, _ noise: NoiseStream
  ) -> Double {
    let mechanism = claimed.mechanism
    let unit = mechanism.clipNorm / Double(mechanism.nominalBatchSize)
    let variance = mechanism.noiseMultiplier * mechanism.noiseMultiplier
    return (0..<claimed.stepCount).reduce(0.0) { total, _ in
      let observed = canary.releasedUpdate(withCanary: isMember, noise: noise) / unit
      let ratio = (2 * observed - 1) / (2 * variance)
      return total + logOfMixture(ratio, share: mechanism.samplingProbability)
    }
  }

  /// log(1 − q + q·e^x), also if e^x overflows.
  static func logOfMixture(_ x: Double, share q: Double) -> Double {
    if q == 1 { return x }
    return x > 500 ? x + log(q) : log1p(q * expm1(x))
  }

  /// One point of a profile: the tests in both directions compared with theory.
  static func point(
    _ epsilon: Double, theory: Double, _ outcomes: [HockeyStickTest.Outcome],
    allowedShortfall: Double = MechanismAudit.allowedShortfall
  ) -> MechanismAuditFindings.Point {
    let best = outcomes.max { $0.estimate(epsilon) < $1.estimate(epsilon) }
    return MechanismAuditFindings.Point(
      epsilon: epsilon, theory: theory, estimate: best?.estimate(epsilon) ?? 0,
      lowerBound: outcomes.map { $0.lowerBound(epsilon) }.max() ?? 0,
      allowedShortfall: max(allowedShortfall, 5 * (best?.standardError(epsilon) ?? 0)))
  }
}
