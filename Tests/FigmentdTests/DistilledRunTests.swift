import Compute
import Control
import FoundationEssentials
import Models
import Privacy
import Synchronization
import TestSupport
import Testing

@testable import Runs
@testable import figmentd

/// A run whose released generator learns from the images of a privately trained teacher.
@Suite struct DistilledRunTests {
  private static let recipe = RunBench.distilledRecipe()

  private static let phases = [
    "pre-training", "training", "teacher's images", "distilling", "drawing",
  ]

  /// Runs under repeatable noise; with a place, asks to stop there first and then runs again.
  private func run(_ bench: RunBench, stoppingIn phase: String? = nil, at step: Int = 0) throws {
    var conditions = RunConditions()
    conditions.makeNoise = { TestNoise.stream(11) }
    if let phase {
      let stop = StopSignal()
      let ending = try bench.run(stop: stop, under: conditions) { report in
        if case .progress(let progress) = report, progress.name == phase, progress.done == step {
          stop.raise()
        }
      }
      #expect(!ending.isFinished)
    }
    #expect(try bench.run(under: conditions).isFinished)
  }

  /// What was drawn and the model that drew it.
  private func released(_ bench: RunBench) throws -> [String: Data] {
    let release = bench.places.release
    let names =
      try FolderTree.files(in: release + "/data").map { "data/\($0)" }
      + ["model/generator.safetensors", "samples.png"]
    return try Dictionary(
      uniqueKeysWithValues: names.map { ($0, try DurableFile.read("\(release)/\($0)")) })
  }

  @Test func aRunThatIsStoppedInAnyPhaseEndsWithAnExactLedger() throws {
    for (phase, step) in [
      ("pre-training", 3), ("training", 5), ("training", 12), ("teacher's images", 1),
      ("distilling", 2),
    ] {
      let bench = try RunBench(recipe: Self.recipe)
      try run(bench, stoppingIn: phase, at: step)
      #expect(try bench.charges() == ["training": 12], "\(phase), \(step)")
      #expect(try bench.history().openReservationCount == 0)
      #expect(try bench.history().cost(atDelta: 1e-5).epsilon <= 4)
    }
  }

  @Test func anInterruptedFreePhaseEndsWithTheBitsOfAnUninterruptedOne() throws {
    let bench = try RunBench(count: 40, recipe: Self.recipe)
    try run(bench)
    let whole = try released(bench)
    #expect(whole.count == 42)
    for (phase, step) in [
      ("pre-training", 3), ("teacher's images", 1), ("teacher's images", 3), ("distilling", 1),
      ("distilling", 13), ("distilling", 20),
    ] {
      let other = try RunBench(count: 40, recipe: Self.recipe)
      try run(other, stoppingIn: phase, at: step)
      #expect(try released(other) == whole, "\(phase), \(step)")
    }
  }

  @Test func planCardStatementAndReportSayThatItIsDistilled() throws {
    let bench = try RunBench(recipe: Self.recipe)
    try run(bench)
    let plan = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    #expect(plan.phases.map(\.name) == Self.phases)
    let statement = try JSONDecoder().decode(
      PrivacyStatement.self, from: DurableFile.read(bench.places.release + "/privacy.json"))
    #expect(statement.phases?.map(\.name) == Self.phases)
    #expect(statement.phases?.filter { $0.accesses != nil }.map(\.name) == ["training"])
    let page = try bench.text(bench.places.release + "/PRIVACY.md")
    #expect(page.contains("family pixel, draws 600 images"))
    let card = try bench.text(bench.places.release + "/README.md")
    #expect(card.contains("\n\nThe images are distilled. A teacher, a model of family `pixel`,"))
    #expect(card.contains("The teacher is not released.\n\nEvery image was drawn"))
    let report = try bench.text(bench.places.release + "/report.json")
    for name in Self.phases { #expect(report.contains("\"\(name)\""), "\(name)") }
    #expect(report.contains("The images are distilled."))
  }

  @Test func theReleasedGeneratorDrawsAlone() throws {
    let bench = try RunBench(recipe: Self.recipe)
    try run(bench)
    let model = bench.places.release + "/model/generator.safetensors"
    let arrays = try Safetensors.decode(DurableFile.read(model)).tensors
    #expect(!arrays.isEmpty && arrays.keys.allSatisfy { $0.hasPrefix("generator.") })
    let released = try ReleasedModel(bench.places.release, on: Machine(threadCount: 1))
    let generation = Generation(
      model: released.model, recipe: released.recipe, classes: released.classes,
      request: SampleRequest(labels: [0, 1, 2], seed: 4), name: "more")
    let place = bench.scratch.path + "/more"
    let results = try generation.write(
      insideAt: SetPlace(place), guarantee: .none, stop: StopSignal(), report: { _ in })
    #expect(results?.images == 3)
    #expect(
      try bench.text(place + "/README.md").contains("\n\nThe images are distilled. A teacher"))
  }

  /// In the progress of a run, which others than the owner of the images may watch.
  @Test(arguments: [4, nil] as [Double?])
  func curvesOfFreePhasesLeaveOnlyIfNoiseProtectsTheImages(_ epsilon: Double?) throws {
    let bench = try RunBench(epsilon: epsilon, recipe: Self.recipe)
    let curves = Mutex<Set<String>>([])
    let ending = try bench.run { report in
      guard case .progress(let progress) = report, let curve = progress.curve else { return }
      curves.withLock { _ = $0.insert(curve.name) }
    }
    #expect(ending.isFinished)
    #expect(curves.withLock { $0 } == (epsilon == nil ? [] : ["distilled_fake_accuracy"]))
  }

  @Test func aRecipeWhoseTeacherIsDistilledIsRefusedByName() throws {
    let text = Self.recipe.replacing("family: pixel", with: "family: distilled")
    let error = #expect(throws: ControlError.self) { try RunBench(recipe: text) }
    #expect(
      error?.message.contains(
        "field 'model.teacher.family': found 'distilled', expected dp-gan or pixel or multiscale or embedding or vae"
      )
        == true)
  }

  @Test func aFieldThatTheTeachersFamilyDoesNotHaveIsRefused() throws {
    let text = Self.recipe.replacing("depth: 1\n", with: "depth: 1\n    features: 2\n")
    #expect(text != Self.recipe)
    let error = #expect(throws: ControlError.self) { try RunBench(recipe: text) }
    #expect(error?.message.contains("'model.teacher.features'") == true, "\(error?.message ?? "")")
  }
}
