import Compute
import Control
import Datasets
import FoundationEssentials
import Models
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// Evaluations of runs on tables alone.
@Suite(.serialized) struct TableJobTests {
  @Test func aTableIsComparedWithTheRowsThatItWasLearntFrom() throws {
    let bench = try RunBench.forTables()
    let results = try bench.trainTable()
    #expect(results.sizeText == "250 rows")
    let released = try bench.text(bench.places.release + "/report.json")
    #expect(released.contains("beyond the synthetic rows") && !released.contains("real images"))
    #expect(!released.contains("Expected images in a batch"))

    #expect(try bench.evaluateTable() != nil)
    let report = try bench.text(bench.places.internalFiles + "/report.json")
    #expect(report.contains("none: nothing is predicted and no attack is run"))
    #expect(report.contains("computed from private rows without noise"))
    #expect(!report.contains("real images") && !report.contains("private images"))
    // The distance, computed from the two files as text.
    let metrics = try JSONDecoder().decode(ReportMetrics.self, from: Data(report.utf8)).metrics
    let drawn = TextTable(csv: try bench.text(bench.places.release + "/data.csv"))
    #expect(drawn.rows.count == 250)
    let distance = drawn.meanDistance(to: RunBench.trainingTable)
    let measured = try #require(metrics["table_one_way_distance"]?.value)
    #expect(abs(measured - distance) < 1e-9 && distance > 0)
    #expect(!metrics.keys.contains { $0.hasPrefix("table_accuracy") })
    #expect(metrics["table_inference_advantage"] == nil)
    #expect(try bench.text(bench.places.release + "/report.json") == released)
  }

  @Test func rowsOfTheHoldOutFolderArePredictedAndAttacked() throws {
    let bench = try RunBench.forTables()
    _ = try bench.trainTable()
    let holdOut = "held/rows.csv"
    try bench.scratch.write(holdOut, TextTable(count: 200, seed: 8).csv)
    #expect(try bench.evaluateTable(holdOut: bench.scratch.path + "/held") != nil)
    let report = try bench.text(bench.places.internalFiles + "/report.json")
    let metrics = try JSONDecoder().decode(ReportMetrics.self, from: Data(report.utf8)).metrics
    #expect(metrics["table_accuracy.site"]?.value != nil && metrics["table_r2.age"]?.value != nil)
    #expect(metrics["table_inference_advantage"]?.value != nil)
    #expect(report.contains("the dataset's hold-out folder"))

    try bench.scratch.write(holdOut, "name,sex,age\np,f,1\n")
    let error = #expect(throws: ControlError.self) {
      try bench.evaluateTable(holdOut: bench.scratch.path + "/held")
    }
    #expect(error?.message.contains("has no column 'site'") == true)
  }

  @Test func anEvaluationOfATableStopsWhenItIsAsked() throws {
    let bench = try RunBench.forTables()
    _ = try bench.trainTable()
    let stop = StopSignal()
    stop.raise()
    #expect(try bench.evaluateTable(stop: stop) == nil)
    #expect(try !DurableFile.names(in: bench.places.internalFiles).contains("report.html"))
  }
}

extension RunBench {
  /// The table of these runs.
  fileprivate static let trainingTable = TextTable(count: 300, seed: 7)

  private static let tableRecipe = """
    name: tiny-table
    summary: For tests.
    family: bayes-net
    training: {batch_size: 1, steps: 1, clip_norm: 1, noise: discrete-gaussian}
    model: {mode: independent}
    """

  fileprivate static func forTables() throws -> RunBench {
    var bench = try RunBench(named: "table-1")
    let table = try bench.scratch.write("tables/rows.csv", trainingTable.csv)
    bench.order = RunOrder(
      name: "table-1", dataset: "rows", root: String(table.dropLast("/rows.csv".count)),
      rules: DatasetRules(columns: TextTable.columns),
      recipe: try RecipeLibrary.read(bench.scratch.write("table.yaml", tableRecipe)),
      loss: .epsilon(4), delta: 1e-5, budget: try PrivacyBudget(epsilon: 100, delta: 1e-5),
      count: 250, seed: 5)
    return bench
  }

  fileprivate func trainTable() throws -> JobResults {
    guard case .finished(let results) = try run(threads: 2) else {
      Issue.record("the run stopped by itself")
      return JobResults()
    }
    return results
  }

  fileprivate func evaluateTable(
    holdOut: String? = nil, stop: StopSignal = StopSignal()
  ) throws -> JobResults? {
    let plan = try #require(try ResolvedPlan.saved(in: places.internalFiles))
    return try JobEvaluation(
      plan: plan, places: places,
      dataset: DatasetConfiguration(
        name: "rows", root: order.root, columns: TextTable.columns, holdOut: holdOut,
        policy: PrivacyPolicy(epsilonMaximum: 100, delta: 1e-5)),
      request: EvaluateRequest(job: try #require(JobID("table-1"))),
      machine: Machine(threadCount: 2), makeDecoder: { ImageCodec() }, stop: stop,
      report: { _ in }
    ).run()
  }
}
