import ArgumentParser
import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Learning
import Models
import Privacy
import TestSupport
import Testing

@testable import Runs
@testable import figmentd

/// A model with a likelihood that the test sets.
private final class ScriptedModel: LikelihoodModel {
  let privateParameterCount = 1
  struct Settings: ModelSettings {
    static let summary = "For tests."
    static let recipeFields: [RecipeField] = []
    static let imageSizes = ImageSizes(sides: 1...256)
    func validate(for format: ImageSpecification) throws {}
    func validate(_ request: SampleRequest, for format: ImageSpecification) throws {}
  }

  static let family = "scripted"
  let description = "scripted"
  let bits = 8
  let format: ImageSpecification
  /// The bits per pixel channel of every image.
  var measured = 0.0
  private(set) var imagesSeen = 0

  init(_ settings: Settings, for format: ImageSpecification, seed: UInt64, on machine: Machine) {
    self.format = format
  }
  func negativeLogLikelihoods(of images: any ExampleSource) -> [Double] {
    imagesSeen = images.count
    let nats = measured / format.bitsPerDimension(nats: 1)
    return [Double](repeating: nats, count: images.count)
  }
  func step(_ step: TrainingStep, on images: PrivateExamples) -> StepReport { StepReport() }
  func sample(_ request: SampleRequest, _ receive: (Int, Tensor) throws -> Void) {}
  func save(into checkpoint: inout Checkpoint) {}
  func restore(from checkpoint: Checkpoint) {}
  func saveGenerator(into checkpoint: inout Checkpoint) {}
  func restoreGenerator(from checkpoint: Checkpoint) {}
}

@Suite struct HeldOutLikelihoodTests {
  private let model = ScriptedModel(
    ScriptedModel.Settings(),
    for: ImageSpecification(height: 2, width: 2, channels: 1, classes: []),
    seed: 1, on: Machine(threadCount: 1))

  private func curve(
    images: Int = 3, steps: Int = 48, earlier: [Double] = [], ending: UnprotectedTraining? = .test
  ) -> HeldOutLikelihood {
    HeldOutLikelihood(
      of: model,
      on: Sensitive(
        LabelledImages(
          shape: Shape(2, 2, 1), classNames: ["a"], labels: Array(repeating: 0, count: images),
          pixels: Array(repeating: 0, count: 4 * images))),
      steps: steps, seed: 1, earlier: earlier, ending: ending)
  }

  @Test func aTrainingIsMeasuredAtEvenlySpacedSteps() {
    var curve = curve()
    #expect(
      (1...48).filter { curve.measure(after: $0) != nil } == Array(stride(from: 2, to: 49, by: 2)))
    #expect(model.imagesSeen == 3)
    var short = self.curve(steps: 5)
    #expect((1...5).filter { short.measure(after: $0) != nil } == [1, 2, 3, 4, 5])
  }

  @Test func threePointsWithoutANewBestSettleATraining() {
    var curve = curve()
    // A relative gain below 0.0005 does not count.
    for (point, bits) in [5.0, 4, 4.1, 4, 3.9, 3.899, 4, 5].enumerated() {
      #expect(!curve.isSettled)
      model.measured = bits
      _ = curve.measure(after: 2 * point + 2)
    }
    #expect(curve.isSettled)
    // Without images, nothing can settle.
    var empty = self.curve(images: 0)
    #expect(empty.measure(after: 2) == nil && !empty.isSettled)
  }

  @Test func whatAnInterruptedAttemptMeasuredCounts() {
    #expect(curve(earlier: [4, 5, 5, 5]).isSettled)
    #expect(!curve(earlier: [4, 5, 5]).isSettled)
  }

  @Test func heldOutImagesNeverEndAPrivateTraining() {
    #expect(!curve(earlier: [4, 5, 5, 5, 5], ending: nil).isSettled)
  }

  @Test func theCurveStaysInside() throws {
    var bench = try RunBench(epsilon: 4, recipe: RunBench.pixelRecipe(steps: 48))
    bench.order.holdOut = try bench.holdOut()
    #expect(try bench.run().isFinished)
    let lines = try MetricsFile.lines(in: bench.places.internalFiles)
    let values = lines.compactMap { $0.privateCurves[HeldOutLikelihood.curve.name] }
    // At the beginning, a level needs about the recipe's two bits.
    #expect(values.count == 24 && values.allSatisfy { $0 > 0 && $0 < 3 })
    #expect(lines.allSatisfy { $0.curves[HeldOutLikelihood.curve.name] == nil })
    let released = try bench.text(bench.places.release + "/report.json")
    #expect(!released.contains("held-out"))
    #expect(try !DurableFile.names(in: bench.places.internalFiles).contains("holdout.pack"))
  }

  @Test func aRunWithoutPrivacyEndsWhereHeldOutImagesBecomeNoLikelier() throws {
    // A learning rate that has hardly begun to rise: no step makes anything likelier.
    var bench = try RunBench(
      epsilon: nil, recipe: RunBench.pixelRecipe(steps: 48, warmUpSteps: 1_000_000))
    bench.order.holdOut = try bench.holdOut()
    bench.order.stopsEarly = true
    #expect(try bench.run().isFinished)
    let lines = try MetricsFile.lines(in: bench.places.internalFiles)
    #expect(lines.filter { $0.privateCurves[HeldOutLikelihood.curve.name] != nil }.count < 24)
    let images = try bench.text(bench.places.unprotected + "/metadata.jsonl")
    #expect(images.split(separator: "\n").count == 12)
  }

  @Test func endingEarlyNeedsAFolderAndNoPrivacy() throws {
    let common = ["--images", "/a", "--recipe", "r", "--output", "/o", "--stop-early"]
    func refusal(_ more: [String]) -> String {
      do {
        _ = try RunCommand.parse(common + more)
        return ""
      } catch { return RunCommand.message(for: error) }
    }
    #expect(refusal(["--non-private"]).contains("--hold-out is missing"))
    #expect(
      refusal(["--epsilon", "1", "--delta", "1e-5", "--hold-out", "/h"])
        .contains("must not depend on held-out images"))
    #expect(refusal(["--non-private", "--hold-out", "/h"]) == "")
  }
}

extension RunBench {
  /// A folder of other images of the same classes.
  fileprivate func holdOut() throws -> String {
    let folder = scratch.path + "/holdout"
    try GlyphGenerator(seed: 4).write(count: 20, to: folder)
    return folder
  }
}
