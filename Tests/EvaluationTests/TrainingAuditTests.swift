import Compute
import Datasets
import Glibc
import Learning
import Models
import Privacy
import Synchronization
import TestSupport
import Testing

@testable import Evaluation

/// A ledger in memory for one run, as the audit charges it.
private final class MemoryRoot: AuditedRoot {
  private var ledger: MemoryLedger?

  func begin(run: String, _ plan: TrainingPlan, delta: Double) throws -> any PrivacyLedger {
    precondition(ledger == nil, "a ledger in memory serves one run")
    let ledger = try MemoryLedger(budget: PrivacyBudget(epsilon: 1e4, delta: delta), run: run)
    self.ledger = ledger
    return ledger
  }

  func end(delta: Double) throws -> (spent: EventTally, claim: PrivacyCost) {
    let spent = try ledger?.spent() ?? EventTally()
    return (spent, try PrivacyCost(of: spent, delta: delta))
  }
}

/// Batches of the shipped sampler, drawn with twice the probability that the trainer requests.
private final class DoubledRate: Trainer.Images {
  private let images: SnapshotImages

  init(_ snapshot: DatasetSnapshot) { images = SnapshotImages(snapshot) }

  func drawBatch(probability: Double, from noise: NoiseStream) -> PrivateExamples {
    images.drawBatch(probability: min(1, 2 * probability), from: noise)
  }
}

/// Batches of the shipped sampler, in which every image is its own unit.
private final class DroppedUnits: Trainer.Images {
  private struct Examples: ExampleSource {
    let batch: Batch

    var count: Int { batch.count }

    func labels(in range: Range<Int>) -> [Int] { batch.labels(in: range) }

    func fill(_ target: Tensor, from range: Range<Int>) { batch.fill(target, from: range) }
  }

  private let sampler: BatchSampler

  init(_ snapshot: DatasetSnapshot) { sampler = BatchSampler(snapshot) }

  func drawBatch(probability: Double, from noise: NoiseStream) -> PrivateExamples {
    var coins = noise
    return PrivateExamples(
      Examples(batch: sampler.draw(probability: probability, using: &coins)))
  }
}

/// The attack on whole trainings: the shipped code passes, and trainings that leak more than their ledger
/// claims are flagged.
///
/// Random streams are fixed, so that the verdicts are the same in every run.
@Suite struct TrainingAuditTests {
  private static let oneRun = TrainingAudit.Setting.standard.filter { $0.phases.count == 1 }
  private static let folders = oneRun.indices.filter { oneRun[$0].unit == .folder }

  @Test(arguments: oneRun.indices)
  func whatShipsPasses(_ index: Int) throws {
    let findings = try Self.findings(Self.oneRun[index])
    #expect(findings.isPassed, "\(findings)")
    // An attack that finds nothing is not a test: this one finds a meaningful share of the claim.
    #expect(findings.gaussianRatio > TrainingAudit.smallestRatio)
    #expect(findings.exactLowerBound > 0.5)
    #expect(findings.exactLowerBound <= findings.gaussianLowerBound)
  }

  @Test(arguments: [0, 3, 4])
  func twiceTheChargedSamplingRateIsFlagged(_ index: Int) throws {
    let findings = try Self.findings(Self.oneRun[index], runCount: 2000) { DoubledRate($0) }
    #expect(findings.isViolated)
    #expect(findings.points.contains { $0.isViolated })
    #expect(!findings.isPassed)
  }

  /// The canary's four images, clipped separately, have a sensitivity of four clip norms.
  @Test(arguments: folders)
  func batchesThatForgetWhoseImagesTheyHoldAreFlagged(_ index: Int) throws {
    let findings = try Self.findings(Self.oneRun[index], runCount: 1000) { DroppedUnits($0) }
    #expect(findings.isViolated)
    #expect(findings.gaussianLowerBound > findings.claimedEpsilon)
  }

  /// If a file is the unit, nobody has several images, and there is nothing to find.
  @Test func unitsOfOneImageMayBeForgotten() throws {
    #expect(try Self.findings(Self.oneRun[0]) { DroppedUnits($0) }.isPassed)
  }

