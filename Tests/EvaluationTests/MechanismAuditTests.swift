import Glibc
import Privacy
import TestSupport
import Testing

@testable import Evaluation

/// The audit of the mechanism: sound mechanisms pass, and faulty ones are flagged.
///
/// Random streams are fixed, so that the verdicts are the same in every run.
@Suite struct MechanismAuditTests {
  private static let audit = MechanismAudit(runCount: 20_000)

  @Test(arguments: 0..<4)
  func mechanismThatModelsTrainWithPasses(_ index: Int) throws {
    let setting = try MechanismAudit.Setting.standard()[index]
    let findings = try Self.findings(setting, used: setting.mechanism)
    #expect(findings.isPassed, "\(findings)")
    // An attack that finds nothing would pass too; this one comes close to the claim.
    #expect(findings.points[0].estimate > 0.33)
    #expect(findings.epsilonLowerBound > 0.8)
    #expect(findings.epsilonLowerBound < findings.claimedEpsilon)
  }

  @Test(arguments: [0, 1, 2])
  func noiseBelowTheClaimIsFlagged(_ index: Int) throws {
    let setting = try MechanismAudit.Setting.standard()[index]
    let claim = setting.mechanism
    let used = try Self.mechanism(claim, noiseMultiplier: claim.noiseMultiplier / 1.2)
    #expect(try Self.findings(setting, used: used).points.contains { $0.isViolated })
  }

  @Test(arguments: [0, 1, 2])
  func clipNormAboveTheClaimIsFlagged(_ index: Int) throws {
    let setting = try MechanismAudit.Setting.standard()[index]
    let claim = setting.mechanism
    // The absolute noise stays as claimed.
    let used = try Self.mechanism(
      claim, noiseMultiplier: claim.noiseMultiplier / 2.0.squareRoot(),
      clipNorm: claim.clipNorm * 2.0.squareRoot())
    #expect(try Self.findings(setting, used: used).points.contains { $0.isViolated })
  }

  @Test func canaryInEveryBatchIsFlagged() throws {
    let setting = try MechanismAudit.Setting.standard()[2]
    let used = try Self.mechanism(setting.mechanism, samplingProbability: 1)
    let findings = try Self.findings(setting, used: used)
    #expect(findings.points.allSatisfy { $0.isViolated })
    #expect(findings.points[0].estimate > 0.8)
  }

  @Test func noiseAboveTheClaimIsCalledWeak() throws {
    let setting = try MechanismAudit.Setting.standard()[0]
    let used = try Self.mechanism(
      setting.mechanism, noiseMultiplier: setting.mechanism.noiseMultiplier * 1.2)
    let findings = try Self.findings(setting, used: used)
    #expect(!findings.isPassed)
    #expect(findings.points.contains { $0.isWeak })
    #expect(findings.points.allSatisfy { !$0.isViolated })
  }

  /// One full step of a Gaussian with multiplier 1: δ(ε) = Φ(1/2 − ε) − e^ε·Φ(−1/2 − ε).
  @Test func theoryOfOneStepIsTheClosedForm() throws {
    let setting = try MechanismAudit.Setting.standard()[0]
    let findings = try MechanismAudit(runCount: 1000).findings(
      claimed: setting, used: setting.mechanism, noise: TestNoise.stream(5))
    func normal(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }
    for point in findings.points {
      let exact = normal(0.5 - point.epsilon) - exp(point.epsilon) * normal(-0.5 - point.epsilon)
      #expect(abs(point.theory - exact) < 1e-4)
    }
  }

  @Test func mixtureOfLikelihoodsHoldsAtItsEnds() {
    #expect(MechanismAudit.logOfMixture(-3, share: 1) == -3)
    let expected = log(0.75 + 0.25 * exp(1.5))
    #expect(abs(MechanismAudit.logOfMixture(1.5, share: 0.25) - expected) < 1e-12)
    #expect(abs(MechanismAudit.logOfMixture(-800, share: 0.25) - log(0.75)) < 1e-12)
    #expect(abs(MechanismAudit.logOfMixture(800, share: 0.25) - (800 + log(0.25))) < 1e-9)
  }

  private static func findings(
    _ claimed: MechanismAudit.Setting, used: SubsampledGaussian
  ) throws -> MechanismAuditFindings {
    try audit.findings(claimed: claimed, used: used, noise: TestNoise.stream(3))
  }

  private static func mechanism(
    _ claim: SubsampledGaussian, samplingProbability: Double? = nil,
    noiseMultiplier: Double? = nil, clipNorm: Double? = nil
  ) throws -> SubsampledGaussian {
    try SubsampledGaussian(
      samplingProbability: samplingProbability ?? claim.samplingProbability,
      noiseMultiplier: noiseMultiplier ?? claim.noiseMultiplier,
      clipNorm: clipNorm ?? claim.clipNorm, nominalBatchSize: claim.nominalBatchSize)
  }
}
