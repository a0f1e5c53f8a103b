import Compute
import Datasets
import Foundation
import Learning
import Privacy
import TestSupport
import Testing

@testable import Evaluation
@testable import Models

/// An attack on trainings of a Bayesian network: one row is in the table or not, and the attacker sees everything that
/// the network keeps.
///
/// What the attacker finds must not exceed the charge of the ledger, and must come near it, or the test shows nothing.
@Suite struct TableAuditTests {
  private static let columns = (0..<2).map {
    ColumnDomain(
      name: "c\($0)", values: .categories(["a", "b", "c"]), allowsMissing: false)
  }
  private static let format = ImageSpecification(
    height: 0, width: 0, channels: 0, classes: ["all"], columns: columns)
  /// Trainings with the canary, and as many without it.
  private static let runCount = 6_000

  /// Rows of a table; the canary's unit comes last and may hold several equal rows.
  private final class Rows: ExampleSource, Trainer.Images {
    let canaryRows: Int
    init(canaryRows: Int) { self.canaryRows = canaryRows }
    var count: Int { 4 + canaryRows }
    var units: [Int]? { (0..<count).map { min($0, 4) } }
    func labels(in range: Range<Int>) -> [Int] { [] }
    func fill(_ target: Tensor, from range: Range<Int>) {}
    func codes(in range: Range<Int>) -> [UInt8] { range.flatMap { $0 < 4 ? [0, 1] : [2, 2] } }
    func drawBatch(probability: Double, from noise: NoiseStream) -> PrivateExamples {
      precondition(probability == 1, "tables are read whole")
      return PrivateExamples(self)
    }
  }

  /// Trains once and returns how much the kept tables look as if the canary were in them.
  private static func score(
    _ rows: Rows, _ marginals: TrainingPlan, _ rounds: SelectionPlan, charging ledger: MemoryLedger,
    noise: NoiseStream
  ) throws -> Double {
    let settings = BayesianNetworkSettings(mode: .correlated, rounds: rounds.rounds)
    let model = try BayesianNetwork(settings, for: format, seed: 1, on: Machine(threadCount: 1))
    for trainer in [
      Trainer(
        model, plan: marginals, images: rows, ledger: ledger, phase: "one-way marginals",
        noise: noise),
      Trainer(model, rounds: rounds, images: rows, ledger: ledger, phase: "rounds", noise: noise),
    ] {
      _ = try trainer.run(
        blockSize: { 10 }, shouldStop: { false }, report: { _ in }, blockEnded: {})
    }
    // The optimal weights of independent measurements are the inverse variances.
    return model.learner.measured.reduce(0) { sum, table in
      let cell = table.columns.reduce(0) { $0 * 3 + ($1 >= 0 ? 2 : 0) }
      return sum + Double(table.values[cell]) / Double(table.variance)
    }
  }

  @Test(arguments: [1, 3])
  func aRowIsFoundNoBetterThanTheLedgerSaysAndNotMuchWorse(_ canaryRows: Int) throws {
    let marginals = try TrainingPlan(
      TrainingSettings(batchSize: 4, steps: 1, clipNorm: 2.0.squareRoot()), population: 4,
      noiseMultiplier: 1)
    let rounds = try SelectionPlan(
      rounds: 1, population: 4, mechanism: SelectionMechanism(noiseMultiplier: 1.2))
    var scores: [[Double]] = []
    var spent: EventTally?
    let noise = TestNoise.stream(11)
    for rows in [Rows(canaryRows: canaryRows), Rows(canaryRows: 0)] {
      var own: [Double] = []
      for run in 0..<Self.runCount {
        let ledger = try MemoryLedger(budget: PrivacyBudget(epsilon: 1e6, delta: 1e-5), unit: .row)
        own.append(
          try Self.score(rows, marginals, rounds, charging: ledger, noise: noise))
        if run == 0 { spent = try ledger.spent() }
      }
      scores.append(own)
    }
    let profile = try PrivacyProfile(of: #require(spent))
    let epsilons = [0, 0.5, 1, 1.5]
    let test = HockeyStickTest(
      with: scores[0], without: scores[1], epsilons: epsilons, error: 1e-4)
    for (epsilon, outcomes) in zip(epsilons, test.outcomes) {
      let allowed = try profile.delta(atEpsilon: epsilon)
      let found = outcomes.map { $0.lowerBound(epsilon) }.max() ?? 0
      #expect(found <= allowed, "epsilon \(epsilon): \(found) of \(allowed)")
    }
    // At epsilon 0: the total variation distance.
    let allowed = try profile.delta(atEpsilon: 0)
    let found = test.outcomes[0].map { $0.estimate(0) }.max() ?? 0
    #expect(found > 0.7 * allowed, "\(found) of \(allowed)")
  }
}
