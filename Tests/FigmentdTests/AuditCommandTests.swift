import ArgumentParser
import Compute
import Datasets
import FoundationEssentials
import Models
import Privacy
import Synchronization
import TestSupport
import Testing

@testable import Evaluation
@testable import Runs
@testable import figmentd

/// `figmentd audit`: its options, its report, and trainings charged to the shipped ledger.
@Suite struct AuditCommandTests {
  /// A ledger whose statement covers only the last run.
  private final class LastRunAlone: AuditedRoot {
    private let root: AuditLedger
    private var plan: TrainingPlan?

    init(_ root: AuditLedger) { self.root = root }

    func begin(run: String, _ plan: TrainingPlan, delta: Double) throws -> any PrivacyLedger {
      self.plan = plan
      return try root.begin(run: run, plan, delta: delta)
    }

    func end(delta: Double) throws -> (spent: EventTally, claim: PrivacyCost) {
      let (spent, _) = try root.end(delta: delta)
      let mechanism = try #require(plan?.mechanism)
      let last = try PrivacyCost(of: mechanism.event, times: plan?.steps ?? 0, delta: delta)
      return (spent, last)
    }
  }

  private static let twoRuns = TrainingAudit.Setting.standard.filter { $0.phases.count == 2 }

  private static func audit() -> TrainingAudit {
    let count = Mutex<UInt32>(5000)
    return TrainingAudit(
      runCount: 4000,
      noise: {
        TestNoise.stream(
          count.withLock { count in
            count += 1
            return count
          })
      })
  }

  @Test(arguments: twoRuns.indices)
  func theStatementAfterASecondRunCoversWhatBothGiveAway(_ index: Int) throws {
    let setting = Self.twoRuns[index]
    let findings = try Self.audit().findings(setting, on: AuditLedger(for: setting))
    #expect(findings.isPassed, "\(findings)")
    #expect(
      findings.accountant == "RDP odometer", "the second run was chosen after the first")
    // The bound covers both runs: the claim for either alone would be smaller.
    let alone = try setting.phases.map { phase in
      try PrivacyCost(
        of: .poissonSampled(
          probability: Double(phase.batchSize) / Double(phase.population),
          event: .gaussian(noiseMultiplier: phase.noiseMultiplier)),
        times: phase.steps, delta: TrainingAudit.delta
      ).epsilon
    }
    #expect(findings.claimedEpsilon > (alone.max() ?? .infinity))
  }

  @Test func aStatementThatCoversTheLastRunAloneIsFlagged() throws {
    // A first run that costs more than the second.
    let setting = TrainingAudit.Setting(
      .pixelModel, .file,
      [
        TrainingAudit.Phase(.gaussian, noiseMultiplier: 0.6, steps: 2, population: 4),
        TrainingAudit.Phase(.gaussian, noiseMultiplier: 3, steps: 1, population: 4),
      ])
    let findings = try Self.audit().findings(
      setting, on: LastRunAlone(AuditLedger(for: setting)))
    #expect(findings.isViolated)
    #expect(findings.exactLowerBound > findings.claimedEpsilon)
  }

  @Test func theFolderOfAnAuditedLedgerIsRemovedWithIt() throws {
    var folder = ""
    do {
      let ledger = try AuditLedger(for: Self.twoRuns[0])
      folder = ledger.folder
      withExtendedLifetime(ledger) {
        #expect(FileManager.default.fileExists(atPath: folder + "/ledgers"))
      }
    }
    #expect(!FileManager.default.fileExists(atPath: folder))
  }

  @Test func numbersOfTrainingsThatTellNothingAreRefused() throws {
    #expect(throws: (any Error).self) { try AuditCommand.parse(["--trainings", "999"]) }
    #expect(throws: (any Error).self) { try AuditCommand.parse(["--runs", "0"]) }
    #expect(try AuditCommand.parse(["--quick", "--trainings", "1000"]).quick)
  }

  @Test func eachTrainingIsOneLineWithItsClaimItsBoundsAndTheVerdict() throws {
    let mechanism = try MechanismAudit(runCount: 1000).findings(
      MechanismAudit.Setting.standard()[0])
    let cost = try PrivacyCost(of: .gaussian(noiseMultiplier: 1), times: 1, delta: 1e-5)
    func training(bound: Double) -> TrainingAuditFindings {
      TrainingAuditFindings(
        of: TrainingAudit.Setting.standard[2], runCount: 4000, points: [], claim: cost,
        exactLowerBound: 1, gaussianLowerBound: bound)
    }
    let passed = AuditReport(mechanism: [mechanism], training: [training(bound: 2)])
    #expect(
      passed.text.contains(
        "dp-gan, unit folder, 1 run (3 steps, sampling rate 0.5, discrete-gaussian noise 0.9), "
          + "trainings 2 x 4000: claimed epsilon \(Decimals.epsilon(cost.epsilon)) at delta 1e-05 "
          + "(PLD), lower bound 1.0 (22 %), for Gaussians 2.0 (45 %): passed\n"))
    let weak = AuditReport(mechanism: [mechanism], training: [training(bound: 0.2)])
    #expect(weak.text.contains(": FLAGGED, TOO WEAK\n") && !weak.passed)
    let violated = AuditReport(mechanism: [mechanism], training: [training(bound: 9)])
    #expect(violated.text.contains(": FLAGGED, VIOLATED\n") && !violated.passed)
    let json = try JSONEncoder().encode(violated)
    let text = String(decoding: json, as: UTF8.self)
    #expect(text.contains(#""violated":true"#) && text.contains(#""epsilon_lower_bound":1"#))
  }
}
