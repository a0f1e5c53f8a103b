import Compute
import Control
import Datasets
import FoundationEssentials
import Models
import Privacy
import TestSupport

@testable import figmentd

/// A folder of drawn images, a recipe of a few hundred weights, and places for one run.
struct RunBench {
  let scratch = ScratchFolder()
  let order: RunOrder
  let places: RunPlaces

  /// Draws `drawn` images; the run trains on them at `side` pixels and ends with `count` of its own.
  init(
    named name: String = "run", epsilon: Double? = 4, maximum: Double = 100, side: Int = 8,
    steps: Int = 40, drawn: Int = 64, count: Int = 12, hardened: Bool = false,
    countEpsilon: Double? = nil, rules: DatasetRules = DatasetRules()
  ) throws {
    let images = scratch.path + "/images"
    try GlyphGenerator(seed: 3).write(count: drawn, to: images)
    let recipe = try RecipeLibrary.read(
      scratch.write("tiny.yaml", Self.recipe(side: side, steps: steps)))
    order = RunOrder(
      name: name, dataset: "glyphs", root: images, rules: rules, recipe: recipe,
      epsilon: epsilon, permission: epsilon == nil ? .test : nil, delta: 1e-5,
      budget: try PrivacyBudget(epsilon: maximum, delta: 1e-5),
      steps: nil, isHardened: hardened, countEpsilon: countEpsilon, count: count, seed: 5)
    places = RunPlaces(
      internalFiles: scratch.path + "/internal", checkpoints: scratch.path + "/checkpoints",
      release: scratch.path + "/release/run", unprotected: scratch.path + "/unprotected/run",
      ledgers: scratch.path + "/ledgers", ledgerMarks: scratch.path + "/marks")
  }

  private static func recipe(side: Int, steps: Int) -> String {
    """
    name: tiny
    summary: For tests.
    family: dp-gan
    image: {height: \(side), width: \(side), channels: 1}
    training: {batch_size: 16, steps: \(steps), clip_norm: 1}
    model:
      width: 2
      generator_width: 2
      latent_size: 4
      discriminator_learning_rate: 0.001
      generator_learning_rate: 0.001
      beta1: 0.5
      beta2: 0.999
      generator_batch_size: 8
      schedule: {start: 2, grace: 10, limit: 5}
      average_decay: 0.9
    """
  }

  /// Trains and publishes.
  func run(
    threads: Int = 1, stop: StopSignal = StopSignal(),
    report: @escaping @Sendable (JobReport) -> Void = { _ in }
  ) throws -> TrainingRun.Ending {
    try TrainingRun(
      order, at: places, on: Machine(threadCount: threads), stop: stop,
      makeDecoder: { ImageCodec() }, report: report
    ).run()
  }

  /// The text of a file.
  func text(_ path: String) throws -> String {
    String(decoding: try DurableFile.read(path), as: UTF8.self)
  }
}
