import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Glibc
import Models
@_spi(PrivateZone) import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// Reports about runs: the released one and the internal one.
@Suite(.serialized) struct JobEvaluationTests {
  @Test func aReleaseLeavesWithItsReport() throws {
    let bench = try RunBench.forReports()
    try bench.train()
    let report = try bench.text(bench.places.release + "/report.json")
    #expect(report.contains("\"zone\" : \"release\""))
    #expect(report.contains("Differential privacy holds with epsilon"))
    #expect(report.contains("set.variety"))
    #expect(!report.contains(bench.order.root))
    let page = try bench.text(bench.places.release + "/report.html")
    #expect(page.contains("Withheld parts") && page.contains("data:image/png"))
    // The ledger's record of the release covers the report.
    #expect(try bench.text(bench.places.release + "/manifest.json").contains("report.html"))
  }

  /// So that the evaluation of a release does not say that no guarantee is known.
  @Test func theGuaranteeOfAReleaseIsFoundBesideItsImages() throws {
    let bench = try RunBench.forReports()
    try bench.train()
    let release = bench.places.release
    let stated = try #require(PrivacyStatement.beside(images: release + "/data/"))
    let plan = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    #expect(stated.total.epsilon == plan.epsilon && stated.total.delta == 1e-5)
    #expect(stated.sentence.contains("differentially private with respect to"))
    #expect(PrivacyStatement.beside(images: bench.order.root) == nil)
    let text = try bench.text(release + "/privacy.json")
    try DurableFile.write(Data((text + " ").utf8), to: release + "/privacy.json")
    #expect(
      PrivacyStatement.beside(images: release + "/data") == nil, "not what the manifest lists")
  }

  @Test func aSetWithoutPrivacyHasAReportThatSaysSo() throws {
    let bench = try RunBench.forReports(epsilon: nil)
    try bench.train()
    let report = try bench.text(bench.places.unprotected + "/report.json")
    #expect(report.contains("\"zone\" : \"internal\""))
    #expect(report.contains("Do not share it"))
    #expect(report.contains("No differential privacy guarantee is known"))
  }

  @Test func withoutAHoldOutTheSplitIsNamedAndNoAttackIsMade() throws {
    let bench = try RunBench.forReports()
    try bench.train()
    let released = try bench.text(bench.places.release + "/report.json")
    let results = try #require(try bench.evaluate())
    #expect(results.outputs.map(\.path) == [bench.places.internalFiles + "/report.html"])
    let report = try bench.text(bench.places.internalFiles + "/report.json")
    #expect(report.contains("\"zone\" : \"internal\""))
    #expect(report.contains("which the model has seen"))
    #expect(report.contains("No attack was run"))
    #expect(!report.contains("attack.distance"))
    #expect(report.contains("accuracy.cnn") && report.contains("accuracy.private-rival"))
    #expect(report.contains("accuracy.embedding-baseline"))
    // The curve over previews needs real images, so only the internal report has it.
    let curve = "Kernel distance of previews to real images"
    #expect(report.contains(curve) && !released.contains(curve))
    #expect(report.contains("Over time") && released.contains("Over time"))
    #expect(try bench.text(bench.places.release + "/report.json") == released)
  }

  @Test func aHoldOutFolderIsAttackedWithoutItsCopiesOfTrainingImages() throws {
    let bench = try RunBench.forReports()
    try bench.train()
    let holdOut = bench.scratch.path + "/holdout"
    // The same seed draws the same images again, and nothing would be left for a comparison.
    try GlyphGenerator(seed: 3).write(count: 520, to: holdOut)
    let error = #expect(throws: ControlError.self) { try bench.evaluate(holdOut: holdOut) }
    #expect(error?.message.contains("test") == true)
    try FolderTree.remove(holdOut)
    try GlyphGenerator(seed: 4).write(count: 520, to: holdOut)
    // The results of the run, as if a crash had cost a step.
    var results = try StateFormat.read(
      JobResults.self, at: ResultsFile.path(in: bench.places.internalFiles))
    results.steps = 29
    try ResultsFile.write(results, in: bench.places.internalFiles)
    #expect(try bench.evaluate(holdOut: holdOut) != nil)
    let report = try bench.text(bench.places.internalFiles + "/report.json")
    #expect(report.contains("29 of 30 planned steps"))
    #expect(report.contains("attack.") && report.contains("memorization.copies"))
    #expect(!report.contains("No attack was run"))
    #expect(try !DurableFile.names(in: bench.places.internalFiles).contains("holdout.pack"))
  }

  @Test func anEvaluationStopsWhenItIsAsked() throws {
    let bench = try RunBench.forReports()
    try bench.train()
    let stop = StopSignal()
    stop.raise()
    #expect(try bench.evaluate(stop: stop) == nil)
    #expect(try !DurableFile.names(in: bench.places.internalFiles).contains("report.html"))
  }

  @Test func curvesTakeOnlyWhatIsKnownToBeFreeForFree() throws {
    let scratch = ScratchFolder()
    var lines = (1...100).map {
      "{\"step\":\($0),\"curves\":{\"fake_accuracy\":0.5,\"secret\":1},"
        + "\"private_curves\":{\"held_out_bits_per_dimension\":\(3 - Double($0) / 100)}}"
    }
    // Steps that the run repeated after a crash, and a line that the crash cut.
    lines += [
      "{\"step\":90,\"curves\":{\"fake_accuracy\":0.7},\"private_curves\":{}}", "{\"step\":10",
    ]
    try scratch.write("metrics.jsonl", lines.joined(separator: "\n"))
    let curves = try TrainingCurves(in: scratch.path, steps: 100, family: DPGAN.self)
    let real = curves.real.revealed()
    #expect(curves.free.value.count == 1 && real.count == 1)
    let free = try #require(curves.free.value.first)
    #expect(free.steps == free.steps.sorted() && free.steps.count <= 121)
    #expect(free.values.max() == 0.6)
    let end = try #require(curves.watchedAtEnd).value
    #expect(end > 0.5 && end < 0.55)
    #expect(real.first?.direction == .lower)
    #expect(
      try TrainingCurves(
        in: scratch.path + "/none", steps: 100, family: DPGAN.self
      ).free.value.isEmpty)
  }
}

extension RunBench {
  /// Enough images for an evaluation, in a size for which its features can be computed.
  fileprivate static func forReports(epsilon: Double? = 4) throws -> RunBench {
    try RunBench(
      named: "glyphs-1", epsilon: epsilon, side: 16, steps: 30, drawn: 520, count: 120)
  }

  fileprivate func train() throws {
    guard case .finished(let results) = try run(threads: 2) else {
      Issue.record("the run stopped by itself")
      return
    }
    #expect(results.outputs.contains { $0.kind == "report" })
  }

  fileprivate func evaluate(
    holdOut: String? = nil, stop: StopSignal = StopSignal()
  ) throws -> JobResults? {
    let design = try #require(try ResolvedPlan.saved(in: places.internalFiles))
    let job = try #require(JobID("glyphs-1"))
    return try JobEvaluation(
      plan: design, places: places,
      dataset: DatasetConfiguration(
        name: "glyphs", root: order.root, holdOut: holdOut,
        policy: PrivacyPolicy(epsilonMaximum: 100, delta: 1e-5)),
      request: EvaluateRequest(job: job, effort: .quick), machine: Machine(threadCount: 2),
      makeDecoder: { ImageCodec() }, stop: stop, report: { _ in }
    ).run()
  }
}
