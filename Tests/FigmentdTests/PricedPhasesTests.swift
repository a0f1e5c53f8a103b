import Control
import Datasets
import FoundationEssentials
import Models
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// The epsilon of an order that names none.
@Suite struct PricedPhasesTests {
  private let bench: RunBench

  init() throws { bench = try RunBench(maximum: 4) }

  private func order(_ loss: LossLimit, population: Int? = nil) -> RunOrder {
    bench.next(named: "next", loss: loss, population: population).order
  }

  private func priced(
    _ order: RunOrder, units: Int = 64, after history: LedgerHistory = LedgerHistory()
  ) throws -> PricedPhases {
    try PricedPhases(order, classes: ["a", "b"], units: units, after: history)
  }

  /// A root on which one run made all steps of a plan for `epsilon`.
  private func history(spent epsilon: Double) throws -> LedgerHistory {
    let plan = try #require(try priced(order(.epsilon(epsilon))).phases.firstPlan)
    let mechanism = try #require(plan.mechanism)
    return try LedgerHistory([
      .root(
        LedgerRoot(
          identity: "r", dataset: "glyphs", unit: .file, adjacency: .addOrRemoveOne)),
      .plan(
        LedgerPlan(
          run: "first", attempt: 1, snapshot: "s",
          event: .repeated(event: mechanism.event, times: plan.steps), mechanism: mechanism,
          delta: 1e-5, software: "1")),
      .reserve(
        LedgerReserve(
          number: 0, run: "first", attempt: 1, event: mechanism.event, times: plan.steps,
          purpose: "training")),
    ])
  }

  @Test func onAnUnusedRootTheWholeBudgetIsTaken() throws {
    let rest = try priced(order(.remainder))
    let whole = try priced(order(.epsilon(4)))
    #expect(rest.phases == whole.phases)
    #expect(rest.remark == nil)
  }

  @Test(arguments: [0.5, 2, 2.8])
  func whatIsLeftFitsTheBudgetTogetherWithWhatIsSpent(_ spent: Double) throws {
    let history = try history(spent: spent)
    let order = order(.remainder)
    let priced = try priced(order, after: history)
    let plan = try #require(priced.phases.firstPlan)
    let mechanism = try #require(plan.mechanism)
    var gate = BudgetGate(budget: order.budget, dataset: order.dataset)
    try gate.admitPlan(
      .repeated(event: mechanism.event, times: plan.steps), of: order.name, after: history)
    var all = history.spent
    try all.add(mechanism.event, times: plan.steps)
    let total = try PrivacyCost(of: all, delta: order.delta, basis: .adaptive).epsilon
    #expect(total <= 4 && total > 3.99)
    #expect(try #require(priced.epsilon) < 4)
    #expect(priced.remark?.contains("No epsilon was asked for") == true)
  }

  @Test func whereNothingUsefulIsLeftTheLedgerSaysWhatWouldFit() throws {
    let history = try history(spent: 3.99)
    let order = order(.remainder)
    let priced = try priced(order, after: history)
    #expect(priced.remark?.hasPrefix("Nothing useful is left of epsilon 4 beside") == true)
    let plan = try #require(priced.phases.firstPlan)
    let mechanism = try #require(plan.mechanism)
    var gate = BudgetGate(budget: order.budget, dataset: order.dataset)
    #expect(throws: LedgerError.self) {
      try gate.admitPlan(
        .repeated(event: mechanism.event, times: plan.steps), of: order.name,
        after: history)
    }
  }

  @Test func aDeclaredPopulationDecidesTheSamplingAndAFoundOneOnlyWithoutIt() throws {
    for units in [40, 64, 3000] {
      let declared = try priced(order(.epsilon(2), population: 1600), units: units)
      #expect(declared.phases.firstPlan?.samplingProbability == 0.01)
      let found = try priced(order(.epsilon(2)), units: units)
      #expect(found.phases.firstPlan?.samplingProbability == 16 / Double(units))
    }
  }

  @Test func aPlanReportSaysThatItTakesWhatIsLeft() throws {
    try #require(try bench.run().isFinished)
    let state = try StateDirectory(bench.scratch.path + "/state")
    for (from, to) in [
      (bench.places.ledgers, state.paths.ledgers),
      (bench.places.ledgerMarks, state.paths.ledgerMarks),
    ] {
      try? FileManager.default.removeItem(atPath: to)
      try FileManager.default.moveItem(atPath: from, toPath: to)
    }
    let engine = LocalEngine(recipes: bench.scratch.path, threads: 1, state: state.paths) { _, _ in
      FileUse(units: 64)
    }
    let dataset = DatasetConfiguration(
      name: "glyphs", root: bench.order.root,
      policy: PrivacyPolicy(epsilonMaximum: 8, delta: 1e-5))
    let report = try engine.plan(
      PlanRequest(dataset: "glyphs", recipe: "tiny"), dataset: dataset)
    #expect(report.refusal == nil)
    let privacy = try #require(report.privacy)
    #expect(privacy.epsilon < 8 && privacy.epsilonAfter <= 8)
    #expect(privacy.remark?.contains("what is left of 8,") == true)
    let asking = try engine.plan(
      PlanRequest(dataset: "glyphs", recipe: "tiny", epsilon: 8), dataset: dataset)
    #expect(asking.refusal != nil && asking.privacy?.remark == nil)
  }
}
