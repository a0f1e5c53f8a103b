import Compute
import Glibc
public import Privacy

/// An experiment that tries to refute the privacy which the accountant claims for the mechanism.
///
/// The mechanism that trains models runs many times with and without one canary; an optimal
/// attacker observes what was released. The success of the attack must not exceed the accountant's
/// privacy profile δ(ε), and must come close to it, because otherwise the attack would detect
/// nothing. The whole profile is compared because small ε leave counts that a few thousand runs can
/// measure.
public struct MechanismAudit: Sendable {
  /// A mechanism with as many steps as one run has.
  public struct Setting: Sendable {
    /// The mechanism that is claimed to run in every step.
    public let mechanism: SubsampledGaussian
    /// Steps of a run.
    public let stepCount: Int

    /// A setting; `stepCount` is at least 1.
    public init(_ mechanism: SubsampledGaussian, stepCount: Int) {
      precondition(stepCount > 0, "a run has steps")
      self.mechanism = mechanism
      self.stepCount = stepCount
    }

    /// Full batches and sampled ones, one step and many, of about the same privacy.
    public static func standard() throws(PrivacyError) -> [Setting] {
      var settings: [Setting] = []
      for (probability, noise, steps) in [(1, 1, 1), (1, 2, 4), (0.25, 0.8, 8), (0.1, 0.6, 20)] {
        // Clip norm and divisor are not 1, so that forgetting either is seen.
        let mechanism = try SubsampledGaussian(
          samplingProbability: probability, noiseMultiplier: noise, clipNorm: 0.5,
          nominalBatchSize: 3)
        settings.append(Setting(mechanism, stepCount: Int(steps)))
      }
      return settings
    }
  }

  /// Runs of each kind; with this number, noise that is 5 % too small was detected in full batches
  /// of one step.
  public static let standardRunCount = 400_000
  /// The fewest runs of each kind with a meaningful result.
  public static let smallestRunCount = 1000
  /// The chance with which a sound mechanism is blamed, in one setting.
  public static let error = 1e-4
  /// The delta at which the lower bound on epsilon is stated.
  public static let delta = 1e-5
  /// Where the profile is compared; beyond, counts are too small.
  static let epsilons = [0, 0.25, 0.5, 1, 2]
  /// The attack may stay so far below theory, or five standard errors.
  static let allowedShortfall = 0.02

  /// Runs with the canary, and as many without it.
  public let runCount: Int

  /// An audit with this number of runs of each kind.
  ///
  /// - Precondition: At least `smallestRunCount` runs.
  public init(runCount: Int = MechanismAudit.standardRunCount) {
    precondition(runCount >= Self.smallestRunCount, "\(runCount) runs tell nothing")
    self.runCount = runCount
  }

  /// Audits the mechanism that models train with.
  public func findings(
    _ setting: Setting, progress: (Double) -> Void = { _ in }
  ) throws(PrivacyError) -> MechanismAuditFindings {
    try findings(
      claimed: setting, used: setting.mechanism, noise: NoiseStream(), progress: progress)
  }

  /// Audits the claim about one mechanism while another may be `used`.
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

  /// The logarithm of how much likelier one run's releases are with the canary than without it,
  /// under the claimed mechanism: no test is better (Neyman & Pearson).
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

  /// log(1 − q + q·e^x), also where e^x cannot be represented.
  static func logOfMixture(_ x: Double, share q: Double) -> Double {
    if q == 1 { return x }
    return x > 500 ? x + log(q) : log1p(q * expm1(x))
  }

  /// One point of a profile: the results of both directions' tests beside theory.
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
