import Control
import Datasets
import FoundationEssentials
import Models
import Privacy
import TestSupport
import Testing

@testable import Runs
@testable import figmentd

/// Runs that start from the weights of a released model.
@Suite struct StartingModelRunTests {
  private let earlier: RunBench

  init() throws {
    earlier = try RunBench(
      named: "earlier", epsilon: 2, recipe: RunBench.multiscaleRecipe(steps: 3, upsamplerSteps: 3))
    #expect(try earlier.run().isFinished)
  }

  /// A run whose recipe starts from a release, with other images.
  private func bench(_ recipe: String? = nil) throws -> RunBench {
    var bench = try RunBench(
      named: "later",
      recipe: recipe ?? RunBench.multiscaleRecipe(steps: 2, upsamplerSteps: 2, source: "release"))
    bench.order.startFrom = earlier.places.release
    return bench
  }

  private func weights(_ bytes: Data) throws -> [String: [Float]] {
    try Safetensors.decode(bytes).tensors.mapValues(\.values)
  }

  @Test func theFirstCheckpointHoldsTheReleasedWeights() throws {
    let bench = try bench()
    let started = try bench.runForFirstCheckpoint()
    let released = try weights(
      DurableFile.read(earlier.places.release + "/model/generator.safetensors"))
    #expect(released.count > 10)
    for (name, values) in released { #expect(started[name]?.values == values, "\(name)") }
  }

  @Test func planAndReleaseNameTheModelAndItsOwnGuarantee() throws {
    let bench = try bench()
    #expect(try bench.run().isFinished)
    let plan = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    #expect(
      plan.phases.map(\.name) == [
        "starting weights", "training", "starting weights to 8x8", "upsampling to 8x8", "drawing",
      ])
    let purpose = "a released model of recipe doubled, which a statement of its own covers: epsilon"
    #expect(plan.phases[0].purpose.contains(purpose) && plan.phases[0].stepCount == 0)
    let page = try bench.text(bench.places.release + "/PRIVACY.md")
    #expect(page.contains(purpose) && page.contains("at delta 1e-5 for dataset 'glyphs'"))
    #expect(try bench.history().charges.map(\.entry.purpose).contains("upsampling to 8x8"))
  }

  @Test func aModelThatDoesNotFitIsRefusedBeforeAnythingIsCharged() throws {
    let recipe = RunBench.multiscaleRecipe(steps: 2, upsamplerSteps: 2, source: "release")
      .replacing("        channels: 4", with: "        channels: 6")
      .replacing("    channels: 4", with: "    channels: 6")
    let bench = try bench(recipe)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("parameters of the released model fit into upsampler1") == true)
    #expect(try bench.history().charges.isEmpty)
  }

  /// Without a manifest, the statement of another release could lie beside the model.
  @Test(arguments: ["privacy.json", "manifest.json"])
  func aModelWithoutAStatementIsRefused(_ missing: String) throws {
    let bench = try bench()
    try FileManager.default.removeItem(atPath: "\(earlier.places.release)/\(missing)")
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("no statement and manifest beside the model") == true)
    #expect(try bench.history().charges.isEmpty)
  }

  @Test func aModelThatStartedFromAnotherOneNamesBothGuarantees() throws {
    let second = try bench()
    #expect(try second.run().isFinished)
    var third = try bench()
    third.order.startFrom = second.places.release
    #expect(try third.run().isFinished)
    let page = try third.text(third.places.release + "/PRIVACY.md")
    #expect(
      page.contains("; that model started from the weights of a released model of recipe doubled"))
  }

  @Test func aRecipeThatNeedsAReleaseIsRefusedWithoutOne() throws {
    var bench = try bench()
    bench.order.startFrom = nil
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("--start-from RELEASE") == true)
  }
}