  @Test func everyFamilyBothUnitsAndBothNoisesAreAttacked() {
    let settings = TrainingAudit.Setting.standard
    // Rows of tables are attacked by TableAuditTests. Attributed images are trained by the families inside, which are
    // attacked alone.
    let others = [BayesianNetwork.family, AttributedImages.family]
    let families = Families.all.map { $0.family }.filter { !others.contains($0) }
    #expect(Set(settings.map(\.family.rawValue)) == Set(families))
    #expect(Set(settings.map(\.unit)) == Set(PrivacyUnit.allCases))
    #expect(settings.contains { $0.phases.count == 2 })
    // A multiscale model learns its small copy with a pixel model, which is attacked with both. Small copies of the
    // audit's images are so much alike that an attack through discrete noise finds too little to be a test. So does
    // one on the autoencoder, whose contributions are also much alike.
    for family in TrainingAudit.Family.allCases where family != .multiscale && family != .vae {
      let own = settings.filter { $0.family == family }
      #expect(Set(own.flatMap { $0.phases.map(\.noise) }) == [.gaussian, .discreteGaussian])
    }
  }

  @Test func chargesThatAreNotTheClaimsAreAnError() throws {
    /// A ledger that forgets one of its charges.
    final class Forgetful: AuditedRoot {
      let root = MemoryRoot()
      func begin(run: String, _ plan: TrainingPlan, delta: Double) throws -> any PrivacyLedger {
        try root.begin(run: run, plan, delta: delta)
      }
      func end(delta: Double) throws -> (spent: EventTally, claim: PrivacyCost) {
        let (spent, claim) = try root.end(delta: delta)
        let less = try EventTally(spent.sorted[0].event.event, times: spent.total - 1)
        return (less, claim)
      }
    }
    #expect(throws: EvaluationError.self) {
      try Self.audit(1000) { SnapshotImages($0) }.findings(Self.oneRun[0], on: Forgetful())
    }
  }

  /// For one full step with multiplier σ, δ(ε) = Φ(1/2σ − εσ) − e^ε·Φ(−1/2σ − εσ): the bound
  /// computed from the step's own profile is its own epsilon, whatever noise was charged.
  @Test(arguments: [0.8, 1, 1.3])
  func theBoundForGaussiansFindsTheNoiseThatWasUsed(_ used: Double) throws {
    func normal(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }
    func delta(_ epsilon: Double) -> Double {
      normal(0.5 / used - epsilon * used) - exp(epsilon) * normal(-0.5 / used - epsilon * used)
    }
    let profile = try PrivacyProfile(of: EventTally(.gaussian(noiseMultiplier: 1)))
    let points = try [0, 0.5, 1].map { epsilon in
      MechanismAuditFindings.Point(
        epsilon: epsilon, theory: try profile.delta(atEpsilon: epsilon), estimate: delta(epsilon),
        lowerBound: delta(epsilon), allowedShortfall: 1)
    }
    let bound = try profile.epsilonLowerBound(from: points, delta: 1e-5)
    // The point where the closed form passes 1e-5.
    var (low, high) = (0.0, 20.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if delta(middle) > 1e-5 { low = middle } else { high = middle }
    }
    #expect(abs(bound - low) < 0.01 * low)
  }

  private static func findings(
    _ setting: TrainingAudit.Setting, runCount: Int = 4000,
    _ images: @escaping @Sendable (DatasetSnapshot) -> any Trainer.Images = { SnapshotImages($0) }
  ) throws -> TrainingAuditFindings {
    try audit(runCount, images).findings(setting, on: MemoryRoot())
  }

  private static func audit(
    _ runCount: Int, _ images: @escaping @Sendable (DatasetSnapshot) -> any Trainer.Images
  ) -> TrainingAudit {
    let count = Mutex<UInt32>(3000)
    return TrainingAudit(
      runCount: runCount,
      noise: {
        TestNoise.stream(
          count.withLock { count in
            count += 1
            return count
          })
      }, images: images)
  }
}
