import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Glibc
import Models
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// Synthetic images at several steps of a training.
@Suite struct TrainingPreviewsTests {
  private let bench: RunBench

  init() throws {
    bench = try RunBench(steps: 16)
  }

  @Test func aRunLeavesEightPreviewsAndItsReleaseShowsThem() throws {
    let bench = try RunBench(steps: 40)
    guard case .finished = try bench.run() else {
      Issue.record("the run stopped by itself")
      return
    }
    let design = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    let sheets = try TrainingPreviews(in: bench.places.internalFiles, design).sheets()
    #expect(sheets.map(\.step) == [5, 10, 15, 20, 25, 30, 35, 40])
    #expect(Set(sheets.map(\.images.labels)).count == 1)
    #expect(sheets.first?.images.classCounts.allSatisfy { $0 > 0 } == true)
    // Training changed the images.
    #expect(sheets.first?.images.pixels != sheets.last?.images.pixels)
    let page = try bench.text(bench.places.release + "/report.html")
    #expect(page.contains("Over time") && page.contains("Step 5<") && page.contains("Step 40<"))
    #expect(page.contains("the same synthetic images moved by"))
    #expect(page.contains("the discriminator recognised"))
    #expect(try !DurableFile.names(in: bench.places.release).contains("previews"))
  }

  @Test func theLastPreviewIsWhatTheLastCheckpointDraws() throws {
    _ = try bench.run()
    let design = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    let saved = try #require(try CheckpointFolder(path: bench.places.checkpoints).newest())
    let model = try design.recipe.makeModel(
      classes: design.classes, seed: 99, on: Machine(threadCount: 2))
    try model.restore(from: saved.checkpoint)
    let other = TrainingPreviews(in: bench.scratch.path + "/other", design)
    try other.draw(model, after: 16, of: 16)
    let own = TrainingPreviews(in: bench.places.internalFiles, design)
    #expect(try other.sheets().last?.images.pixels == own.sheets().last?.images.pixels)
  }

  @Test func previewsSurviveAResumeAndThoseOfLostStepsAreForgotten() throws {
    let (previews, model) = try previewsOfSixteenSteps()
    for step in 1...12 { try previews.draw(model, after: step, of: 16) }
    #expect(try previews.sheets().map(\.step) == [2, 4, 6, 8, 10, 12])
    // The newest checkpoint is of step 9.
    try previews.forget(after: 9)
    #expect(try previews.sheets().map(\.step) == [2, 4, 6, 8])
    for step in 10...16 { try previews.draw(model, after: step, of: 16) }
    #expect(try previews.sheets().map(\.step) == [2, 4, 6, 8, 10, 12, 14, 16])
  }

  @Test func aRunThatACrashShortenedEndsWithAPreview() throws {
    let (previews, model) = try previewsOfSixteenSteps()
    for step in 1...15 { try previews.draw(model, after: step, of: 15) }
    #expect(try previews.sheets().map(\.step) == [2, 4, 6, 8, 10, 12, 14, 15])
  }

  @Test func aDamagedPreviewIsLeftOut() throws {
    let (previews, model) = try previewsOfSixteenSteps()
    for step in 1...6 { try previews.draw(model, after: step, of: 16) }
    #expect(truncate(bench.places.internalFiles + "/previews/step-4.png", 40) == 0)
    #expect(try previews.sheets().map(\.step) == [2, 6])
  }

  @Test func onlyASetWithAReportKeepsPixelsForIt() throws {
    let model = try bench.order.recipe.makeModel(
      classes: ["a", "b"], seed: 1, on: Machine(threadCount: 1))
    let format = bench.order.recipe.format(classes: ["a", "b"])
    for hasReport in [true, false] {
      let writer = try InternalSetWriter(
        insideAt: SetPlace(bench.scratch.path + "/set"), hasReport: hasReport)
      #expect(
        try writer.writeImages(
          of: model, format: format, SampleRequest(classCounts: [10, 10], seed: 1)))
      #expect(writer.looked.labels.count == (hasReport ? 20 : 0))
    }
  }

  private func previewsOfSixteenSteps() throws -> (TrainingPreviews, any GenerativeModel) {
    let design = try ResolvedPlan.resolve(
      bench.order, classes: ["a", "b"], units: 64, snapshot: "none", after: LedgerHistory()
    ).plan
    let model = try design.recipe.makeModel(
      classes: design.classes, seed: 1, on: Machine(threadCount: 1))
    return (TrainingPreviews(in: bench.places.internalFiles, design), model)
  }
}
